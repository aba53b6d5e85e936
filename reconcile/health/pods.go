package health

import (
	"fmt"
	"regexp"
	"sort"
	"sync"
	"time"
)

// How long a container's trouble may last before its pod counts as failed
// (spec 2.9). Errors of configuration get a moment, since a kubelet may learn
// of a ConfigMap later than of the pod that reads it; a first failed pull may
// be the registry's hiccup and turns into ImagePullBackOff when it is not.
const (
	configGrace = 10 * time.Second
	crashGrace  = 120 * time.Second
)

// restartWindow is how long a restart counts.
const restartWindow = 24 * time.Hour

// Pod is what became of one pod.
type Pod struct {
	Name    string
	Status  Status
	Message string // one sentence without values; empty when there is nothing to say
	Reason  string // "CrashLoopBackOff", "OOMKilled", …; empty: none
	// Restarts of its containers, 0 when the last is over 24 hours ago.
	Restarts int64
}

// Pods judges the pods of one workload at the time now, in the order of their
// names. Since is when the rollout began: older pods belong to what ran before,
// so they are told of but cannot fail it; zero judges all alike. Pods that are
// being deleted and those that completed are left out.
func Pods(items []map[string]any, since, now time.Time) []Pod {
	out := []Pod{}
	for _, body := range items {
		if when(body, "metadata", "deletionTimestamp").IsZero() && text(body, "status", "phase") != "Succeeded" {
			out = append(out, judge(body, since, now))
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Merge gives a workload's item the worst that its pods have to say: a failed
// pod fails a workload that is not current, and the message names the reason.
func Merge(item Item, pods []Pod) Item {
	if item.Status != InProgress && item.Status != Failed {
		return item
	}
	for _, worst := range []Status{Failed, InProgress} {
		for _, p := range pods {
			if p.Status == worst && p.Message != "" {
				if worst == Failed {
					item.Status = Failed
				}
				item.Message += ": " + p.Message
				return item
			}
		}
	}
	return item
}

func judge(body map[string]any, since, now time.Time) Pod {
	created := when(body, "metadata", "creationTimestamp")
	p := Pod{Name: text(body, "metadata", "name"), Status: Current}
	old := !since.IsZero() && created.Before(since.Truncate(time.Second)) // the API server's times are whole seconds
	if text(body, "status", "phase") == "Failed" {
		p.Status, p.Reason = Failed, oneWord(text(body, "status", "reason"))
		p.Message = "pod " + p.Name + " failed"
		if p.Reason != "" {
			p.Message += " (" + p.Reason + ")"
		}
	}
	if text(body, "status", "phase") == "Pending" {
		p.Status = InProgress
		if c := conditionOf(body, "PodScheduled"); c["status"] == "False" && c["reason"] == "Unschedulable" {
			p.Reason, p.Message = "Unschedulable", "no node has room for pod "+p.Name
		}
	} else if c := conditionOf(body, "Ready"); p.Status == Current && c["status"] != "True" {
		p.Status = InProgress
	}
	var restarted time.Time
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, c := range list(body, "status", field) {
			container, _ := c.(map[string]any)
			n, _ := integer(container, "restartCount")
			ended := when(container, "lastState", "terminated", "finishedAt")
			if ended.After(restarted) {
				restarted = ended
			}
			p.Restarts += n
			p.container(container, created, now)
		}
	}
	if !restarted.IsZero() && now.Sub(restarted) > restartWindow {
		p.Restarts = 0
	}
	if old && p.Status == Failed {
		p.Status = InProgress
	}
	return p
}

// container adds what one container has to say. The first that failed wins.
func (p *Pod) container(c map[string]any, created, now time.Time) {
	name := text(c, "name")
	last := nested(c, "lastState", "terminated")
	if p.Reason == "" && text(last, "reason") == "OOMKilled" && now.Sub(when(last, "finishedAt")) <= restartWindow {
		p.Reason = "OOMKilled"
	}
	waiting := nested(c, "state", "waiting")
	reason := text(waiting, "reason")
	age := now.Sub(created)
	failed, detail := false, ""
	switch reason {
	case "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull":
		failed, detail = true, text(c, "image")
	case "ErrImagePull":
		failed, detail = age >= crashGrace, text(c, "image")
	case "CreateContainerConfigError", "CreateContainerError":
		failed, detail = age >= configGrace, harmless(text(waiting, "message"))
	case "CrashLoopBackOff", "RunContainerError":
		failed, detail = age >= crashGrace, ending(c, last)
	default:
		return
	}
	if p.Status == Failed && p.Message != "" {
		return
	}
	p.Status, p.Reason = InProgress, reason
	if failed {
		p.Status = Failed
	}
	if text(last, "reason") == "OOMKilled" && reason == "CrashLoopBackOff" {
		detail += ", out of memory"
	}
	p.Message = fmt.Sprintf("container %s: %s", name, reason)
	if detail != "" {
		p.Message += " (" + detail + ")"
	}
}

// ending says how a crashing container ended and how often.
func ending(c, last map[string]any) string {
	restarts, _ := integer(c, "restartCount")
	s := fmt.Sprintf("%d restarts", restarts)
	if restarts == 1 {
		s = "1 restart"
	}
	if code, ok := integer(last, "exitCode"); ok {
		s = fmt.Sprintf("exit code %d, %s", code, s)
	}
	return s
}

// missing are the messages of a kubelet that name what is missing, and nothing else.
// It is large, and most programs that link it never ask.
var missing = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(?:secret|configmap) "[^"]{1,253}" not found$` +
		`|couldn't find key \S{1,253} in (?:Secret|ConfigMap) \S{1,320}$` +
		`|container has runAsNonRoot and image will run as root)`)
})

// harmless passes the messages of missing, and drops others: they may repeat a
// command line or a value.
func harmless(message string) string { return missing().FindString(message) }
