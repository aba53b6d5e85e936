// Package folder does with a folder what the daemon does with a commit, for the
// commands that a developer runs before pushing: render, lint, plan and score.
//
// It needs no daemon; only a plan needs a cluster, which it asks as the user of
// the kubeconfig and never changes: every request is a read or a server-side
// dry-run.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/reconcile/cluster"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/kustomize"
	"rondo.dev/rondo/render/sops"
	"rondo.dev/rondo/render/workload"
	"rondo.dev/rondo/sources"
)

// Options say what a folder is to become.
type Options struct {
	Dir          string // or the manifest in it, of which Complete makes Dir and Manifest
	App          string // empty: the folder's name
	Environment  string // empty: "production"
	Namespace    string // empty: "<app>-<environment>"
	Manifest     string // empty: the usual places
	Path         string // folder rendered instead of a manifest; empty: none
	IngressClass string
	Config       string // path of a rondo.yaml whose facts and policies count; empty: none
	Incomplete   bool
}

// Complete fills in the defaults.
func (o Options) Complete() (Options, error) {
	info, err := os.Stat(o.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o, fmt.Errorf("%s does not exist", o.Dir)
	case err != nil:
		return o, err
	case !info.IsDir() && (o.Manifest != "" || o.Path != ""):
		return o, fmt.Errorf("%s is no folder", o.Dir)
	case !info.IsDir():
		o.Dir, o.Manifest = filepath.Split(filepath.Clean(o.Dir))
		if o.Dir = filepath.Clean(o.Dir); filepath.Base(o.Dir) == ".cloud66" { // beside the application's other files
			o.Dir, o.Manifest = filepath.Dir(o.Dir), ".cloud66/"+o.Manifest
		}
	}
	abs, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, err
	}
	if o.App == "" {
		o.App = objectName(filepath.Base(abs))
	}
	if o.Environment == "" {
		o.Environment = "production"
	}
	if o.Namespace == "" {
		o.Namespace = o.App + "-" + objectName(o.Environment)
	}
	return o, nil
}

// objectName turns a folder's name into one that Kubernetes takes.
func objectName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, s)
	s = strings.Trim(s, "-")
	if s == "" {
		return "app"
	}
	return s
}

// Render renders the folder. Faults in the files are a *render.Invalid.
func Render(ctx context.Context, o Options) (render.Bundle, error) {
	return renderWith(ctx, o, render.Facts{})
}

// facts adds what the operator decides to what the cluster says.
func (o Options) facts(known render.Facts) (render.Facts, error) {
	facts := render.Facts{}
	if o.Config != "" {
		c, err := config.Load(o.Config)
		if err != nil {
			return facts, err
		}
		facts = c.Facts()
		for _, app := range c.Apps {
			if app.Name == o.App {
				facts.Policy, facts.ConfigStore = app.Policy, app.ConfigStore
			}
		}
	}
	facts.ClusterVersion, facts.KEDA, facts.IngressClass = known.ClusterVersion, known.KEDA, known.IngressClass
	if facts.Policy.HostAccess {
		facts.Nodes = known.Nodes
	}
	if o.IngressClass != "" {
		facts.IngressClass = o.IngressClass
	}
	if facts.Images == nil {
		facts.Images = data.Catalogue()
	}
	return facts, nil
}

func renderWith(ctx context.Context, o Options, facts render.Facts) (render.Bundle, error) {
	snapshot, err := sources.Dir(o.Dir)
	if err != nil {
		return render.Bundle{}, err
	}
	defer snapshot.Close()
	if facts, err = o.facts(facts); err != nil {
		return render.Bundle{}, err
	}
	workers := kustomize.NewWorkers()
	defer workers.Close()
	return render.Render(ctx, render.Input{
		Snapshot: snapshot, App: o.App, Environment: o.Environment, Namespace: o.Namespace,
		Manifest: o.Manifest, Path: o.Path, Facts: facts, Incomplete: o.Incomplete,
	}, kustomize.Builder{Inner: builder(), Workers: workers})
}

// KeyFileVariable names the age keys that open encrypted files of a folder; it is
// the variable of SOPS itself.
const KeyFileVariable = "SOPS_AGE_KEY_FILE"

func builder() workload.Builder {
	var b workload.Builder
	if file := os.Getenv(KeyFileVariable); file != "" {
		b.Decrypt = sops.Opener{KeyFile: file}.Open
	}
	return b
}

// Plan computes what a deployment of the folder would change in the cluster of
// the kubeconfig; an empty path means the usual one. It only reads, and tries
// with server-side dry-runs.
//
// Two things are the daemon's alone, for they need its key. Whether an object
// is as it was applied is told by digests; here by a dry-run that changes
// nothing. And the hash of the configuration that Pods read is left out: that
// a changed ConfigMap or Secret restarts them is not shown.
func Plan(ctx context.Context, o Options, kubeconfig string) (plan.Plan, error) {
	rest, err := cluster.Config(kubeconfig)
	if err != nil {
		return plan.Plan{}, err
	}
	key := []byte("rondo plan") // never written: it only has to be the same on both sides of a comparison
	c, err := cluster.New(ctx, cluster.Options{Config: rest, SingleTenant: true, Key: key, Holder: "rondo plan", ReadOnly: true})
	if err != nil {
		return plan.Plan{}, err
	}
	facts, err := c.Facts(ctx)
	if err != nil {
		return plan.Plan{}, err
	}
	bundle, err := renderWith(ctx, o, facts)
	if err != nil {
		return plan.Plan{}, err
	}
	target := plan.Target{App: o.App, Namespace: o.Namespace}
	live, err := c.Live(ctx, target, bundle, true)
	if err != nil {
		return plan.Plan{}, err
	}
	p := plan.Compute(bundle, live, plan.Options{Target: target, Key: key, Deployment: true, Now: time.Now()})
	for i := range p.Changes {
		p.Changes[i].Fields = slices.DeleteFunc(p.Changes[i].Fields, theDaemons)
		change := p.Changes[i]
		if _, known := live.Inventory.Find(change.ID); known && change.Action == plan.Configure && !change.Return && len(change.Missing) == 0 && same(change, live.Objects[change.ID]) {
			p.Changes[i].Action = plan.Unchanged
		}
	}
	return p, nil
}

// theDaemons reports fields that only the daemon can compute.
func theDaemons(f plan.FieldChange) bool {
	const at = "/spec/template/metadata/annotations/rondo.dev~1"
	return f.Path == at+"config-hash" || f.Path == at+"deployment"
}

// same reports whether applying the object would change nothing of it, as far as
// can be seen: what a copy is made of is the daemon's to look up.
func same(change plan.Change, found plan.LiveObject) bool {
	if change.Object.Copy != nil {
		return found.Exists
	}
	return found.DryRun != nil && len(change.Fields) == 0 && !change.TakeOver && change.Replicas == nil
}
