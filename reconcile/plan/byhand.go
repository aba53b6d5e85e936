package plan

import (
	"maps"

	"rondo.dev/rondo/render"
)

// byHand keeps the Pods of a Deployment that is restarted by hand (spec 2.9). It
// stays paused, or not, as it is in the cluster: whoever resumes it restarts the
// service. A template that changes pauses it. Without pausing anew at every
// change, the one after a restart would roll out by itself.
func (c *computation) byHand(o *render.Object, found *LiveObject) {
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
		o.Body = paused(o.Body)
	}
	if pause && found.DryRun != nil { // asked for without
		found.DryRun = paused(found.DryRun)
	}
}

// paused is a copy of a Deployment that is paused.
func paused(body map[string]any) map[string]any {
	spec, _ := body["spec"].(map[string]any)
	spec, body = maps.Clone(spec), maps.Clone(body)
	spec["paused"] = true
	body["spec"] = spec
	return body
}
