package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// diff is what compare finds; with secret, values are masked.
func diff(want, live map[string]any, secret bool) (out []FieldChange) {
	compare(want, live, func(l leaf) {
		if l.state == changed || l.state == missing {
			out = append(out, l.change(secret))
		}
	})
	return out
}

func TestDiff(t *testing.T) {
	const pod = "spec: {template: {spec: {containers: [%]}}}"
	in := func(container string) string { return strings.Replace(pod, "%", container, 1) }
	for name, tc := range map[string]struct{ want, live, diff string }{
		"equal objects do not differ":                  {"spec: {a: 1, b: [x]}", "spec: {a: 1, b: [x]}", ""},
		"a changed value":                              {"spec: {a: 1}", "spec: {a: 2}", "spec.a: 2 → 1"},
		"a value that live lacks":                      {"spec: {a: 1}", "spec: {}", "spec.a: (unset) → 1"},
		"a section that live lacks":                    {"spec: {a: {b: 1}}", "metadata: {}", `spec: (unset) → {"a":{"b":1}}`},
		"what only live has is a default":              {"spec: {a: 1}", "spec: {a: 1, dnsPolicy: ClusterFirst}\nstatus: {x: 1}", ""},
		"zero values are not stored":                   {`spec: {a: "", b: 0, c: false, d: {}, e: [], f: {g: ""}}`, "spec: {}", ""},
		"an empty label is stored":                     {`metadata: {labels: {a: ""}}`, "metadata: {labels: {b: x}}", `metadata.labels.a: (unset) → ""`},
		"a label with dots":                            {`metadata: {labels: {a.b/c: x}}`, "metadata: {labels: {a.b/c: z}}", `metadata.labels[a.b/c]: "z" → "x"`},
		"an API version is no field":                   {"apiVersion: v1", "apiVersion: v2", ""},
		"whole numbers and floats":                     {"spec: {a: 1.0}", "spec: {a: 1}", ""},
		"a text is no number":                          {`spec: {a: "1"}`, "spec: {a: 1}", `spec.a: 1 → "1"`},
		"a list where a map was":                       {"spec: {a: [1]}", "spec: {a: {b: 1}}", `spec.a: {"b":1} → [1]`},
		"quantities by value":                          {in(`{name: a, resources: {requests: {cpu: "0.5", memory: 1024Ki}, limits: {cpu: 1}}}`), in(`{name: a, resources: {requests: {cpu: 500m, memory: 1Mi}, limits: {cpu: "1"}}}`), ""},
		"a quantity with a monstrous exponent":         {in(`{name: a, resources: {requests: {cpu: "1e99999999"}}}`), in(`{name: a, resources: {requests: {cpu: 1}}}`), `spec.template.spec.containers[a].resources.requests.cpu: 1 → "1e99999999"`},
		"a quantity with an exponent":                  {in(`{name: a, resources: {requests: {memory: 1e3}}}`), in(`{name: a, resources: {requests: {memory: 1k}}}`), ""},
		"quantities that differ":                       {in(`{name: a, resources: {requests: {cpu: "0.5"}}}`), in(`{name: a, resources: {requests: {cpu: 400m}}}`), `spec.template.spec.containers[a].resources.requests.cpu: "400m" → "0.5"`},
		"the size of a volume":                         {"spec: {template: {spec: {volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}]}}}", "spec: {template: {spec: {volumes: [{name: v, emptyDir: {sizeLimit: 1024Mi}}]}}}", ""},
		"a variable that looks like a quantity":        {in(`{name: a, env: [{name: X, value: "0.5"}]}`), in(`{name: a, env: [{name: X, value: 500m}]}`), `spec.template.spec.containers[a].env[X].value: "500m" → "0.5"`},
		"a setting that looks like a quantity":         {`data: {requests: "0.5"}`, `data: {requests: 500m}`, `data.requests: "500m" → "0.5"`},
		"containers by name":                           {in("{name: a, image: x}, {name: b, image: y}"), in("{name: sidecar, image: z}, {name: b, image: y}, {name: a, image: w}"), `spec.template.spec.containers[a].image: "w" → "x"`},
		"a container that live lacks":                  {in("{name: a, image: x}"), in("{name: b, image: y}"), `spec.template.spec.containers[a]: (unset) → {"image":"x","name":"a"}`},
		"ports of a container by number and protocol":  {in("{name: a, ports: [{containerPort: 53, protocol: UDP, name: d}, {containerPort: 53, name: t}]}"), in("{name: a, ports: [{containerPort: 53, protocol: TCP, name: t}, {containerPort: 53, protocol: UDP, name: e}]}"), `spec.template.spec.containers[a].ports[53/UDP].name: "e" → "d"`},
		"ports of a service by number":                 {"spec: {ports: [{port: 80, targetPort: 8000}]}", "spec: {ports: [{port: 443, protocol: TCP}, {port: 80, protocol: TCP, targetPort: 8000, nodePort: 30000}]}", ""},
		"variables by name":                            {in("{name: a, env: [{name: X, value: x}, {name: Y, value: y}]}"), in("{name: a, env: [{name: Y, value: y}, {name: X, value: z}, {name: ADDED, value: a}]}"), `spec.template.spec.containers[a].env[X].value: "z" → "x"`},
		"an empty variable":                            {in(`{name: a, env: [{name: X, value: ""}]}`), in(`{name: a, env: [{name: X}]}`), ""},
		"volumes by name":                              {"spec: {volumes: [{name: v, emptyDir: {}}]}", "spec: {volumes: [{name: injected, secret: {}}, {name: v, emptyDir: {}}]}", ""},
		"a command is one list":                        {in("{name: a, command: [x, z]}"), in("{name: a, command: [x]}"), `spec.template.spec.containers[a].command: ["x"] → ["x","z"]`},
		"an item of a list without keys":               {"spec: {rules: [{host: a}]}", "spec: {rules: [{host: b, pathType: Prefix}]}", `spec.rules[0].host: "b" → "a"`},
		"ports in a list without keys are one list":    {"spec: {ingress: [{ports: [{port: 80, protocol: TCP}]}]}", "spec: {ingress: [{ports: [{port: 22, protocol: TCP}, {port: 80, protocol: TCP}]}]}", `spec.ingress[0].ports: [{"port":22,"protocol":"TCP"},{"port":80,"protocol":"TCP"}] → [{"port":80,"protocol":"TCP"}]`},
		"names that appear twice make a list one list": {in("{name: a, env: [{name: X, value: x}, {name: X, value: z}]}"), in("{name: a, env: [{name: X, value: z}]}"), `spec.template.spec.containers[a].env: [{"name":"X","value":"z"}] → [{"name":"X","value":"x"},{"name":"X","value":"z"}]`},
		"finalizers are a set":                         {"metadata: {finalizers: [a]}", "metadata: {finalizers: [b, a]}", ""},
		"a finalizer that live lacks":                  {"metadata: {finalizers: [a]}", "metadata: {finalizers: [b]}", `metadata.finalizers[0]: (unset) → "a"`},
		"a long value is cut":                          {"data: {a: " + strings.Repeat("x", 300) + "}", "data: {a: z}", `data.a: "z" → "` + strings.Repeat("x", 255) + `… (302 bytes)`},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range diff(body(t, tc.want), body(t, tc.live), false) {
				got = append(got, fieldLine(f))
			}
			if text := strings.Join(got, "\n"); text != tc.diff {
				t.Errorf("got  %s\nwant %s", text, tc.diff)
			}
		})
	}
}

