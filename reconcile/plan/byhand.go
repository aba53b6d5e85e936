package plan

import (
	"maps"

	"rondo.dev/rondo/render"
)

// byHand keeps the Pods of a Deployment that is restarted by hand (spec 2.9). It
// stays paused, or not, as it is in the cluster: whoever resumes it restarts the
// service. A template that changes pauses it. Without pausing anew at every
// change, the one after a restart would roll out by itself.
func (c *computation) byHand(o *render.Object, found LiveObject) {
	if o.ID.Kind != "Deployment" || !o.RestartsByHand() {
		return
	}
	live, _ := found.Body["spec"].(map[string]any)
	pause := live["paused"] == true
	if !pause {
		w := comparison{want: o.Body, live: found.Body, dryRun: found.DryRun, owners: owners(found.Body), seeded: o.Replicas != nil, patterns: c.takeOver()}
		pause = touches(w.fields(), "/spec/template")
	}
	if pause {
		spec, _ := o.Body["spec"].(map[string]any)
		spec = maps.Clone(spec)
		spec["paused"] = true
		o.Body = maps.Clone(o.Body)
		o.Body["spec"] = spec
	}
}
