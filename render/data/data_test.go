package data_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/manifest"
)

// database is one that rondo runs, by default with what every engine has.
func database(engine string) manifest.Database {
	return manifest.Database{Engine: engine, Group: "default", Root: true, Port: 1000,
		Run: &manifest.Instance{Family: engine, Image: "image", Database: "shop_production", Disk: manifest.Disk{Size: "1Gi"}}}
}

var shop = manifest.Application{App: "shop", Environment: "production", Namespace: "shop-production"}

func TestTheChartHasTheCatalogueThatRondoComesWith(t *testing.T) {
	b, err := os.ReadFile("../../charts/rondo/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Config struct{ Catalogue map[string]map[string]string }
	}
	if err := yaml.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	if len(data.Catalogue()) < 9 {
		t.Errorf("the catalogue has %d engines", len(data.Catalogue()))
	}
	if diff := cmp.Diff(data.Catalogue(), values.Config.Catalogue); diff != "" {
		t.Errorf("- rondo, + chart:\n%s", diff)
	}
}

// images are what the catalogue has beside engines: other images of one.
var images = map[string]bool{"postgis": true, "percona": true, "cloudnative-pg": true, "cloudnative-pg-postgis": true}

func TestNoObjectOfADatabaseIsEverPruned(t *testing.T) {
	for engine := range data.Catalogue() {
		if images[engine] {
			continue
		}
		db := database(engine)
		db.Run.Disk.Grown = "2Gi"
		objects, problems := data.Objects(&shop, db)
		if len(problems) > 0 || len(objects) < 5 {
			t.Fatalf("%s: %d objects, %v", engine, len(objects), problems)
		}
		for _, o := range objects {
			if o.Group != engine+".default" {
				t.Errorf("%s of %s has the group %q", o.Body["kind"], engine, o.Group)
			}
		}
	}
}

func TestSecretsAreMadeUpOnceAndDerived(t *testing.T) {
	want := map[string]string{
		"postgresql": "postgresql://$(username):$(password)@$(host):$(port)/$(database)",
		"mysql":      "mysql://$(username):$(password)@$(host):$(port)/$(database)",
		"mongodb":    "mongodb://$(username):$(password)@$(host):$(port)/$(database)?authSource=admin",
		"redis":      "redis://:$(password)@$(host):$(port)",
		"rabbitmq":   "amqp://$(username):$(password)@$(host):$(port)",
		"influxdb":   "http://$(host):$(port)",
	}
	for engine := range data.Catalogue() {
		if images[engine] {
			continue
		}
		objects, _ := data.Objects(&shop, database(engine))
		var found *render.Generate
		for _, o := range objects {
			if o.Body["kind"] == "Secret" {
				found = o.Generate
				if !found.Lasting || o.Body["data"] != nil {
					t.Errorf("%s: the Secret is not lasting, or has data", engine)
				}
			}
		}
		if (found != nil) != (want[engine] != "") {
			t.Errorf("%s: has a Secret: %v", engine, found != nil)
		}
		if found == nil {
			continue
		}
		keys := map[string]render.GeneratedKey{}
		for _, key := range found.Keys {
			if _, twice := keys[key.Name]; twice {
				t.Errorf("%s: %s stands twice", engine, key.Name)
			}
			keys[key.Name] = key
		}
		if keys["url"].Text != want[engine] || keys["host"].Text != engine+"-default.shop-production" || keys["port"].Text != "1000" {
			t.Errorf("%s: %+v", engine, keys)
		}
		for name, key := range keys {
			if strings.HasSuffix(name, "password") && (key.Length < 32 || key.Text != "") {
				t.Errorf("%s: %+v is no password", engine, key)
			}
			if name == "username" && (key.Length != 12 || !key.Hex || key.Prefix != "u") {
				t.Errorf("%s: %+v is no user", engine, key)
			}
		}
	}
}

// A password in an argument can be read by every process of the node.
func TestNoArgumentHoldsASecret(t *testing.T) {
	for engine := range data.Catalogue() {
		if images[engine] {
			continue
		}
		db := database(engine)
		db.Run.Parameters = []manifest.Parameter{{Name: "a", Value: "$(APP_PASSWORD)"}}
		objects, _ := data.Objects(&shop, db)
		for _, o := range objects {
			if o.Body["kind"] != "StatefulSet" {
				continue
			}
			b, err := yaml.Marshal(o.Body)
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.ReplaceAll(string(b), "$$(", ""); strings.Contains(text, "$(APP_PASSWORD") || strings.Contains(text, "hostPath") {
				t.Errorf("%s:\n%s", engine, text)
			}
		}
	}
}
