package render_test

import (
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/workload"
)

func TestServicesThatNoNodeSuitsAreTold(t *testing.T) {
	nodes := []map[string]string{
		{"kubernetes.io/hostname": "n1", "disk": "ssd", "zone": "a"},
		{"kubernetes.io/hostname": "n2", "gpu": ""},
	}
	for name, tc := range map[string]struct {
		service string
		nodes   []map[string]string
		chooses bool
		empty   bool
	}{
		"anywhere":                              {service: "work_dir: /srv", nodes: nodes},
		"a node by its name":                    {service: "constraints: {servers: {names: [n2, n9]}}", nodes: nodes, chooses: true},
		"a name that no node has":               {service: "constraints: {servers: {names: [n9]}}", nodes: nodes, chooses: true, empty: true},
		"one of two tags is enough":             {service: "constraints: {servers: {tags: [disk=hdd, gpu]}}", nodes: nodes, chooses: true},
		"a tag with another value":              {service: "constraints: {servers: {tags: [disk=hdd]}}", nodes: nodes, chooses: true, empty: true},
		"a tag on a node of another name":       {service: "constraints: {servers: {names: [n1], tags: [gpu]}}", nodes: nodes, chooses: true, empty: true},
		"a selector":                            {service: "placement: {node_selector: {disk: ssd, zone: a}}", nodes: nodes, chooses: true},
		"a selector that is half met":           {service: "placement: {node_selector: {disk: ssd, zone: b}}", nodes: nodes, chooses: true, empty: true},
		"a cluster without nodes":               {service: "placement: {node_selector: {disk: ssd}}", chooses: true, empty: true},
		"a cron job":                            {service: `type: cron_job, schedule: "@daily", placement: {node_selector: {disk: hdd}}`, nodes: nodes, chooses: true, empty: true},
		"services to stay away from are no tie": {service: "placement: {anti_affinity: [web]}", nodes: nodes},
	} {
		t.Run(name, func(t *testing.T) {
			in := shop
			in.Snapshot = commitOf(map[string]string{"manifest.yml": `services: {web: {image: "example.org/web:1", ` + tc.service + `}}`})
			b, err := render.Render(t.Context(), in, workload.Builder{})
			if err != nil {
				t.Fatal(err)
			}
			if got := b.ChoosesNodes(); got != tc.chooses {
				t.Errorf("ChoosesNodes() = %t, want %t", got, tc.chooses)
			}
			problems := b.Unplaced(tc.nodes)
			if got := len(problems) > 0; got != tc.empty {
				t.Errorf("Unplaced() = %v, want one: %t", problems, tc.empty)
			}
			for _, p := range problems {
				if p.Code != "W-PLACEMENT-EMPTY" || p.Pos.Line != 1 || !p.IsWarning() {
					t.Errorf("problem %+v has no place or is no warning", p)
				}
			}
		})
	}
}
