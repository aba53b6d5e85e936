package plan

import (
	"time"

	"rondo.dev/rondo/render"
)

// A Command is waited for as long as its Job may run, and a little longer: the
// controller needs a moment to say that it did not end in time.
const (
	commandDeadline = time.Hour // where the Job names none
	commandMargin   = time.Minute
)

// CommandDeadline is how long a pass waits for a Command with this body.
func CommandDeadline(body map[string]any) time.Duration {
	spec, _ := body["spec"].(map[string]any)
	seconds, ok := number(spec["activeDeadlineSeconds"])
	if !ok || seconds <= 0 {
		return commandDeadline + commandMargin
	}
	return time.Duration(seconds)*time.Second + commandMargin
}

// command plans a Job that a deployment waits for. It runs once for its digest,
// and in a deployment only: nobody repeats a migration to correct drift.
func (c *computation) command(out Change, found LiveObject, read bool, entry Entry, known bool) (Change, bool) {
	done := known && entry.Digest == out.Digest && !entry.Failed
	switch {
	case done || !c.Deployment:
		out.Remember = done && remembers(*out.Object, entry)
		return out, true
	case !read:
		c.unread = append(c.unread, out.ID)
		return out, true
	case !found.Exists:
		out.Action = Create
		if entry.Failed {
			out.Reason = "failed before; runs again"
		}
		return out, true
	}
	out.Deadline = CommandDeadline(found.Body)
	c.configure(&out, found, known, false)
	switch {
	case entry.Failed && !running(found.Body):
		out.Action, out.UID, out.Reason = Recreate, uid(found.Body), "failed before; runs again"
	case out.Action == Recreate:
		out.Await = running(found.Body)
	default:
		out.Reason = "was begun; carries on"
	}
	return out, true
}

// running reports whether a Job has neither completed nor failed.
func running(body map[string]any) bool {
	status, _ := body["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	for _, each := range conditions {
		condition, _ := each.(map[string]any)
		switch condition["type"] {
		case "Complete", "Failed":
			if condition["status"] == "True" {
				return false
			}
		}
	}
	return true
}

// spent plans the end of a Command that left the bundle: pruned once it has
// ended. One that runs is never cut short; a deployment waits for it.
func (c *computation) spent(out Change, found LiveObject) Change {
	switch {
	case c.KeepCommands:
		out.Action, out.Reason = Skip, "kept: a command of another revision"
		return out
	case running(found.Body) && !c.Deployment && !c.Removal:
		out.Action, out.Reason = Skip, "kept: still running"
		return out
	}
	out.Spent = true
	if out.Await = running(found.Body); out.Await {
		out.Deadline = CommandDeadline(found.Body)
		out.Reason += ", once it has ended"
	}
	return out
}

// remembers reports whether the inventory says something else of an object than
// the bundle does, of what is not applied.
func remembers(o render.Object, e Entry) bool {
	return o.Group != e.Group || o.Keep != e.Keep || o.Command != e.Command
}
