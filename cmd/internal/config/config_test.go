package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
)

const minimal = `
github: { webhook_secret_file: /etc/rondo/webhook }
applications:
- name: shop
  repository: https://github.com/acme/shop
  service_account: shop-deployer
`

func TestDefaults(t *testing.T) {
	c, err := config.Parse("rondo.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Defaults()
	want.GitHub.WebhookSecretFile = "/etc/rondo/webhook"
	want.Applications = c.Applications
	if !reflect.DeepEqual(c.File, want) {
		t.Errorf("got %+v\nwant %+v", c.File, want)
	}
	app := c.Apps[0]
	if app.Ref != "main" || app.Environment != "production" || app.Namespace != "shop-production" {
		t.Errorf("defaults of an application: %+v", app)
	}
}

func TestAnEngineInTheCatalogueReplacesItsVersions(t *testing.T) {
	c, err := config.Parse("rondo.yaml", []byte(minimal+`catalogue: {redis: {"8": "registry.example.org/redis:8"}}`))
	if err != nil {
		t.Fatal(err)
	}
	images := c.Facts().Images
	if got := images["redis"]; len(got) != 1 || got["8"] != "registry.example.org/redis:8" {
		t.Errorf("redis has %v", got)
	}
	if got := images["postgresql"]; !reflect.DeepEqual(got, data.Catalogue()["postgresql"]) {
		t.Errorf("postgresql has %v", got)
	}
}

func TestAnObjectStoreNeedsOnlyAnAddressAndABucket(t *testing.T) {
	for file, want := range map[string]*render.ObjectStore{
		"":                              nil,
		"object_store: { secret: key }": nil, // the chart writes its defaults
		"object_store: { endpoint: https://s3.example.org/, bucket: copies }": {Endpoint: "https://s3.example.org", Bucket: "copies", Region: "us-east-1",
			Prefix: "rondo", Provider: "Other", Secret: "rondo-object-store", Image: config.Defaults().ObjectStore.Image},
		"object_store: { endpoint: http://minio.storage.svc:9000, bucket: copies, region: eu, prefix: a/b, provider: Minio, secret: key, image: rclone@sha256:0 }": {Endpoint: "http://minio.storage.svc:9000",
			Bucket: "copies", Region: "eu", Prefix: "a/b", Provider: "Minio", Secret: "key", Image: "rclone@sha256:0"},
	} {
		c, err := config.Parse("rondo.yaml", []byte(minimal+file))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Facts().ObjectStore; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", file, got, want)
		}
	}
}

