package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"rondo.dev/rondo/cmd/internal/folder"
)

func TestAManifestStandsForItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.MkdirAll(filepath.Join(dir, ".cloud66"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, manifest := range []string{".cloud66/manifest.yml", "service.yml"} {
		path := filepath.Join(dir, manifest)
		if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := folder.Options{Dir: path}.Complete()
		if err != nil || o.Dir != dir || o.Manifest != manifest || o.App != "shop" {
			t.Errorf("%s: folder %s, manifest %s, application %s, %v", manifest, o.Dir, o.Manifest, o.App, err)
		}
	}
}
