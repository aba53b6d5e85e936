package manifest_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

var update = flag.Bool("update", false, "rewrite what the fixtures want")

const fixtures = "../../testdata/manifest"

// TestFixtures parses the cases of each txtar file. A case is a folder of files;
// its "want" holds the problems and the model, its "options" what Parse is told.
func TestFixtures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtures, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in %s: %v", fixtures, err)
	}
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		feature := strings.TrimSuffix(filepath.Base(name), ".txtar")
		var titles []string
		for _, f := range archive.Files {
			title, _, _ := strings.Cut(f.Name, "/")
			if !slices.Contains(titles, title) {
				titles = append(titles, title)
			}
		}
		for _, title := range titles {
			t.Run(feature+"/"+title, func(t *testing.T) { fixture(t, archive, title) })
		}
		if *update {
			if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func fixture(t *testing.T, archive *txtar.Archive, title string) {
	o := manifest.Options{App: "shop", Environment: "production", Namespace: "shop-production", Facts: render.Facts{Images: data.Catalogue()}}
	files := map[string]string{}
	want := -1
	for i, f := range archive.Files {
		name, ok := strings.CutPrefix(f.Name, title+"/")
		switch {
		case !ok:
		case name == "want":
			want = i
		case name == "options":
			settings(t, &o, string(f.Data))
		default:
			files[name] = string(f.Data)
		}
	}
	app, problems, err := parse(folder(t, files), o)
	if err != nil {
		t.Fatal(err)
	}
	got := dump(app, problems)
	for _, p := range problems {
		if first := p.Pos.String() + ": " + p.What; len(first) > 140 {
			t.Errorf("%d characters before the fix, of which a status shows 140: %s", len(first), first)
		}
	}
	if *update {
		if want < 0 {
			last := 0
			for i, f := range archive.Files {
				if strings.HasPrefix(f.Name, title+"/") {
					last = i
				}
			}
			archive.Files = slices.Insert(archive.Files, last+1, txtar.File{Name: title + "/want", Data: []byte(got)})
			return
		}
		archive.Files[want].Data = []byte(got)
		return
	}
	if want < 0 {
		t.Fatalf("the case has no want; got:\n%s", got)
	}
	if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// settings reads the options of a case, a line each.
func settings(t *testing.T, o *manifest.Options, text string) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, rest, _ := strings.Cut(value, "=")
		switch key {
		case "environment":
			o.Environment = value
		case "path":
			o.Path = value
		case "incomplete":
			o.Incomplete = true
		case "shared_class":
			o.Facts.SharedClass = value
		case "storage_class":
			o.Facts.StorageClasses = map[string]string{name: rest}
		case "api":
			if o.Facts.Variables == nil {
				o.Facts.Variables = map[string]string{}
			}
			o.Facts.Variables[name] = rest
		case "once":
			if o.Facts.Once == nil {
				o.Facts.Once = map[string]string{}
			}
			o.Facts.Once[name] = rest
		case "facts": // as in rondo.yaml's words
			if err := json.Unmarshal([]byte(value), &o.Facts); err != nil {
				t.Fatal(err)
			}
		case "image":
			if o.Images == nil {
				o.Images = map[string]string{}
			}
			o.Images[name] = rest
		default:
			t.Fatalf("unknown option %q", key)
		}
	}
}

// folder makes a snapshot of files.
func folder(t testing.TB, files map[string]string) sources.Snapshot {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, dir)
}

func open(t testing.TB, dir string) sources.Snapshot {
	t.Helper()
	snap, err := sources.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { snap.Close() })
	return snap
}

