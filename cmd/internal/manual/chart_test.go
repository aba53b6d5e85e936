package manual

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/cmd/internal/config"
)

func TestMinimalValuesGiveTheDaemonsOwnDefaults(t *testing.T) {
	objects, _ := chart(t, "rondo-system", minimal)
	c, err := config.Parse("rondo.yaml", []byte(rondoYAML(t, objects)))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Defaults()
	want.GitHub.WebhookSecretFile = "/etc/rondo/credentials/webhook"
	if diff := cmp.Diff(normal(want), normal(c.File)); diff != "" {
		t.Errorf("the chart's defaults differ from the daemon's (- daemon, + chart):\n%s", diff)
	}
}

// normal makes empty lists and absent ones the same.
func normal(f config.File) string {
	text := fmt.Sprintf("%+v", f)
	return strings.ReplaceAll(text, " ", "\n")
}

func TestEveryKeyOfRondoYAMLIsAValueOfTheChart(t *testing.T) {
	var values struct{ Config map[string]any }
	if err := yaml.Unmarshal([]byte(read(t, "charts", "rondo", "values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct{ Config node }
	}
	if err := json.Unmarshal([]byte(read(t, "charts", "rondo", "values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	keys := optionKeys()
	for _, key := range keys {
		if !strings.Contains(key, "[]") && !has(values.Config, key) {
			t.Errorf("values.yaml lacks config.%s", key)
		}
	}
	if inSchema := schema.Properties.Config.keys(""); !slices.Equal(keys, inSchema) {
		t.Errorf("values.schema.json and rondo.yaml differ:\n%s", cmp.Diff(keys, inSchema))
	}
}

// node is the part of a JSON schema that names keys.
type node struct {
	Properties map[string]node
	Items      *node
}

// keys lists the leaves: "poll.min", "access[].name".
func (n node) keys(prefix string) []string {
	var out []string
	for name, inner := range n.Properties {
		key := strings.TrimPrefix(prefix+"."+name, ".")
		switch {
		case inner.Properties != nil:
			out = append(out, inner.keys(key)...)
		case inner.Items != nil && inner.Items.Properties != nil:
			out = append(out, inner.Items.keys(key+"[]")...)
		default:
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// optionKeys lists the keys of rondo.yaml in the same form.
func optionKeys() []string {
	keys := slices.Collect(maps.Keys(options(reflect.ValueOf(config.Defaults()), "")))
	slices.Sort(keys)
	return keys
}

// options gives each key of v with its default; a list of structs has one
// element for that.
func options(v reflect.Value, prefix string) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		key := strings.TrimPrefix(prefix+"."+v.Type().Field(i).Tag.Get("yaml"), ".")
		field := v.Field(i)
		switch {
		case field.Kind() == reflect.Struct:
			maps.Copy(out, options(field, key))
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			maps.Copy(out, options(reflect.New(field.Type().Elem()).Elem(), key+"[]"))
		default:
			out[key] = field.Interface()
		}
	}
	return out
}

func has(values map[string]any, key string) bool {
	first, rest, more := strings.Cut(key, ".")
	value, ok := values[first]
	if !ok || !more {
		return ok
	}
	inner, _ := value.(map[string]any)
	return has(inner, rest)
}

func TestEveryValueOfTheChartArrives(t *testing.T) {
	objects, notes := chart(t, "rondo-system", everything(t))
	c, err := config.Parse("rondo.yaml", []byte(rondoYAML(t, rename(objects))))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Invalid) > 0 || len(c.Apps) != 1 {
		t.Fatalf("applications %v, refused %v", c.Apps, c.Invalid)
	}
	if c.GitHub.App != (config.GitHubApp{ID: 123456789, PrivateKeyFile: "/etc/rondo/credentials/github.pem"}) {
		t.Errorf("GitHub App is %+v", c.GitHub.App)
	}
	if got := c.Access; len(got) != 2 || got[1].TokenFile != "/etc/rondo/credentials/access-ops" {
		t.Errorf("access is %+v", got)
	}
	if c.Git.SSHKeyFile != "/etc/rondo/credentials/ssh-key" || c.Git.KnownHostsFile != "/etc/rondo/credentials/known-hosts" {
		t.Errorf("git %+v", c.Git)
	}
	if c.Git.TokenFile != "/etc/rondo/credentials/git-token" || c.Poll.Max != time.Minute || c.Schedules["shop"] == "" {
		t.Errorf("git %+v, poll %+v, schedules %v", c.Git, c.Poll, c.Schedules)
	}
	if !strings.Contains(notes, "https://rondo.example.org/hooks/github") {
		t.Errorf("the notes do not say where webhooks go:\n%s", notes)
	}

	all, err := yaml.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	// One word for each value that the daemon's file does not show.
	for _, word := range []string{
		"registry.example.org/rondo@sha256:0123", "Always", "name: registry", "app.kubernetes.io/name: deployer", "name: deployer-account",
		"containerPort: 9090", "containerPort: 9091", "note: account", "note: claim", "note: public", "note: ingress", "note: pod",
		"shop-deployer", "servicemonitors", "storageClassName: fast", "storage: 1Gi", "ReadWriteOncePod", "NodePort", "port: 8443", "port: 9000",
		`prometheus.io/scrape: "true"`, "host: rondo.example.org", "ingressClassName: nginx", "secretName: rondo-tls", "ingress-nginx",
		"- monitoring", "port: 3128", "memory: 1Gi", "cpu: 100m", "terminationGracePeriodSeconds: 90", "- text", "HTTPS_PROXY", "team: platform",
		"kubernetes.io/os: linux", "key: dedicated", "nodeAffinity", "system-cluster-critical", "access-ops: ops-0123456789abcdef",
		"github.pem: |", "git-token: git-0123456789", "name: deployer-application",
	} {
		if !strings.Contains(string(all), word) {
			t.Errorf("%q did not arrive", word)
		}
	}
}

// rename gives a ConfigMap of another name the one that rondoYAML looks for.
func rename(objects []unstructured.Unstructured) []unstructured.Unstructured {
	renamed := slices.Clone(objects)
	for i, o := range renamed {
		if o.GetKind() == "ConfigMap" {
			renamed[i] = *o.DeepCopy()
			renamed[i].SetName("rondo")
		}
	}
	return renamed
}

func TestChartSaysWhatIsWrongWithValues(t *testing.T) {
	for name, tc := range map[string]struct{ values, want string }{
		"no secret for webhooks":          {"{}", "set credentials.webhookSecret, or credentials.existingSecret"},
		"a secret that is too short":      {"credentials: { webhookSecret: short }", "webhookSecret"},
		"a key that does not exist":       {minimal + "config: { lissten: ':80' }", "lissten"},
		"an application without address":  {minimal + "config: { applications: [{ name: shop }] }", "repository"},
		"an interval without a unit":      {minimal + "config: { poll: { min: 30 } }", "poll"},
		"an ingress without a host":       {minimal + "ingress: { enabled: true }", "set config.public_url or ingress.host"},
		"an account that is not named":    {minimal + "serviceAccount: { create: false }", "serviceAccount.name"},
		"a value that does not exist":     {minimal + "replicas: 2", "replicas"},
		"an image digest that is not one": {minimal + "image: { digest: latest }", "digest"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, "rondo-system", tc.values)
			if err == nil {
				t.Fatalf("was rendered:\n%s", out)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("says %q, want a word of %q", err, tc.want)
			}
		})
	}
}

func TestPartsOfTheChartCanBeLeftOut(t *testing.T) {
	objects, _ := chart(t, "rondo-system", `
credentials: { existingSecret: mine }
serviceAccount: { create: false, name: theirs }
rbac: { create: false }
persistence: { existingClaim: disk }
networkPolicy: { enabled: false }
`)
	var names []string
	for _, o := range objects {
		names = append(names, o.GetKind()+"/"+o.GetName())
	}
	slices.Sort(names)
	if got, want := strings.Join(names, " "), "ConfigMap/rondo Deployment/rondo Service/rondo Service/rondo-internal"; got != want {
		t.Errorf("objects are %s, want %s", got, want)
	}
	all, err := yaml.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"secretName: mine", "serviceAccountName: theirs", "claimName: disk"} {
		if !strings.Contains(string(all), word) {
			t.Errorf("%q did not arrive", word)
		}
	}
}
