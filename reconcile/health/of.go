package health

import (
	"fmt"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/render"
)

// Of judges a live object. It looks at metadata (name, namespace, generation,
// deletionTimestamp), at spec.replicas, spec.paused, spec.suspend, spec.type,
// spec.completions, spec.updateStrategy and spec.progressDeadlineSeconds, and
// at status; the rest may be left out. Whole numbers are int64, as apimachinery
// decodes them. An object that cannot be understood is Unknown.
func Of(body map[string]any) Item {
	u := &unstructured.Unstructured{Object: body}
	group, _, ok := strings.Cut(u.GetAPIVersion(), "/")
	if !ok {
		group = ""
	}
	item := Item{ID: render.ID{Group: group, Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()}}
	res, err := status.Compute(u)
	if err != nil {
		item.Status, item.Message = Unknown, "its status cannot be read"
		return item
	}
	item.Status = Status(res.Status)
	if item.Status == Terminating {
		item.Message = "is being deleted"
		return item
	}
	switch group + "/" + item.ID.Kind {
	case "apps/Deployment":
		deployment(&item, body)
	case "apps/StatefulSet":
		replicated(&item, body, "readyReplicas", "ready")
	case "apps/ReplicaSet":
		replicated(&item, body, "availableReplicas", "available")
	case "apps/DaemonSet":
		daemonSet(&item, body)
	case "batch/Job":
		job(&item, body)
	case "/PersistentVolumeClaim":
		claim(&item, body)
	case "/Service":
		service(&item, body)
	case "postgresql.cnpg.io/Cluster":
		operated(&item, body, res)
	case "policy/PodDisruptionBudget", "networking.k8s.io/Ingress":
		item.Status = Current
	default:
		if item.Status == Failed || item.Status == InProgress {
			// The reason of a condition is one word; its message may hold anything.
			item.Message = or(reason(res), "not ready")
		}
	}
	return item
}

// operated judges what an operator runs by its condition Ready. Without one the
// operator has not looked yet, or is not there.
func operated(item *Item, body map[string]any, res *status.Result) {
	conditions, _, _ := unstructured.NestedSlice(body, "status", "conditions")
	for _, c := range conditions {
		if condition, ok := c.(map[string]any); ok && condition["type"] == "Ready" {
			if item.Status != Current {
				item.Message = or(reason(res), "not ready")
			}
			return
		}
	}
	item.Status, item.Message = InProgress, "not seen by its operator yet"
}

// Missing is the item of an object that should exist and does not.
func Missing(id render.ID) Item {
	return Item{ID: id, Status: NotFound, Message: "does not exist"}
}

func reason(res *status.Result) string {
	for _, c := range res.Conditions {
		if c.Reason != "" {
			return c.Reason
		}
	}
	return ""
}

func deployment(item *Item, body map[string]any) {
	want, ok := integer(body, "spec", "replicas")
	if !ok {
		want = 1
	}
	updated, _ := integer(body, "status", "updatedReplicas")
	available, _ := integer(body, "status", "availableReplicas")
	all, _ := integer(body, "status", "replicas")
	paused, _, _ := unstructured.NestedBool(body, "spec", "paused")
	switch {
	case item.Status == Failed:
		item.Message = fmt.Sprintf("did not finish rolling out in time: %s", progress(updated, available, all, want))
	case !observed(body):
		item.Status, item.Message = InProgress, "not seen by its controller yet"
	case want == 0 && all == 0:
		item.Status, item.Message = Current, "scaled to zero"
	case item.Status == Current:
		item.Message = pods(available, want, "available")
	case paused && updated < want && available >= want && byHand(body):
		item.Status, item.Message = Current, pending(updated, want)
	case paused && updated < want:
		item.Message = fmt.Sprintf("rollout is paused: %d of %s updated", updated, count(want))
	default:
		item.Message = progress(updated, available, all, want)
	}
}

// byHand is [render.Object.RestartsByHand] of a live object.
func byHand(body map[string]any) bool {
	o := render.Object{Body: body}
	return o.RestartsByHand()
}

// pending is the message of a healthy workload that somebody has to restart.
func pending(updated, want int64) string {
	return fmt.Sprintf("%d of %s %s", want-updated, count(want), waitsForRestart)
}

