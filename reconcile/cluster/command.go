package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// again is how often a Job that is waited for is read although the watch says
// nothing of it.
const again = 5 * time.Second

// awaits holds the writing until the Jobs that an earlier pass began, and that
// this one replaces or prunes, have ended; how is no matter.
func (w *writing) awaits(ctx context.Context) error {
	var g errgroup.Group
	some := false
	for _, change := range w.p.Changes {
		if !change.Await {
			continue
		}
		some = true
		version := change.Version
		if change.Object != nil {
			version = change.Object.Version
		}
		g.Go(func() error {
			_, err := w.ended(ctx, change.ID, version, change.Deadline)
			return err
		})
	}
	if err := g.Wait(); err != nil || !some {
		return err
	}
	return context.Cause(ctx)
}

// commands waits until the Jobs of a group that was just applied have succeeded.
// A newer revision waits with it, and takes over when they have.
func (w *writing) commands(ctx context.Context, group []plan.Change) error {
	var g errgroup.Group
	errs := make([]error, len(group))
	some := false
	for i, change := range group {
		if !change.Object.Command || !writes(change) {
			continue
		}
		some = true
		g.Go(func() error {
			errs[i] = w.command(ctx, change)
			return nil
		})
	}
	_ = g.Wait() // every error is in errs
	if err := errors.Join(errs...); err != nil || !some {
		return err
	}
	return context.Cause(ctx)
}

// command waits for one Job, and notes how it ended.
func (w *writing) command(ctx context.Context, change plan.Change) error {
	o := change.Object
	why, err := w.ended(ctx, o.ID, o.Version, plan.CommandDeadline(o.Body))
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[o.ID] = why == ""
	failed := &plan.CommandError{ID: o.ID, Why: why, Early: o.Stage < render.StageWorkload}
	switch {
	case why == "":
		return nil
	case o.Tolerate:
		w.notes = append(w.notes, failed.Error()+"; tolerated")
		return nil
	}
	return failed
}

// ended waits until a Job has ended, and says why it did not succeed; empty: it
// did. The error is about the wait: a newer revision does not end it, the end of
// the daemon does.
func (w *writing) ended(ctx context.Context, id render.ID, version string, limit time.Duration) (why string, err error) {
	r, err := w.resource(w.p.Target, id, version)
	if err != nil {
		return "", err
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), plan.ErrSuperseded) {
			cancel()
		}
	})
	defer stop()
	tick := time.NewTicker(again)
	defer tick.Stop()
	look := true
	for {
		w.Cluster.mu.Lock()
		changed, o := w.app(w.p.Target).changed, w.Cluster.objects[id]
		look = look || o == nil || o.now.gone || o.now.status != health.InProgress
		w.Cluster.mu.Unlock()
		if look {
			why, done, err := w.outcome(wait, r, id)
			if done || err != nil && wait.Err() == nil {
				return why, err
			}
		}
		look = false
		select {
		case <-changed:
		case <-tick.C:
			look = true
		case <-wait.Done():
			if ctx.Err() != nil && !errors.Is(context.Cause(ctx), plan.ErrSuperseded) {
				return "", context.Cause(ctx)
			}
			return fmt.Sprintf("it has not ended within %s", limit), nil
		}
	}
}

// outcome reads a Job once.
func (w *writing) outcome(ctx context.Context, r resource, id render.ID) (why string, done bool, err error) {
	request, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := w.api.objects(r, id.Namespace).Get(request, id.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "it was deleted before it was seen to end", true, nil
	case err != nil:
		return "", false, wrap("read", id, err)
	}
	switch item := health.Of(u.Object); item.Status {
	case health.Current:
		return "", true, nil
	case health.Failed:
		return w.failure(ctx, id, u), true, nil
	case health.Terminating:
		return "it is being deleted", true, nil
	}
	return "", false, nil
}

// failure says how the last pod of a failed Job ended, else what the Job itself
// says. What the container printed stays where it is: it may hold anything.
func (w *writing) failure(ctx context.Context, id render.ID, job *unstructured.Unstructured) string {
	why := "it failed"
	conditions, _, _ := unstructured.NestedSlice(job.Object, "status", "conditions")
	for _, each := range conditions {
		condition, _ := each.(map[string]any)
		if reason, _ := condition["reason"].(string); condition["type"] == "Failed" && reason != "" {
			why = reason
		}
	}
	pods, err := w.podsOf(ctx, w.api, &render.Object{ID: id})
	if err != nil {
		w.log.Debug("pods are not known", "app", w.p.Target.App, "object", id.String(), "err", err)
		return why
	}
	if ending := health.Ending(pods); ending != "" {
		why += ": " + ending
	}
	return why
}