// dump is the model in a form that is short enough to review; what has its
// default is left out.
func dump(app *manifest.Application, problems []render.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&b, p.Error())
	}
	if app == nil {
		return b.String()
	}
	for _, v := range app.Variables {
		fmt.Fprintf(&b, "variable %s\n", variable(v))
	}
	for _, d := range app.Databases {
		fmt.Fprintf(&b, "database %s.%s", d.Engine, d.Group)
		for name, set := range map[string]bool{" root": d.Root} {
			if set {
				b.WriteString(name)
			}
		}
		if d.Run != nil {
			fmt.Fprintf(&b, " port=%d run=%+v\n", d.Port, *d.Run)
			continue
		}
		if d.From != nil {
			fmt.Fprintf(&b, " from=%+v keys=%v\n", *d.From, d.SharedKeys())
			continue
		}
		fmt.Fprintf(&b, " host=%s port=%d secret=%s\n", d.Host, d.Port, d.DSNSecret)
	}
	if i := app.Storage.Isolation; i.Mode != manifest.ModeManaged || i.Harden || i.AllowFrom != nil {
		fmt.Fprintf(&b, "isolation %+v\n", i)
	}
	if files := app.Storage.SecretFiles; files != nil {
		fmt.Fprintf(&b, "secret files %v\n", files)
	}
	for _, v := range app.Backups {
		key := ""
		if v.Key != nil {
			key = v.Key.Secret + "/" + v.Key.Key
		}
		store := ""
		if v.Store != nil {
			store = fmt.Sprintf(" store=%+v", *v.Store)
		}
		v.Key, v.Store = nil, nil
		fmt.Fprintf(&b, "backup %+v key=%s%s\n", v, key, store)
	}
	for _, v := range app.Volumes {
		fmt.Fprintf(&b, "shared %+v\n", v)
	}
	for i, recorded := range []map[string]string{app.Once, app.Marks} {
		for _, key := range slices.Sorted(maps.Keys(recorded)) {
			fmt.Fprintf(&b, "%s %s=%s\n", []string{"once", "mark"}[i], key, recorded[key])
		}
	}
	for _, s := range app.Services {
		service(&b, s)
	}
	for _, h := range app.Commands.Hooks {
		fmt.Fprintf(&b, "hook %s %s service=%s client=%s engine=%s %q tolerate=%v nodes=%v\n", h.Name, h.Pos, h.Service, h.Client, h.Engine, h.Words, h.Tolerate, h.Nodes)
		if h.User != nil {
			fmt.Fprintf(&b, "  user %d\n", *h.User)
		}
		for _, v := range h.Env {
			fmt.Fprintf(&b, "  env %s\n", variable(v))
		}
		for _, f := range h.Files {
			fmt.Fprintf(&b, "  file %s %s executable=%v %q\n", f.Name, f.Path, f.Executable, f.Text)
		}
	}
	for _, j := range app.Commands.Jobs {
		fmt.Fprintf(&b, "job %s of %s %q schedule=%q zone=%s paused=%v/%v concurrency=%s deadline=%s timeout=%s retries=%d keep=%d\n",
			j.Name, j.Service, j.Words, j.Schedule, j.TimeZone, j.Paused, j.PauseDuringDeploy, j.Concurrency, j.Deadline, j.Timeout, j.Retries, j.Keep)
	}
	return b.String()
}

func service(b *strings.Builder, s manifest.Service) {
	fmt.Fprintf(b, "service %s %s %s\n", s.Name, s.Pos, s.Image)
	line := func(show bool, format string, args ...any) {
		if show {
			fmt.Fprintf(b, "  "+format+"\n", args...)
		}
	}
	line(s.RawName != s.Name, "written %s", s.RawName)
	line(s.Command != nil, "command %q", s.Command)
	for _, p := range s.Ports {
		out := ""
		for _, e := range []struct {
			name   string
			number int
		}{{"http", p.HTTP}, {"https", p.HTTPS}, {"tcp", p.TCP}, {"udp", p.UDP}} {
			if e.number != 0 {
				out += fmt.Sprintf(" %s=%d", e.name, e.number)
			}
		}
		line(true, "port %d%s", p.Container, out)
	}
	for _, h := range s.Hosts {
		line(true, "host %q", h.Name)
	}
	for _, v := range s.Env {
		line(true, "env %s", variable(v))
	}
	probe := func(name string, p *manifest.Probe) {
		if p == nil {
			return
		}
		line(true, "%s %s %s port=%d command=%q headers=%v delay=%d period=%d timeout=%d success=%d failure=%d", name, p.Type, p.Endpoint, p.Port,
			p.Command, p.Headers, p.InitialDelay, p.Period, p.Timeout, p.SuccessThreshold, p.FailureThreshold)
	}
	probe("ready", s.Ready)
	probe("alive", s.Alive)
	probe("startup", s.Startup)
	line(s.Resources != manifest.Resources{}, "resources %+v", s.Resources)
	line(s.MinCount != 1 || s.MaxCount != 0, "count %d to %d", s.MinCount, s.MaxCount)
	line(s.MaxUnavailable != "50%" || s.MaxSurge != "50%", "update unavailable=%s surge=%s", s.MaxUnavailable, s.MaxSurge)
	line(s.StopGrace != 30*time.Second, "grace %s", s.StopGrace)
	for _, m := range []struct {
		name   string
		values map[string]string
	}{{"tag", s.Tags}, {"annotation", s.Annotations}} {
		for _, k := range slices.Sorted(maps.Keys(m.values)) {
			line(true, "%s %s=%s", m.name, k, m.values[k])
		}
	}
	line(len(s.Requires) > 0, "requires %v", s.Requires)
	line(s.Wave > 0, "wave %d", s.Wave)
	steps(line, s.Steps)
	if pod := filled(s.Pod); pod != nil {
		text, _ := json.Marshal(pod)
		line(true, "pod %s", text)
	}
	for _, v := range s.Mount.Volumes {
		line(true, "volume %s at %s%s", v.Name, v.Path, mounted(v))
	}
	if s.Mount.Logs != nil {
		line(true, "logs %+v", *s.Mount.Logs)
	}
	line(s.RestartOnDeploy != nil, "restart %v", s.RestartOnDeploy != nil && *s.RestartOnDeploy)
}

