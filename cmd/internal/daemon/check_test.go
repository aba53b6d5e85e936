package daemon_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/sources/gittest"
)

// propose opens or moves pull request n to a commit and delivers the event.
func (w *world) propose(n int, files map[string]string, fork bool) string {
	w.t.Helper()
	base := w.repo.Ref("refs/heads/main")
	branch := fmt.Sprintf("proposal-%d-%s", n, strings.ToLower(rand.Text()[:6]))
	commit := w.commit(files, gittest.On(branch), gittest.From(base))
	w.repo.SetRef(fmt.Sprintf("refs/pull/%d/head", n), commit)
	body, err := json.Marshal(map[string]any{
		"action": "synchronize", "number": n,
		"pull_request": map[string]any{"head": map[string]any{"sha": commit, "repo": map[string]any{"fork": fork}}},
		"repository":   map[string]any{"full_name": w.repo.Name(), "clone_url": w.repo.URL()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := daemontest.Deliver(w.t.Context(), w.URL(), "pull_request", rand.Text(), body, daemontest.WebhookSecret); err != nil {
		w.t.Fatal(err)
	}
	return commit
}

func TestTheHeadOfAPullRequestIsReadAndNeverApplied(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	from := time.Now()

	good := w.propose(7, manifest(strings.Replace(ten, "hello", "proposed", 1)), false)
	if s := w.status(good, "manifest", "success"); s.Context != "rondo/"+w.app+"/preview/manifest" {
		t.Errorf("context %q", s.Context)
	}
	w.status(good, "score", "success")

	bad := w.propose(7, manifest(strings.Replace(ten, "image:", "imgae:", 1)), true)
	if s := w.status(bad, "manifest", "failure"); !strings.Contains(s.Description, "manifest.yml:5") {
		t.Errorf("the status names no line: %q", s.Description)
	}
	for _, s := range w.GitHub.Statuses() {
		if (s.Commit == good || s.Commit == bad) && strings.HasSuffix(s.Context, "/deploy") {
			t.Errorf("%s says %s: nothing is deployed of a pull request", s.Context, s.State)
		}
	}
	if writes := w.writes(from); len(writes) > 0 {
		t.Errorf("the API server saw %v", writes)
	}
	if got := w.state(); got.Condition != reconcile.Live {
		t.Errorf("the application is %s", got.Condition)
	}
}

func TestTheHeadOfAMergeGroupIsRead(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	queue := "gh-readonly-queue/main/pr-7-" + w.repo.Ref("refs/heads/main")
	commit := w.commit(manifest(strings.Replace(ten, "hello", "queued", 1)), gittest.On(queue), gittest.From(w.repo.Ref("refs/heads/main")))
	body, err := json.Marshal(map[string]any{
		"action": "checks_requested", "merge_group": map[string]any{"head_ref": "refs/heads/" + queue, "head_sha": commit},
		"repository": map[string]any{"full_name": w.repo.Name(), "clone_url": w.repo.URL()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := daemontest.Deliver(t.Context(), w.URL(), "merge_group", rand.Text(), body, daemontest.WebhookSecret); err != nil {
		t.Fatal(err)
	}
	w.status(commit, "manifest", "success")
	w.status(commit, "score", "success")
}
