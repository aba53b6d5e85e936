package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/notify"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

var (
	started = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	first   = sources.Revision{Ref: "main", Hash: "0123456789abcdef0123456789abcdef01234567"}
	second  = sources.Revision{Ref: "main", Hash: "89abcdef0123456789abcdef0123456789abcdef"}
)

// result is a deployment of first that took 3.2 s, with changes.
func result(condition reconcile.Condition, changes ...func(*reconcile.Result)) reconcile.Result {
	r := reconcile.Result{
		Pass: 7, Trigger: reconcile.TriggerPush, Revision: first, Condition: condition, Attempt: 1,
		App: reconcile.Application{
			Name: "shop", Environment: "production", Ref: "main", Repo: sources.Repo{URL: "https://github.com/acme/shop"},
		},
		Started: started, Ended: started.Add(3210 * time.Millisecond),
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func object(kind, name string) render.ID {
	return render.ID{Kind: kind, Namespace: "shop", Name: name}
}

func rendered(problems ...render.Problem) func(*reconcile.Result) {
	return func(r *reconcile.Result) { r.Rendered, r.Problems = true, problems }
}

func failure(kind, text string) func(*reconcile.Result) {
	return func(r *reconcile.Result) { r.Failure = &reconcile.Failure{Kind: kind, Text: text} }
}

// outcome was planned and done; actions are separated by spaces.
func outcome(actions string) func(*reconcile.Result) {
	return func(r *reconcile.Result) {
		r.Plan, r.Outcome = &plan.Plan{}, &plan.Outcome{}
		for i, action := range strings.Fields(actions) {
			id := object("ConfigMap", fmt.Sprint("c", i))
			r.Plan.Changes = append(r.Plan.Changes, plan.Change{Action: plan.Action(action), ID: id})
			if action != "unchanged" && action != "skip" {
				r.Outcome.Done = append(r.Outcome.Done, plan.Done{Action: plan.Action(action), ID: id})
			}
		}
	}
}

func graded(overall score.Grade) func(*reconcile.Result) {
	return func(r *reconcile.Result) {
		r.Score = &score.Score{Overall: overall, Grades: map[score.Metric]score.Grade{score.Connectivity: overall}}
	}
}

func sick(items ...health.Item) func(*reconcile.Result) {
	return func(r *reconcile.Result) { report := health.Summarize(items); r.Health = &report }
}

func problem(line int, code, what, fix string) render.Problem {
	return render.Problem{Pos: sources.Position{File: "manifest.yml", Line: line, Column: 3}, Code: code, What: what, Fix: fix}
}

func attempt(n int) func(*reconcile.Result) {
	return func(r *reconcile.Result) { r.Attempt = n }
}

func keyed(counts render.KeyCounts) func(*reconcile.Result) {
	return func(r *reconcile.Result) { r.KeyCounts = counts }
}

func drift(was reconcile.Condition) func(*reconcile.Result) {
	return func(r *reconcile.Result) { r.Trigger, r.Was = reconcile.TriggerDrift, was }
}

func TestMessagesSayWhatBecameOfTheCommit(t *testing.T) {
	const manifestOK, goodScore = "manifest success: no findings", "score success: B: code not judged, backups not judged, " +
		"connectivity B, performance not judged, security not judged"
	for name, tc := range map[string]struct {
		result reconcile.Result
		want   []string
	}{
		"a deployment that begins is pending": {
			result(reconcile.Running), []string{"deploy pending: deploying 0123456"}},
		"a retry that begins says nothing, the announced retry stands": {
			result(reconcile.Running, attempt(2)), nil},
		"live counts what was written": {
			result(reconcile.Live, rendered(), graded(score.B), outcome("create configure configure heal prune unchanged unchanged unchanged unchanged")),
			[]string{manifestOK, goodScore, "deploy success: live: 1 created, 2 configured, 1 put back, 1 pruned, 4 unchanged in 3.2 s"}},
		"live without a write says so": {
			result(reconcile.Live, rendered(), graded(score.B), outcome("unchanged skip")),
			[]string{manifestOK, goodScore, "deploy success: live, nothing to change"}},
		"a score below C fails": {
			result(reconcile.Live, rendered(), graded(score.D)),
			[]string{manifestOK, "score failure: D: code not judged, backups not judged, connectivity D, performance not judged, security not judged",
				"deploy success: live, nothing to change"}},
		"a score that judged nothing passes": {
			result(reconcile.Live, rendered(), graded("")),
			[]string{manifestOK, "score success: not judged: code not judged, backups not judged, connectivity not judged, performance not judged, security not judged",
				"deploy success: live, nothing to change"}},
		"warnings and infos are counted and pass": {
			result(reconcile.Live, rendered(problem(1, "W-X", "a", ""), problem(2, "W-X", "b", ""), problem(3, "I-X", "c", "")), graded(score.B)),
			[]string{"manifest success: 2 warnings, 1 info", goodScore, "deploy success: live, nothing to change"}},
		"what became of the keys is counted after the findings": {
			result(reconcile.Live, rendered(problem(1, "W-X", "a", "")), keyed(render.KeyCounts{render.Applied: 41, render.NotApplicable: 2}), graded(score.B)),
			[]string{"manifest success: 1 warning, 0 infos; keys: 41 applied, 2 not applicable", goodScore, "deploy success: live, nothing to change"}},
		"keys stand behind an error where there is room": {
			result(reconcile.Invalid, rendered(problem(7, "E-TYPE", "a is text", "make it a list")),
				keyed(render.KeyCounts{render.Applied: 41, render.Rejected: 1}), failure(reconcile.KindProblem, "…")),
			[]string{"manifest failure: manifest.yml:7:3: a is text; make it a list [E-TYPE]; keys: 41 applied, 1 rejected",
				"score success: not judged: see deploy",
				"deploy failure: not deployed: manifest.yml:7:3: a is text; make it a list [E-TYPE]"}},
		"a fault in the files is told with place, fix and code": {
			result(reconcile.Invalid, rendered(problem(7, "E-TYPE", "services.web.ports is text", "make it a list")),
				failure(reconcile.KindProblem, "…")),
			[]string{"manifest failure: manifest.yml:7:3: services.web.ports is text; make it a list [E-TYPE]",
				"score success: not judged: see deploy",
				"deploy failure: not deployed: manifest.yml:7:3: services.web.ports is text; make it a list [E-TYPE]"}},
		"of a fault that is too long the place, the code and the number of others stay": {
			result(reconcile.Invalid, rendered(problem(7, "E-FILE-DUP-SERVICE", strings.Repeat("service web is declared twice ", 5), "keep one"),
				problem(9, "E-TYPE", "x", "y")), failure(reconcile.KindProblem, "…")),
			[]string{"manifest failure: manifest.yml:7:3: service web is declared twice service web is declared twice service web i… [E-FILE-DUP-SERVICE] (and 1 more)",
				"score success: not judged: see deploy",
				"deploy failure: not deployed: manifest.yml:7:3: service web is declared twice service web is declared twice service web i… [E-FILE-DUP-SERVICE] (and 1 more)"}},
		"an object that the API server refuses leaves the manifest green": {
			result(reconcile.Invalid, rendered(), failure(reconcile.KindProblem, "apply: Deployment/shop/web: spec.selector is immutable")),
			[]string{manifestOK, "score success: not judged: see deploy",
				"deploy failure: not deployed: apply: Deployment/shop/web: spec.selector is immutable"}},
		"the first failed object is named before one in progress, with its event": {
			result(reconcile.Unhealthy, rendered(), graded(score.B), failure(reconcile.KindHealth, "not healthy in 5m0s"), sick(
				health.Item{ID: object("Service", "web"), Status: health.Current},
				health.Item{ID: object("Deployment", "jobs"), Status: health.InProgress, Message: "0 of 1 pods available"},
				health.Item{ID: object("Deployment", "web"), Status: health.Failed, Message: "0 of 2 pods available", Event: "Back-off pulling image \"web:2\""})),
			[]string{manifestOK, goodScore, `deploy failure: Deployment/shop/web: 0 of 2 pods available; Back-off pulling image "web:2" (and 1 more)`}},
		"a report that came too late leaves the pass's own reason": {
			result(reconcile.Unhealthy, rendered(), graded(score.B), failure(reconcile.KindHealth, "not healthy in 5m0s: 1 object is healthy"),
				sick(health.Item{ID: object("Service", "web"), Status: health.Current})),
			[]string{manifestOK, goodScore, "deploy failure: not healthy in 5m0s: 1 object is healthy"}},
		"a held plan says why": {
			result(reconcile.Held, rendered(), failure(reconcile.KindHeld, "it would delete 5 of 5 objects")),
			[]string{manifestOK, "score success: not judged: see deploy", "deploy failure: held: it would delete 5 of 5 objects"}},
		"a fault of the surroundings waits": {
			result(reconcile.Retrying, failure(reconcile.KindTransient, "fetch: connection refused")),
			[]string{"deploy pending: will be retried: fetch: connection refused"}},
		"a lasting fault of the surroundings is an error": {
			result(reconcile.Errored, rendered(), attempt(5), failure(reconcile.KindTransient, "read the cluster: connection refused")),
			[]string{manifestOK, "deploy error: read the cluster: connection refused"}},
		"refused credentials are an error": {
			result(reconcile.Errored, failure(reconcile.KindCredential, "fetch: access refused")),
			[]string{"deploy error: fetch: access refused"}},
		"a superseded commit is no failure, and no context is left waiting": {
			result(reconcile.Superseded, func(r *reconcile.Result) { r.Newer = second }),
			[]string{"manifest success: not read: superseded by 89abcde, which carries on",
				"score success: not judged: superseded by 89abcde, which carries on",
				"deploy success: superseded by 89abcde, which carries on"}},
		"superseded by nobody knows whom": {
			result(reconcile.Superseded, rendered(), graded(score.B)),
			[]string{manifestOK, goodScore, "deploy success: superseded by a newer revision, which carries on"}},
		"paused waits, and says for whom": {
			result(reconcile.Paused, rendered(), func(r *reconcile.Result) { r.Paused = &reconcile.Pause{By: "anna"} }),
			[]string{manifestOK, "score success: not judged: the application is paused", "deploy pending: paused by anna; deploys on resume"}},
		"paused by nobody knows whom": {
			result(reconcile.Paused, rendered()),
			[]string{manifestOK, "score success: not judged: the application is paused", "deploy pending: paused; deploys on resume"}},
		"drift that was put back is not the commit's business": {
			result(reconcile.Healed, drift(reconcile.Live), outcome("heal")), nil},
		"drift in a failed application leaves it failed": {
			result(reconcile.Healed, drift(reconcile.Unhealthy), outcome("heal")), nil},
		"drift that begins says nothing": {
			result(reconcile.Running, drift(reconcile.Live)), nil},
		"drift that cannot be put back for a fault of the surroundings says nothing": {
			result(reconcile.Retrying, drift(reconcile.Live), failure(reconcile.KindTransient, "x")), nil},
		"a fight is a failure": {
			result(reconcile.Fought, drift(reconcile.Live), failure(reconcile.KindFought, "spec.replicas of Deployment/shop/web taken by kubectl-edit 3 times in 10 min; rondo stopped")),
			[]string{"deploy failure: spec.replicas of Deployment/shop/web taken by kubectl-edit 3 times in 10 min; rondo stopped"}},
		"the end of a fight is told": {
			result(reconcile.Healed, drift(reconcile.Fought), outcome("heal unchanged")),
			[]string{"deploy success: live again: 1 put back, 1 unchanged"}},
		"a removal is told on the commit that was live": {
			result(reconcile.Removed, func(r *reconcile.Result) {
				r.Trigger, r.Revision, r.Previous = reconcile.TriggerRemove, sources.Revision{}, first
			}),
			[]string{"deploy success: removed from the cluster on request"}},
		"a pass without a commit tells nobody": {
			result(reconcile.Errored, failure(reconcile.KindTransient, "x"), func(r *reconcile.Result) { r.Revision = sources.Revision{} }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, m := range notify.Messages(tc.result, notify.Options{}) {
				what, ok := strings.CutPrefix(m.Context, "rondo/shop/production/")
				if !ok || m.Kind != "status" || m.Commit != first.Hash || m.Repo != tc.result.App.Repo || m.App != "shop" || m.Pass != 7 {
					t.Errorf("message about something else: %+v", m)
				}
				if n := utf8.RuneCountInString(m.Description); n > 140 {
					t.Errorf("description of %d characters: %s", n, m.Description)
				}
				got = append(got, what+" "+m.State+": "+m.Description)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyDeployIsEverPending(t *testing.T) {
	for _, condition := range []reconcile.Condition{
		reconcile.Running, reconcile.Live, reconcile.Unhealthy, reconcile.Invalid, reconcile.Held, reconcile.Errored,
		reconcile.Retrying, reconcile.Superseded, reconcile.Healed, reconcile.Fought, reconcile.Paused, reconcile.Removed,
	} {
		for _, m := range notify.Messages(result(condition), notify.Options{}) {
			if m.State == "pending" && !strings.HasSuffix(m.Context, "/deploy") {
				t.Errorf("%q leaves %s pending", condition, m.Context)
			}
		}
	}
}

func TestLongTimesReadAsMinutes(t *testing.T) {
	r := result(reconcile.Live, outcome("create"), func(r *reconcile.Result) { r.Ended = started.Add(125 * time.Second) })
	all := notify.Messages(r, notify.Options{})
	if got, want := all[len(all)-1].Description, "live: 1 created in 2 min 5 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestT26_StatusesLinkToOurOwnHostByHTTPSOnly(t *testing.T) {
	for public, want := range map[string]string{
		"https://rondo.example.org":      "https://rondo.example.org/deployments/7",
		"https://rondo.example.org/a/":   "https://rondo.example.org/a/deployments/7",
		"https://rondo.example.org/?q#f": "https://rondo.example.org/deployments/7",
		"http://rondo.example.org":       "",
		"javascript:alert(1)":            "",
		"https://u:p@rondo.example.org":  "",
		"//rondo.example.org":            "",
		"":                               "",
	} {
		if got := notify.Messages(result(reconcile.Running), notify.Options{PublicURL: public})[0].TargetURL; got != want {
			t.Errorf("public_url %q gives the link %q, want %q", public, got, want)
		}
	}
}

func TestT26_OutsidersTextIsPlainInStatuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"markup":             {`<script>alert(1)</script>`, "‹script›alert(1)‹/script›"},
		"lines":              {"one\r\n\ttwo\u2028three", "one two three"},
		"control characters": {"a\x00b\x1b[31mc\u202ed\u200be", "ab[31mcde"},
		"broken UTF-8":       {"a\xff\xfeb", "a\uFFFDb"},
		"long":               {strings.Repeat("ä", 200), strings.Repeat("ä", 139) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			r := result(reconcile.Errored, failure(reconcile.KindTransient, tc.text))
			all := notify.Messages(r, notify.Options{})
			if got := all[len(all)-1].Description; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzDescription(f *testing.F) {
	f.Add("plain", "name")
	f.Add(strings.Repeat("\u202e<", 300), "\x00")
	f.Fuzz(func(t *testing.T, text, name string) {
		r := result(reconcile.Invalid, rendered(problem(1, "E-TYPE", text, name)), failure(reconcile.KindProblem, text))
		r.App.Name = name
		for _, m := range notify.Messages(r, notify.Options{PublicURL: "https://rondo.example.org"}) {
			for _, s := range []string{m.Description, m.Context} {
				if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsAny(s, "<>") {
					t.Errorf("unsafe text %q", s)
				}
			}
			if utf8.RuneCountInString(m.Description) > 140 || len(m.Context) > 1000 {
				t.Errorf("too long: %q %q", m.Context, m.Description)
			}
		}
	})
}
