package main

import (
	"archive/tar"
	"context"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

var root = filepath.Join("..", "..", "..")

// hello is an image that takes seconds to build.
func hello(t *testing.T, archs ...string) *image {
	t.Helper()
	return must(build(t.Context(), options{
		Package: "./cmd/internal/image/testdata/hello", Dir: root, Version: "v1.2.3", Archs: archs,
		Created: time.Unix(1_700_000_000, 0).UTC(), Certificates: []byte("certificates\n"),
	}))(t)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// unpack gives the files of an image by name.
func unpack(t *testing.T, img v1.Image) map[string]*tar.Header {
	t.Helper()
	found := map[string]*tar.Header{}
	in := mutate.Extract(img)
	defer in.Close()
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[h.Name] = h
	}
}

// program writes the binary of an image to disk.
func program(t *testing.T, img v1.Image) string {
	t.Helper()
	in := mutate.Extract(img)
	defer in.Close()
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("look for /rondo: %v", err)
		}
		if h.Name != "rondo" {
			continue
		}
		path := filepath.Join(t.TempDir(), "rondo")
		if err := os.WriteFile(path, must(io.ReadAll(r))(t), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

func TestLayoutReadsBackAsAnImageForEachProcessor(t *testing.T) {
	dir := t.TempDir()
	if err := hello(t, "amd64", "arm64").write(dir); err != nil {
		t.Fatal(err)
	}
	outer := must(layout.ImageIndexFromPath(dir))(t)
	list := must(outer.IndexManifest())(t)
	if len(list.Manifests) != 1 || list.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "v1.2.3" {
		t.Fatalf("index.json holds %+v, want one index named v1.2.3", list.Manifests)
	}
	index := must(outer.ImageIndex(list.Manifests[0].Digest))(t)
	if err := validate.Index(index); err != nil {
		t.Fatal(err)
	}
	manifest := must(index.IndexManifest())(t)
	if len(manifest.Manifests) != 2 {
		t.Fatalf("%d images, want 2", len(manifest.Manifests))
	}
	for i, arch := range []string{"amd64", "arm64"} {
		if got := manifest.Manifests[i].Platform.String(); got != "linux/"+arch {
			t.Errorf("image %d is for %s, want linux/%s", i, got, arch)
		}
		img := must(index.Image(manifest.Manifests[i].Digest))(t)
		config := must(img.ConfigFile())(t)
		if config.Architecture != arch || config.Config.User != "65532:65532" {
			t.Errorf("configured for %s as user %s", config.Architecture, config.Config.User)
		}
		if got := strings.Join(append(config.Config.Entrypoint, config.Config.Cmd...), " "); got != "/rondo serve --config /etc/rondo/rondo.yaml" {
			t.Errorf("starts %q", got)
		}
		files := unpack(t, img)
		for name, mode := range map[string]int64{
			"rondo": 0o755, "etc/ssl/certs/ca-certificates.crt": 0o644, "tmp": 0o1777, "var/lib/rondo": 0o700,
		} {
			if h := files[name]; h == nil {
				t.Errorf("%s is missing", name)
			} else if h.Mode != mode || h.ModTime.Unix() != 1_700_000_000 {
				t.Errorf("%s has mode %o and time %s", name, h.Mode, h.ModTime)
			}
		}
		if len(files) != 5 {
			t.Errorf("%d files, want the program, the certificates and three folders", len(files))
		}
		if h := files["var/lib/rondo"]; h != nil && h.Uid != user {
			t.Errorf("the data folder belongs to %d", h.Uid)
		}
	}
}

func TestTheSameSourceGivesTheSameDigest(t *testing.T) {
	first, second := must(hello(t, runtime.GOARCH).index.Digest())(t), must(hello(t, runtime.GOARCH).index.Digest())(t)
	if first != second {
		t.Errorf("digests are %s and %s", first, second)
	}
}

func TestArchiveForDockerHoldsARunnableProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rondo.tar")
	arch := must(hello(t, runtime.GOARCH).archive(path, runtime.GOARCH))(t)
	if arch != runtime.GOARCH {
		t.Errorf("archive is for %s", arch)
	}
	tag := must(name.NewTag("rondo:v1.2.3"))(t)
	img := must(tarball.ImageFromPath(path, &tag))(t)
	out := must(exec.Command(program(t, img)).CombinedOutput())(t)
	if string(out) != "hello v1.2.3\n" {
		t.Errorf("said %q", out)
	}
}

func TestPushedImageCanBePulled(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	to := strings.TrimPrefix(server.URL, "http://") + "/rondo:v1.2.3"
	var said strings.Builder
	img := hello(t, runtime.GOARCH)
	if err := img.push(context.Background(), &said, to); err != nil {
		t.Fatal(err)
	}
	pulled := must(remote.Index(must(name.ParseReference(to))(t)))(t)
	if got, want := must(pulled.Digest())(t), must(img.index.Digest())(t); got != want {
		t.Errorf("pulled %s, want %s", got, want)
	}
	if !strings.Contains(said.String(), "@sha256:") {
		t.Errorf("said %q, want the digest", said.String())
	}
}

func TestRondoItselfRunsFromTheImage(t *testing.T) {
	img := must(build(t.Context(), options{
		Package: "./cmd/rondo", Beside: []string{"cmd/rondo-sops"}, Dir: root, Version: "v1.2.3", Archs: []string{runtime.GOARCH}, Created: time.Unix(0, 0),
	}))(t)
	if h := unpack(t, img.byArch[runtime.GOARCH])["rondo-sops"]; h == nil || h.Mode != 0o755 {
		t.Errorf("rondo-sops is not in the image: %+v", h)
	}
	binary := program(t, img.byArch[runtime.GOARCH])
	help := must(exec.Command(binary, "--help").CombinedOutput())(t)
	if !strings.Contains(string(help), "serve") {
		t.Errorf("--help does not speak of serve:\n%s", help)
	}
	version := must(exec.Command(binary, "--version").CombinedOutput())(t)
	if !strings.Contains(string(version), "v1.2.3") {
		t.Errorf("--version says %q", version)
	}
	// Static: in an empty image there is no loader to ask for libraries.
	if out, err := exec.Command("ldd", binary).CombinedOutput(); err == nil {
		t.Errorf("the binary needs libraries:\n%s", out)
	}
}
