package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/manifest"
)

// hookFolder is where hooks begin, and where their scripts are unless they say.
const hookFolder = "/tmp/deploy_hooks"

// hooks makes the Jobs of the hooks of this deployment, by moment: those of one
// hook together, since each runs on another node.
func (m *maker) hooks() map[manifest.Moment][][]render.Object {
	out := make(map[manifest.Moment][][]render.Object)
	placed := make(map[string]bool)
	for _, hook := range m.app.Commands.Hooks {
		jobs := m.hook(hook)
		if len(jobs) == 0 {
			continue
		}
		for _, f := range hook.Files {
			if !placed[f.Name] {
				placed[f.Name] = true
				o := object("v1", "ConfigMap", f.Name, map[string]any{"data": map[string]any{"file": f.Text}})
				o.Origin = f.Pos
				label(&o, m.app, "")
				m.add(o)
			}
		}
		out[hook.Moment] = append(out[hook.Moment], jobs)
	}
	return out
}

// hook makes the Jobs of one hook; none where nobody can run it.
func (m *maker) hook(hook manifest.Hook) []render.Object {
	svc, ok := m.hookRunner(hook)
	if !ok {
		return nil
	}
	// With variables of its own the hook has its own ConfigMap and Secret.
	self := svc
	if len(hook.Env) > 0 {
		self.Name, self.Env = hook.Name, layered(svc.Env, hook.Env)
	}
	e, problems := newEnvironment(m.app.Variables, m.common, self)
	if len(hook.Env) > 0 || hook.Service == "" {
		m.report(problems)
		for _, o := range e.own.objects(ownSettings(self), ownSettings(self)) {
			o.Origin = hook.Pos
			label(&o, m.app, "")
			m.add(o)
		}
	}
	nodes := hook.Nodes
	if nodes == nil {
		nodes = []string{""}
	}
	var jobs []render.Object
	for _, node := range nodes {
		c := m.runner(self, e, hook.Words)
		template := m.task(svc, c, hook.Name)
		pod := template["spec"].(map[string]any)
		if hook.User != nil {
			c["securityContext"] = with(c["securityContext"], "runAsUser", *hook.User)
		}
		mountScripts(hook, pod, c)
		name := []string{hook.Name}
		if node != "" {
			name = append(name, strings.ReplaceAll(node, ".", "-"))
			// The node is given, so nothing is left to choose.
			pod["nodeName"] = node
			for _, field := range [...]string{"nodeSelector", "affinity", "topologySpreadConstraints"} {
				delete(pod, field)
			}
		}
		o := m.job("", template, hook.Pos)
		o.Tolerate = hook.Tolerate
		if hook.Engine != "" {
			metaOf(o)["name"] = render.Name(append(name, m.component(hook.Engine))...)
		} else {
			metaOf(o)["name"] = m.bound(name...)
			m.bind(o)
		}
		label(&o, m.app, hook.Service)
		jobs = append(jobs, o)
	}
	return jobs
}

func metaOf(o render.Object) map[string]any { return o.Body["metadata"].(map[string]any) }

// with is a copy of the mapping m with one more field.
func with(m any, field string, value any) map[string]any {
	out := make(map[string]any)
	if have, ok := m.(map[string]any); ok {
		maps.Copy(out, have)
	}
	out[field] = value
	return out
}

// hookRunner is the service in whose place a hook runs. For the client of a
// database it is one that has nothing but an image.
func (m *maker) hookRunner(hook manifest.Hook) (manifest.Service, bool) {
	if hook.Service != "" {
		return m.serviceNamed(hook.Service)
	}
	image := m.clientImage(hook.Client)
	if image == "" {
		m.report([]render.Problem{{Pos: hook.Pos, Code: "E-VALUE", What: fmt.Sprintf("hook %s needs the client of %s, of which no image is known", hook.Point, hook.Client),
			Fix: "name a service with target: service:…, or have the operator add an image"}})
		return manifest.Service{}, false
	}
	return manifest.Service{Name: hook.Name, RawName: hook.Name, Image: image}, true
}

// clientImage is the image that has the programs of an engine: the newest that
// the operator has.
func (m *maker) clientImage(engine string) string {
	versions := slices.SortedFunc(maps.Keys(m.facts.Images[engine]), compareVersions)
	if len(versions) == 0 {
		return ""
	}
	return m.facts.Images[engine][versions[len(versions)-1]]
}

// compareVersions orders versions by their numbers: 9.6 before 17.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if len(as[i]) != len(bs[i]) {
			return len(as[i]) - len(bs[i])
		}
		if c := strings.Compare(as[i], bs[i]); c != 0 {
			return c
		}
	}
	return len(as) - len(bs)
}

// layered lays over on variables: a name of both has the value in over.
func layered(under, over []manifest.Variable) []manifest.Variable {
	out := slices.DeleteFunc(slices.Clone(under), func(v manifest.Variable) bool {
		return slices.ContainsFunc(over, func(o manifest.Variable) bool { return o.Name == v.Name })
	})
	return append(out, over...)
}

// component is a hash of what an engine consists of. A hook around it bears the
// hash in its name: it runs when the component is made or changed, and not else.
func (m *maker) component(engine string) string {
	sum := sha256.New()
	for _, db := range m.app.Databases {
		if db.Engine != engine {
			continue
		}
		for _, o := range m.objects {
			if labels := o.Labels(); labels["tier"] == data.Name(db) {
				_ = json.NewEncoder(sum).Encode(o.Body) // plain values cannot fail
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:4])
}

// mountScripts puts the scripts of a hook into its container, and a folder to
// begin in.
func mountScripts(hook manifest.Hook, pod, c map[string]any) {
	volumes, _ := pod["volumes"].([]any)
	mounts, _ := c["volumeMounts"].([]any)
	volumes = append(slices.Clone(volumes), map[string]any{"name": "deploy-hooks", "emptyDir": map[string]any{}})
	mounts = append(slices.Clone(mounts), map[string]any{"name": "deploy-hooks", "mountPath": hookFolder})
	for i, f := range hook.Files {
		mode := int64(0o644)
		if f.Executable {
			mode = 0o755
		}
		name := fmt.Sprintf("deploy-hook-%d", i+1)
		volumes = append(volumes, map[string]any{"name": name, "configMap": map[string]any{
			"name": f.Name, "defaultMode": mode, "items": []any{map[string]any{"key": "file", "path": path.Base(f.Path)}}}})
		mounts = append(mounts, map[string]any{"name": name, "mountPath": f.Path, "subPath": path.Base(f.Path), "readOnly": true})
	}
	pod["volumes"], c["volumeMounts"], c["workingDir"] = volumes, mounts, hookFolder
}