const waitsForRestart = "on the old version until a restart"

// PendingRestart reports whether the object serves what it served before, and
// somebody has to restart it.
func (i Item) PendingRestart() bool { return strings.HasSuffix(i.Message, waitsForRestart) }

// progress says how far a rollout has come, by the first number that is short.
func progress(updated, available, all, want int64) string {
	switch {
	case updated < want:
		return fmt.Sprintf("%d of %s updated", updated, count(want))
	case all > want:
		return fmt.Sprintf("%s of the old version still there", count(all-want))
	default:
		return pods(min(available, want), want, "available")
	}
}

func replicated(item *Item, body map[string]any, field, word string) {
	want, ok := integer(body, "spec", "replicas")
	if !ok {
		want = 1
	}
	all, _ := integer(body, "status", "replicas")
	ready, _ := integer(body, "status", field)
	updated, given := integer(body, "status", "updatedReplicas")
	switch {
	case !observed(body):
		item.Status, item.Message = InProgress, "not seen by its controller yet"
	case want == 0 && all == 0:
		item.Status, item.Message = Current, "scaled to zero"
	case ready < want: // kstatus calls every StatefulSet with OnDelete Current
		item.Status, item.Message = InProgress, pods(ready, want, word)
	case given && updated < want && byHand(body):
		item.Status, item.Message = Current, pending(updated, want)
	case item.Status == Current:
		item.Message = pods(min(ready, want), want, word)
	case given && updated < want:
		item.Message = fmt.Sprintf("%d of %s updated", updated, count(want))
	case all > want:
		item.Message = count(all-want) + " too many"
	default:
		item.Message = "its rollout is ending"
	}
}

func daemonSet(item *Item, body map[string]any) {
	want, known := integer(body, "status", "desiredNumberScheduled")
	updated, _ := integer(body, "status", "updatedNumberScheduled")
	available, _ := integer(body, "status", "numberAvailable")
	switch {
	case !known || !observed(body):
		item.Status, item.Message = InProgress, "not seen by its controller yet"
	case updated < want && byHand(body) && available >= want:
		item.Status, item.Message = Current, pending(updated, want)
	case updated < want:
		item.Message = fmt.Sprintf("%d of %s updated", updated, count(want))
	default:
		item.Message = pods(available, want, "available")
	}
}

func job(item *Item, body map[string]any) {
	want, ok := integer(body, "spec", "completions")
	if !ok {
		want = 1
	}
	succeeded, _ := integer(body, "status", "succeeded")
	failed, _ := integer(body, "status", "failed")
	suspended, _, _ := unstructured.NestedBool(body, "spec", "suspend")
	switch {
	case item.Status == Failed:
		item.Message = "failed"
		if failed > 0 {
			item.Message = fmt.Sprintf("failed after %s", count(failed))
		}
	case conditionOf(body, "Complete")["status"] == "True":
		item.Status, item.Message = Current, "completed"
	case suspended:
		item.Status, item.Message = Current, "suspended"
	default:
		item.Status, item.Message = InProgress, fmt.Sprintf("%d of %d completed", succeeded, want)
	}
}

func claim(item *Item, body map[string]any) {
	switch text(body, "status", "phase") {
	case "Bound":
		item.Status, item.Message = Current, "bound"
	case "Lost":
		item.Status, item.Message = Failed, "has lost its volume"
	default:
		// Most storage classes wait for the first pod; it is the pod that fails.
		item.Status, item.Message = Current, "not bound yet"
	}
}

func service(item *Item, body map[string]any) {
	item.Status = Current
	if text(body, "spec", "type") == "LoadBalancer" && len(list(body, "status", "loadBalancer", "ingress")) == 0 {
		item.Message = "no address yet"
	}
}

// observed reports whether the controller has seen the newest generation.
func observed(body map[string]any) bool {
	seen, ok := integer(body, "status", "observedGeneration")
	generation, _ := integer(body, "metadata", "generation")
	return ok && seen >= generation
}

func integer(body map[string]any, path ...string) (int64, bool) {
	n, ok, err := unstructured.NestedInt64(body, path...)
	return n, ok && err == nil
}

func pods(n, of int64, word string) string {
	return fmt.Sprintf("%d of %s %s", n, count(of), word)
}

func count(n int64) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
