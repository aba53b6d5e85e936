package notify

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
)

// KindStatus is a commit status.
const KindStatus = "status"

// States of a commit status.
const (
	pending = "pending"
	success = "success"
	failure = "failure"
	failed  = "error" // nobody's files are at fault
)

// Options of [Messages].
type Options struct {
	// PublicURL is where people reach the dashboard; a status links to it only
	// when it is https (threats T26).
	PublicURL string
}

// Messages are the statuses that r gives rise to as it is now: none, one, or
// one for each of manifest, score, deploy and health (design 2). What was told before
// may come again; the outbox drops it.
func Messages(r reconcile.Result, o Options) []reconcile.Message {
	rev := r.Revision
	if r.Condition == reconcile.Removed {
		rev = r.Previous
	}
	if rev.IsZero() {
		return nil
	}
	var all []reconcile.Message
	add := func(what, state, description string) {
		if state == "" {
			return
		}
		all = append(all, reconcile.Message{
			Kind: KindStatus, Repo: r.App.Repo, Commit: rev.Hash,
			Context: "rondo/" + line(r.App.Name, 80) + "/" + line(r.App.Environment, 80) + "/" + what,
			State:   state, Description: line(description, maxDescription),
			TargetURL: target(o.PublicURL, r.Pass), App: r.App.Name, Pass: r.Pass,
		})
	}
	check := r.Trigger == reconcile.TriggerCheck
	if (r.Deployment() || check) && r.Condition != reconcile.Running {
		state, text := manifest(r)
		add("manifest", state, text)
		state, text = scored(r)
		add("score", state, text)
	}
	if r.Check != nil {
		state, text := checked(r)
		add("health", state, text)
	}
	if !check {
		state, text := deploy(r)
		add("deploy", state, text)
	}
	return all
}

// manifest says whether the files of the revision are in order.
func manifest(r reconcile.Result) (state, text string) {
	if !r.Rendered {
		return unsaid(r, "not read")
	}
	errs, warnings, infos := render.CountProblems(r.Problems)
	if errs > 0 {
		return failure, withKeys(problems(r.Problems), r.KeyCounts)
	}
	if warnings+infos == 0 {
		return success, withKeys("no findings", r.KeyCounts)
	}
	return success, withKeys(counted(warnings, "warning")+", "+counted(infos, "info"), r.KeyCounts)
}

// withKeys adds what became of the keys of the manifest, where there is room.
func withKeys(text string, counts render.KeyCounts) string {
	if keys := counts.String(); keys != "" && utf8.RuneCountInString(text)+len("; keys: ")+len(keys) <= maxDescription {
		return text + "; keys: " + keys
	}
	return text
}

// problems is the first error and how many follow. Where that is too long the
// fix is left out, then the end of the sentence; place and code stay.
func problems(all []render.Problem) string {
	errs, _, _ := render.CountProblems(all)
	for i := range all {
		p := all[i]
		if !p.IsError() {
			continue
		}
		more := ""
		if errs > 1 {
			more = fmt.Sprintf(" (and %d more)", errs-1)
		}
		room := maxDescription - len("not deployed: ") - len(more)
		text := line(p.Error(), room+1)
		if utf8.RuneCountInString(text) > room {
			code := " [" + p.Code + "]"
			text = line(p.Pos.String()+": "+p.What, room-len(code)) + code
		}
		return text + more
	}
	return ""
}

// checked says what the public addresses answered. It is told once, at the end:
// a check is never pending (design 2).
func checked(r reconcile.Result) (state, text string) {
	if r.Check.Passed {
		return success, r.Check.Sentence
	}
	return failure, r.Check.Sentence
}

// scored passes from C up.
func scored(r reconcile.Result) (state, text string) {
	if r.Score == nil {
		return unsaid(r, "not judged")
	}
	switch r.Score.Overall {
	case score.D, score.E, score.F:
		return failure, score.Line(*r.Score)
	default:
		return success, score.Line(*r.Score)
	}
}

// unsaid answers a context that has nothing to say: it may be required, and
// deploy tells what is wrong. While the pass is to be retried it waits.
func unsaid(r reconcile.Result, what string) (state, text string) {
	switch r.Condition {
	case reconcile.Retrying, reconcile.Errored:
		return "", ""
	case reconcile.Superseded:
		return success, what + ": " + supersededBy(r)
	case reconcile.Paused:
		return success, what + ": the application is paused"
	default:
		return success, what + ": see deploy"
	}
}

// target is the page of a pass; empty unless base is https with a host.
func target(base string, pass int64) string {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || pass == 0 {
		return ""
	}
	return "https://" + u.Host + strings.TrimRight(u.EscapedPath(), "/") + "/deployments/" + strconv.FormatInt(pass, 10)
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