// The scripts are tested with the version that testdata/rclone pins.
func TestTheImageOfTheObjectStoreHasTheVersionThatIsTested(t *testing.T) {
	b, err := os.ReadFile("../../../testdata/rclone/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(config.Defaults().ObjectStore.Image, ":")
	if !strings.Contains(string(b), "github.com/rclone/rclone v"+version+"\n") {
		t.Errorf("the default is %s", config.Defaults().ObjectStore.Image)
	}
}

func TestEveryFaultHasItsLineAndAHint(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"unknown key": {minimal + "listne: \":80\"\n",
			"rondo.yaml:7: unknown key listne; did you mean listen?"},
		"unknown key far from any": {minimal + "frobnicate: 1\n",
			"rondo.yaml:7: unknown key frobnicate; known here: listen, "},
		"wrong type": {strings.Replace(minimal, "github:", "single_tenant: [1]\ngithub:", 1),
			"rondo.yaml:2: single_tenant must be a bool, not a list"},
		"bad duration": {minimal + "poll:\n  min: 5\n",
			`rondo.yaml:8: poll.min must be a time such as 30s or 5m, not "5"`},
		"key twice": {minimal + "data: /a\ndata: /b\n",
			"rondo.yaml:8: data stands twice, first on line 7"},
		"no webhook secret": {"applications: []\n",
			"rondo.yaml:1: github.webhook_secret_file is missing; rondo does not listen without a secret"},
		"not built yet": {minimal + "previews: { max: 3 }\n",
			"rondo.yaml:7: previews is not built yet; remove it"},
		"plain http": {minimal + "public_url: http://rondo.example.org\n",
			"rondo.yaml:7: public_url must be an https address without credentials"},
		"name": {strings.Replace(minimal, "name: shop", "name: Shop!", 1),
			`rondo.yaml:4: applications[0].name "Shop!" must be lower-case letters`},
		"no YAML": {"a: [", "rondo.yaml: line 1: did not find expected node content"},
		"catalogue of an unknown engine": {minimal + "catalogue: {postgres: {\"17\": x}}\n",
			`rondo.yaml:7: catalogue names "postgres", which is none of cloudnative-pg, `},
		"a checker without a name": {minimal + "health_checks: { remotes: [{ url: https://eu.example.org }] }\n",
			"rondo.yaml:7: health_checks.remotes[0] must have a name of its own"},
		"a checker over http": {minimal + "health_checks: { remotes: [{ name: eu, url: http://eu.example.org }] }\n",
			"rondo.yaml:7: health_checks.remotes[0].url must be an https address, or http to this machine"},
		"catalogue without an image": {minimal + "catalogue:\n  redis: {\"7\": a b}\n",
			"rondo.yaml:8: catalogue.redis.7 must be an image such as registry/name:tag"},
		"catalogue of another form": {minimal + "catalogue: {redis: \"7\"}\n",
			"rondo.yaml:7: catalogue.redis must be a mapping, not a single value"},
		"object store without an address": {minimal + "object_store: { bucket: copies }\n",
			"rondo.yaml:7: object_store.endpoint must be an address such as https://s3.example.org, without credentials"},
		"object store without a host": {minimal + "object_store: { bucket: copies, endpoint: 'https://:9000' }\n",
			"rondo.yaml:7: object_store.endpoint must be an address such as"},
		"object store without a bucket": {minimal + "object_store:\n  endpoint: https://s3.example.org\n",
			"rondo.yaml:8: object_store.bucket must be the name of a bucket"},
		"object store over http": {minimal + "object_store:\n  bucket: copies\n  endpoint: http://s3.example.org\n",
			"rondo.yaml:9: object_store.endpoint must use https; http is for Services of the cluster, such as"},
		"object store of the Pod itself": {minimal + "object_store: { bucket: copies, endpoint: \"http://127.0.0.1:9000\" }\n",
			"rondo.yaml:7: object_store.endpoint must use https"},
		"object store with a key": {minimal + "object_store: { bucket: copies, endpoint: https://id:word@s3.example.org }\n",
			"rondo.yaml:7: object_store.endpoint must be an address such as https://s3.example.org, without credentials"},
		"object store with a path": {minimal + "object_store: { bucket: copies, endpoint: https://s3.example.org/copies }\n",
			"without credentials and without a path"},
		"bucket": {minimal + "object_store: { bucket: Copies/a, endpoint: https://s3.example.org }\n",
			"rondo.yaml:7: object_store.bucket must be the name of a bucket"},
		"prefix leads out": {minimal + "object_store: { bucket: copies, endpoint: https://s3.example.org, prefix: a/../b }\n",
			"rondo.yaml:7: object_store.prefix must be a folder such as"},
		"region": {minimal + "object_store: { bucket: copies, endpoint: https://s3.example.org, region: a b }\n",
			"rondo.yaml:7: object_store.region must be a word such as"},
		"provider": {minimal + "object_store: { bucket: copies, endpoint: https://s3.example.org, provider: '' }\n",
			"rondo.yaml:7: object_store.provider must be a word such as"},
		"Secret of the object store": {minimal + "object_store: { bucket: copies, endpoint: https://s3.example.org, secret: a/b }\n",
			"rondo.yaml:7: object_store.secret must be the name of a Secret"},
		"image of the object store": {minimal + "object_store: { bucket: copies, endpoint: https://s3.example.org, image: a b }\n",
			"rondo.yaml:7: object_store.image must be an image such as"},
		"role": {minimal + "access: [{ name: anna, role: admin, token_file: /t }]\n",
			`rondo.yaml:7: access[0].role must be read or operate, not "admin"`},
		"app and token": {strings.Replace(minimal, "webhook_secret_file", "token_file: /t, app: { id: 1, private_key_file: /k }, webhook_secret_file", 1),
			"rondo.yaml:2: github has both app and token_file; keep one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("rondo.yaml", []byte(tc.file))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestT19_OneBadApplicationStopsNoOther is about single values that cannot be.
func TestT19_OneBadApplicationStopsNoOther(t *testing.T) {
	other := "- name: blog\n  repository: https://github.com/acme/blog\n  service_account: d\n"
	for name, tc := range map[string]struct{ line, want string }{
		"number as a time":         {"health_deadline: 5", "must be a time"},
		"negative time":            {"health_deadline: -1s", "must be a time"},
		"unknown unit":             {"health_deadline: 1y", "must be a time"},
		"time beyond all bounds":   {"health_deadline: 9e99h", "must be a time"},
		"six fields":               {`schedule: "* * * * * *"`, "schedule"},
		"every nanosecond":         {`schedule: "@every 1ns"`, "schedule"},
		"unknown key":              {"intervall: 5m", "unknown key"},
		"helper program":           {"repository: ext::sh -c id", "forbidden character"},
		"local file":               {"repository: file:///etc", "scheme"},
		"credentials":              {"repository: https://a:b@example.org/x", "credentials"},
		"ssh without a key":        {"repository: git@github.com:acme/shop", "set git.ssh_key_file and git.known_hosts_file"},
		"password over ssh":        {"repository: ssh://git:a@github.com/acme/shop", "holds a password"},
		"option as address":        {"repository: --upload-pack=id", "scheme"},
		"quote in address":         {`repository: "https://example.org/a'b"`, "forbidden character"},
		"ref leads out":            {"ref: ../../x", "ref"},
		"ref is an option":         {"ref: --all", "dash"},
		"namespace of the cluster": {"namespace: kube-system", "cannot be its namespace"},
		"manifest leads out":       {"manifest: ../other/manifest.yml", "inside the repository"},
		"host path leads out":      {"policy: { host_paths: [/var/../etc] }", "absolute path"},
		"relative log path":        {"policy: { log_path: logs }", "absolute path"},
		"negative bound":           {"policy: { max_pods: -1 }", "negative"},
		"scope of no store":        {"config_store: { team: { A.B: x } }", "not of team"},
		"expression to ignore":     {"ignore: [{ pointers: [.spec] }]", "not a JSON pointer"},
	} {
		t.Run(name, func(t *testing.T) {
			file := minimal
			if key, _, _ := strings.Cut(tc.line, ":"); key == "repository" {
				file = strings.Replace(file, "repository: https://github.com/acme/shop", tc.line, 1)
			} else {
				file += "  " + tc.line + "\n"
			}
			c, err := config.Parse("rondo.yaml", []byte(file+other))
			if err != nil {
				t.Fatalf("the file is refused as a whole: %v", err)
			}
			got := c.Invalid["shop"]
			if got == nil || !strings.Contains(got.Error(), tc.want) || !strings.HasPrefix(got.Error(), "rondo.yaml:") {
				t.Fatalf("shop: got %v, want %q", got, tc.want)
			}
			if strings.Contains(got.Error(), "a:b@") {
				t.Error("the error repeats a password")
			}
			if len(c.Apps) != 1 || c.Apps[0].Name != "blog" {
				t.Errorf("blog must proceed: %+v", c.Apps)
			}
		})
	}
}

func TestSSHNeedsAKeyAndKnownHosts(t *testing.T) {
	over := strings.Replace(minimal, "https://github.com/acme/shop", "git@github.com:acme/shop.git", 1)
	for git, valid := range map[string]bool{
		"{ ssh_key_file: key, known_hosts_file: known }": true,
		"{ ssh_key_file: key }":                          false,
		"{ known_hosts_file: known }":                    false,
	} {
		c, err := config.Parse("rondo.yaml", []byte("git: "+git+"\n"+over))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(c.Apps) == 1 && c.Invalid["shop"] == nil; got != valid {
			t.Errorf("git: %s: valid is %v: %v", git, got, c.Invalid["shop"])
		}
	}
}

func TestServiceAccountOrSingleTenant(t *testing.T) {
	without := strings.Replace(minimal, "  service_account: shop-deployer\n", "", 1)
	c, err := config.Parse("rondo.yaml", []byte(without))
	if err != nil || c.Invalid["shop"] == nil {
		t.Errorf("no service account: got %v, %v", c, err)
	}
	c, err = config.Parse("rondo.yaml", []byte("single_tenant: true\n"+without))
	if err != nil || len(c.Apps) != 1 {
		t.Errorf("single tenant: got %+v, %v", c, err)
	}
}

func TestTimesAreRead(t *testing.T) {
	c, err := config.Parse("rondo.yaml", []byte(minimal+"  health_deadline: 90s\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Apps[0].HealthDeadline; got != 90*time.Second {
		t.Errorf("health_deadline: got %s", got)
	}
}

func TestAHugeFileIsNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rondo.yaml")
	if err := os.WriteFile(path, make([]byte, 9<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("applications: [{ignore: [{pointers: [/a]}], name: &a b, ref: *a}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := config.Parse("rondo.yaml", raw)
		if (c == nil) == (err == nil) {
			t.Errorf("got %v and %v", c, err)
		}
	})
}