func steps(line func(show bool, format string, args ...any), s manifest.Steps) {
	if b := s.Build; b != nil {
		line(true, "build %q due=%v", b.Words, b.Due)
	}
	if d := s.Deploy; d != nil {
		line(true, "deploy %q", d.Words)
	}
	for _, i := range s.Init {
		line(true, "init %s %s %q", i.Name, i.Image, i.Words)
	}
}

// filled is v as JSON has it, without positions and without what has its default.
func filled(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var m any
	if err := json.Unmarshal(text, &m); err != nil {
		return err.Error()
	}
	var drop func(v any) any
	drop = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			delete(v, "Pos")
			for key, value := range v {
				if v[key] = drop(value); v[key] == nil {
					delete(v, key)
				}
			}
			if len(v) == 0 {
				return nil
			}
		case []any:
			for i := range v {
				v[i] = drop(v[i])
			}
			if len(v) == 0 {
				return nil
			}
		case string, float64, bool:
			if v == "" || v == float64(0) || v == false {
				return nil
			}
		}
		return v
	}
	return drop(m)
}

func variable(v manifest.Variable) string {
	out := v.Name
	if v.Secret {
		out += " (secret)"
	}
	if v.Generate > 0 {
		out += fmt.Sprintf(" (made of %d)", v.Generate)
	}
	out += " ="
	for _, p := range v.Value.Parts {
		if p.SecretRef == nil {
			out += fmt.Sprintf(" %q", p.Text)
			continue
		}
		optional := ""
		if p.SecretRef.Optional {
			optional = "?"
		}
		out += fmt.Sprintf(" %s/%s%s", p.SecretRef.Secret, p.SecretRef.Key, optional)
	}
	return out
}

// parse is [manifest.Parse] where the keys do not matter.
func parse(snap sources.Snapshot, o manifest.Options) (*manifest.Application, []render.Problem, error) {
	out, err := manifest.Parse(snap, o)
	return out.App, out.Problems, err
}

// mounted is what a volume is, and how it is mounted.
func mounted(v manifest.Volume) string {
	out := ""
	for _, part := range [][2]string{{" claim=", v.Shared}, {" sub=", v.SubPath}, {" expr=", v.SubPathExpr}, {" propagation=", v.Propagation}} {
		if part[1] != "" {
			out += part[0] + part[1]
		}
	}
	if v.ReadOnly {
		out += " read-only"
	}
	if v.Source != nil {
		b, _ := json.Marshal(v.Source)
		out += " " + string(b)
	}
	if v.Claim != nil {
		out += fmt.Sprintf(" persistent %+v", *v.Claim)
	}
	if v.Files != nil {
		out += fmt.Sprintf(" files %+v", *v.Files)
	}
	return out
}
