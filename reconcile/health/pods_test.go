package health

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var began = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// pod is one that was created at began, with one container in the given state.
func pod(t *testing.T, state string) map[string]any {
	return read(t, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, creationTimestamp: "2026-11-22T10:00:00Z"}
status:
  phase: Running
  conditions: [{type: Ready, status: "False"}]
  containerStatuses:
  - {name: web, image: "example.org/web:2", %s}
`, state))
}

const canary = "hunter2-canary"

func TestPods(t *testing.T) {
	for name, tc := range map[string]struct {
		state string
		after time.Duration
		want  string
	}{
		"an image that cannot be pulled fails at once": {
			`state: {waiting: {reason: ImagePullBackOff, message: "Back-off pulling hunter2-canary"}}`, time.Second,
			"Failed: container web: ImagePullBackOff (example.org/web:2)"},
		"a first failed pull may be the registry's hiccup": {
			`state: {waiting: {reason: ErrImagePull}}`, 30 * time.Second,
			"InProgress: container web: ErrImagePull (example.org/web:2)"},
		"a pull that fails for two minutes fails the pod": {
			`state: {waiting: {reason: ErrImagePull}}`, 121 * time.Second,
			"Failed: container web: ErrImagePull (example.org/web:2)"},
		"a missing secret may be about to appear": {
			`state: {waiting: {reason: CreateContainerConfigError, message: 'secret "shop-db" not found'}}`, 3 * time.Second,
			`InProgress: container web: CreateContainerConfigError (secret "shop-db" not found)`},
		"a missing secret fails the pod and is named": {
			`state: {waiting: {reason: CreateContainerConfigError, message: 'secret "shop-db" not found'}}`, 11 * time.Second,
			`Failed: container web: CreateContainerConfigError (secret "shop-db" not found)`},
		"a missing key is named": {
			`state: {waiting: {reason: CreateContainerConfigError, message: "couldn't find key url in Secret shop/shop-db"}}`, 11 * time.Second,
			`Failed: container web: CreateContainerConfigError (couldn't find key url in Secret shop/shop-db)`},
		"any other message of a kubelet stays out": {
			`state: {waiting: {reason: CreateContainerError, message: "cannot run --password hunter2-canary"}}`, time.Minute,
			"Failed: container web: CreateContainerError"},
		"a crash loop is waited for": {
			`restartCount: 2, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, reason: Error, message: hunter2-canary, finishedAt: "2026-11-22T10:01:30Z"}}`, 119 * time.Second,
			"InProgress: container web: CrashLoopBackOff (exit code 1, 2 restarts)"},
		"a crash loop that lasts two minutes fails the pod": {
			`restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled, finishedAt: "2026-11-22T10:01:30Z"}}`, 2 * time.Minute,
			"Failed: container web: CrashLoopBackOff (exit code 137, 4 restarts, out of memory)"},
		"a running container that is not ready has nothing to say": {
			`state: {running: {}}`, time.Hour, "InProgress: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := Pods([]map[string]any{pod(t, tc.state)}, began, began.Add(tc.after))
			if len(got) != 1 {
				t.Fatalf("got %d pods", len(got))
			}
			if line := string(got[0].Status) + ": " + got[0].Message; line != tc.want {
				t.Errorf("got  %s\nwant %s", line, tc.want)
			}
			if strings.Contains(fmt.Sprint(got), canary) {
				t.Errorf("a value got out: %v", got)
			}
		})
	}
}

func TestPodsOfAKubelet(t *testing.T) {
	for file, want := range map[string]string{
		"pod-web":     "Current: ",
		"pod-crash":   "Failed: container crash: CrashLoopBackOff (exit code 1, 3 restarts)",
		"pod-noimage": "Failed: container noimage: ImagePullBackOff (example.org/x:no-such-image)",
	} {
		body := load(t, file)
		got := Pods([]map[string]any{body}, time.Time{}, when(body, "metadata", "creationTimestamp").Add(3*time.Minute))
		if line := string(got[0].Status) + ": " + got[0].Message; line != want {
			t.Errorf("%s: got %s, want %s", file, line, want)
		}
	}
}

func TestPodsOfAnEarlierVersionAreToldOfButFailNothing(t *testing.T) {
	items := []map[string]any{pod(t, `state: {waiting: {reason: ImagePullBackOff}}`)}
	got := Pods(items, began.Add(time.Minute), began.Add(time.Hour))
	if got[0].Status != InProgress || got[0].Reason != "ImagePullBackOff" {
		t.Errorf("got %+v", got[0])
	}
}

func TestPodsLeavesOutWhatHasEnded(t *testing.T) {
	going, done := pod(t, "state: {running: {}}"), pod(t, "state: {terminated: {}}")
	going["metadata"].(map[string]any)["deletionTimestamp"] = "2026-11-22T10:05:00Z"
	done["status"].(map[string]any)["phase"] = "Succeeded"
	if got := Pods([]map[string]any{going, done}, began, began); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestPodsCountsRestartsOfADay(t *testing.T) {
	state := `restartCount: 7, state: {running: {}}, lastState: {terminated: {reason: OOMKilled, exitCode: 137, finishedAt: "2026-11-22T10:00:10Z"}}`
	items := []map[string]any{pod(t, state)}
	if got := Pods(items, began, began.Add(23*time.Hour))[0]; got.Restarts != 7 || got.Reason != "OOMKilled" {
		t.Errorf("within a day: got %+v", got)
	}
	if got := Pods(items, began, began.Add(25*time.Hour))[0]; got.Restarts != 0 || got.Reason != "" {
		t.Errorf("after a day: got %+v", got)
	}
}

func TestPodsNamesWhatCannotBeScheduled(t *testing.T) {
	body := read(t, `
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, creationTimestamp: "2026-11-22T10:00:00Z"}
status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: 0/2 nodes are available}]}`)
	got := Pods([]map[string]any{body}, began, began.Add(time.Minute))[0]
	if got.Status != InProgress || got.Message != "no node has room for pod web-1" || got.Reason != "Unschedulable" {
		t.Errorf("got %+v", got)
	}
}

func TestMerge(t *testing.T) {
	starting := Item{Status: InProgress, Message: "0 of 2 pods available"}
	failed := Pod{Status: Failed, Message: "container web: ImagePullBackOff"}
	waits := Pod{Status: InProgress, Message: "no node has room for pod web-1"}
	for name, tc := range map[string]struct {
		item Item
		pods []Pod
		want string
	}{
		"a failed pod fails its workload":       {starting, []Pod{waits, failed}, "Failed 0 of 2 pods available: container web: ImagePullBackOff"},
		"a waiting pod says why":                {starting, []Pod{waits}, "InProgress 0 of 2 pods available: no node has room for pod web-1"},
		"a current workload stays so":           {Item{Status: Current, Message: "2 of 2 pods available"}, []Pod{failed}, "Current 2 of 2 pods available"},
		"pods without a word leave it as it is": {starting, []Pod{{Status: Current}}, "InProgress 0 of 2 pods available"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Merge(tc.item, tc.pods)
			if line := string(got.Status) + " " + got.Message; line != tc.want {
				t.Errorf("got %s, want %s", line, tc.want)
			}
		})
	}
}