// body reads an object without kind and name.
func body(t *testing.T, text string) map[string]any {
	out := read(t, "kind: X\n"+text)
	delete(out, "kind")
	return out
}

func TestT24_DiffMasksSecrets(t *testing.T) {
	want := body(t, "metadata: {labels: {tier: web}, annotations: {note: canary}}\ntype: Opaque\ndata: {password: canary, new: canary}\nimmutable: true")
	have := body(t, "metadata: {labels: {tier: api}, annotations: {note: canary2}}\ntype: Other\ndata: {password: canary3}")
	for _, live := range []map[string]any{have, {"metadata": map[string]any{}}, nil} {
		raw, err := json.Marshal(diff(want, live, true))
		if err != nil || strings.Contains(string(raw), "canary") {
			t.Errorf("a value got out: %s, %v", raw, err)
		}
	}
	got := diff(want, have, true)
	var lines []string
	for _, f := range got {
		lines = append(lines, fieldLine(f))
	}
	check(t, strings.Join(lines, "\n"), `
		data.new: (unset) → «secret, changed»
		data.password: «secret» → «secret, changed»
		immutable: (unset) → true
		metadata.annotations.note: «secret» → «secret, changed»
		metadata.labels.tier: "api" → "web"
		type: "Other" → "Opaque"`)
}

func TestDiffOfLargeListsIsFast(t *testing.T) {
	var want, have []any
	for i := range 10_000 {
		want = append(want, map[string]any{"name": fmt.Sprintf("V%d", i), "value": "1"})
	}
	for i := range want {
		have = append(have, want[len(want)-1-i])
	}
	start := time.Now()
	if got := diff(map[string]any{"env": want}, map[string]any{"env": have}, false); len(got) != 0 {
		t.Errorf("got %d differences", len(got))
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func FuzzDiff(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"spec":{"containers":[{"name":"a","ports":[{"containerPort":1}]}]}}`, `{"spec":{"containers":[{"name":"b"}]}}`},
		{`{"metadata":{"finalizers":[{}],"labels":{"a":""}}}`, `{"metadata":{"finalizers":[[]],"labels":null}}`},
		{`{"a":{"requests":{"cpu":"1e99999999"}}}`, `{"a":{"requests":{"cpu":1}}}`},
		{`{"env":[{"name":{"x":1}},{"name":[1]}]}`, `{"env":[{"name":{"x":1}},null]}`},
		{`{"a":null}`, `{"a":[null]}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		var want, have map[string]any
		if json.Unmarshal([]byte(a), &want) != nil || json.Unmarshal([]byte(b), &have) != nil {
			return
		}
		before := show(want) + show(have)
		got := diff(want, have, false)
		if again := diff(want, have, false); !reflect.DeepEqual(got, again) {
			t.Errorf("differs from run to run: %v and %v", got, again)
		}
		if self := diff(want, want, false); len(self) != 0 {
			t.Errorf("%s differs from itself: %v", a, self)
		}
		if before != show(want)+show(have) {
			t.Error("Diff changed its input")
		}
		for _, c := range diff(want, have, true) {
			if pointer := parsePointer(c.Path); secretPointer(pointer) && (c.Live != "" && c.Live != "«secret»" || c.Want != "«secret, changed»") {
				t.Errorf("a value got out: %+v", c)
			}
		}
	})
}
