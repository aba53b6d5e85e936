package workload

import (
	"encoding/json"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

func TestContainersSeeTheVariablesThatTheManifestMeans(t *testing.T) {
	type vars = []manifest.Variable
	mixed := manifest.Value{Parts: []manifest.Part{{Text: "pg://u$:"}, secretKey("pg", "password"), {Text: "@db/$$"}}}
	for name, tc := range map[string]struct {
		app, own vars
		cluster  map[string]string
		want     map[string]string
		secret   string // must stand in no ConfigMap and no Deployment
	}{
		"the application's variable reaches the service": {
			app:  vars{{Name: "A", Value: text("1")}},
			want: map[string]string{"A": "1"},
		},
		"the service's own wins": {
			app:  vars{{Name: "A", Value: text("1")}, {Name: "B", Secret: true, Value: text("b")}},
			own:  vars{{Name: "A", Value: text("2")}, {Name: "B", Value: text("c")}},
			want: map[string]string{"A": "2", "B": "c"},
		},
		"the service's text wins over the application's Secret key": {
			app:  vars{{Name: "A", Value: manifest.Value{Parts: []manifest.Part{secretKey("s", "k")}}}},
			own:  vars{{Name: "A", Value: text("2")}},
			want: map[string]string{"A": "2"},
		},
		"a Secret key is not copied": {
			own:     vars{{Name: "A", Value: manifest.Value{Parts: []manifest.Part{secretKey("s", "k")}}}},
			cluster: map[string]string{"s/k": "canary"},
			want:    map[string]string{"A": "canary"},
		},
		"text around a Secret key keeps its dollars": {
			own:     vars{{Name: "URL", Value: mixed}},
			cluster: map[string]string{"pg/password": "canary$(URL)"},
			want:    map[string]string{"URL": "pg://u$:canary$(URL)@db/$$"},
		},
		"text around a Secret key of the application too": {
			app:     vars{{Name: "URL", Value: mixed}},
			cluster: map[string]string{"pg/password": "canary"},
			want:    map[string]string{"URL": "pg://u$:canary@db/$$"},
		},
		"a secret variable with references keeps its text secret": {
			app: vars{{Name: "HOST", Value: text("db")}},
			own: vars{{Name: "URL", Secret: true, Value: manifest.Value{Parts: []manifest.Part{
				{Text: "canary1@$(HOST)/canary2/"}, secretKey("s", "k")}}}},
			cluster: map[string]string{"s/k": "x"},
			want:    map[string]string{"HOST": "db", "URL": "canary1@db/canary2/x"},
			secret:  "canary",
		},
		"a secret variable is in no ConfigMap": {
			app:    vars{{Name: "A", Secret: true, Value: text("canary")}},
			own:    vars{{Name: "B", Secret: true, Value: text("canary")}},
			want:   map[string]string{"A": "canary", "B": "canary"},
			secret: "canary",
		},
		"references are filled in whatever their order": {
			own:  vars{{Name: "A", Value: text("$(B)!")}, {Name: "B", Value: text("$(C)$(SERVER_NAME)")}, {Name: "C", Value: text("c")}},
			want: map[string]string{"A": "cfield spec.nodeName!", "B": "cfield spec.nodeName", "C": "c"},
		},
		"the application's reference sees the service's value": {
			app:  vars{{Name: "HOST", Value: text("a")}, {Name: "URL", Value: text("http://$(HOST)")}},
			own:  vars{{Name: "HOST", Value: text("b")}},
			want: map[string]string{"HOST": "b", "URL": "http://b"},
		},
		"a name that only the service has is filled in for it": {
			app:  vars{{Name: "URL", Value: text("$(HOST) $$(HOST)")}, {Name: "ESC", Value: text("$$(HOST)")}},
			own:  vars{{Name: "HOST", Value: text("b")}},
			want: map[string]string{"HOST": "b", "URL": "b $(HOST)", "ESC": "$(HOST)"},
		},
		"the service may extend the application's value": {
			app:  vars{{Name: "OPTS", Value: text("-a")}},
			own:  vars{{Name: "OPTS", Value: text("$(OPTS) -b")}},
			want: map[string]string{"OPTS": "-a -b"},
		},
		"dollars that refer to nothing stay": {
			app:  vars{{Name: "A", Value: text("$$ $(NO) $HOME $")}},
			own:  vars{{Name: "B", Value: text("$$ $(NO) $HOME $(A) $")}},
			want: map[string]string{"A": "$$ $(NO) $HOME $", "B": "$$ $(NO) $HOME $$ $(NO) $HOME $ $"},
		},
		"an empty value is a value": {
			app:  vars{{Name: "A", Value: text("1")}},
			own:  vars{{Name: "A"}, {Name: "B", Value: text("")}},
			want: map[string]string{"A": "", "B": ""},
		},
		"what Kubernetes knows can be set by hand": {
			own:  vars{{Name: "SERVER_NAME", Value: text("mine")}},
			want: map[string]string{"SERVER_NAME": "mine"},
		},
		"private names avoid those of the user": {
			own:     vars{{Name: "RONDO_REF_1", Value: text("mine")}, {Name: "URL", Value: mixed}},
			cluster: map[string]string{"pg/password": "p"},
			want:    map[string]string{"RONDO_REF_1": "mine", "URL": "pg://u$:p@db/$$"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := shop(web(func(s *manifest.Service) { s.Env = tc.own }))
			app.Variables = tc.app
			objects := build(t, app, render.Input{})
			got := kubelet(t, objects, tc.cluster)
			for name, value := range tc.want {
				if got[name] != value {
					t.Errorf("%s = %q, want %q", name, got[name], value)
				}
			}
			for name, field := range map[string]string{"DOCKER_HOST_IP": "status.hostIP", "SERVER_NAME": "spec.nodeName"} {
				if _, set := tc.want[name]; !set && got[name] != "field "+field {
					t.Errorf("%s = %q, want field %s", name, got[name], field)
				}
			}
			for _, o := range objects {
				b, err := json.Marshal(o.Body)
				if err != nil {
					t.Fatal(err)
				}
				if tc.secret != "" && o.Body["kind"] != "Secret" && strings.Contains(string(b), tc.secret) {
					t.Errorf("%s holds the secret text: %s", o.Body["kind"], b)
				}
			}
		})
	}
}

func TestVariablesThatNeedThemselvesAreRefused(t *testing.T) {
	for name, env := range map[string][]manifest.Variable{
		"by its own name": {{Name: "PATH", Value: text("$(PATH):/app")}},
		"in a circle":     {{Name: "A", Value: text("$(B)")}, {Name: "B", Value: text("$(A)")}},
	} {
		t.Run(name, func(t *testing.T) {
			env[0].Pos.Line = 7
			_, problems := Builder{}.objects(shop(web(func(s *manifest.Service) { s.Env = env })), render.Input{})
			if len(problems) != 1 || problems[0].Code != "E-ENV-CYCLE" || problems[0].Pos.Line != 7 {
				t.Errorf("problems: %v", problems)
			}
		})
	}
}

func TestRestarts(t *testing.T) {
	yes, no := true, false
	app := func(restart *bool, value, secret string) *manifest.Application {
		a := shop(web(func(s *manifest.Service) {
			s.RestartOnDeploy = restart
			s.Env = []manifest.Variable{{Name: "S", Secret: true, Value: text(secret)}}
		}))
		a.Variables = []manifest.Variable{{Name: "A", Value: text(value)}}
		return a
	}
	template := func(b Builder, a *manifest.Application, revision string) string {
		objects, _ := b.objects(a, render.Input{Snapshot: snapshot{hash: revision}})
		out, err := json.Marshal(get(find(objects, "Deployment/web").Body, "spec", "template"))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	key := Builder{Key: []byte("k")}
	base := template(key, app(nil, "1", "s"), "c1")
	for name, tc := range map[string]struct {
		got     string
		restart bool
	}{
		"the same again":                         {template(key, app(nil, "1", "s"), "c1"), false},
		"another revision":                       {template(key, app(nil, "1", "s"), "c2"), false},
		"a changed variable":                     {template(key, app(nil, "2", "s"), "c1"), true},
		"a changed secret":                       {template(key, app(nil, "1", "t"), "c1"), true},
		"a changed key, where there is a secret": {template(Builder{}, app(nil, "1", "s"), "c1"), true},
	} {
		if (tc.got != base) != tc.restart {
			t.Errorf("%s: restart = %t, want %t", name, tc.got != base, tc.restart)
		}
	}
	if template(key, app(&yes, "1", "s"), "c1") == template(key, app(&yes, "1", "s"), "c2") {
		t.Error("restart_on_deploy: true does not restart with a new revision")
	}
	if template(key, app(&no, "1", "s"), "c1") != template(key, app(&no, "2", "t"), "c2") {
		t.Error("restart_on_deploy: false restarts")
	}
	if template(key, shop(web(nil)), "") != template(Builder{}, shop(web(nil)), "") {
		t.Error("a service without secrets depends on the key")
	}
}
