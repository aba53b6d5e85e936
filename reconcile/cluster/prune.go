package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// prunes deletes what the plan prunes, in reverse order of the stages, and marks
// what it orphans.
func (w *writing) prunes(ctx context.Context) error {
	for stage := render.StageRoute; stage >= render.StageCluster; stage-- {
		var g errgroup.Group
		g.SetLimit(parallel)
		errs := make([]error, len(w.p.Changes))
		for i, change := range w.p.Changes {
			if change.Action != plan.Prune && change.Action != plan.Orphan || render.StageOf(change.ID.Group, change.ID.Kind) != stage {
				continue
			}
			g.Go(func() error {
				if change.Action == plan.Orphan {
					errs[i] = w.orphan(ctx, change)
				} else {
					errs[i] = w.prune(ctx, change)
				}
				w.note(change, errs[i])
				return nil
			})
		}
		_ = g.Wait() // every error is in errs
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) prune(ctx context.Context, change plan.Change) error {
	r, err := w.resource(w.p.Target, change.ID, change.Version)
	if err != nil {
		return err
	}
	return w.remove(ctx, r, change, false)
}

// remove deletes one object, and only that which the plan was computed from. An
// object that is gone, or another one of the same name, is none of ours to delete.
func (w *writing) remove(ctx context.Context, r resource, change plan.Change, andWait bool) error {
	uid := types.UID(change.UID)
	metas := w.api.meta(r, change.ID.Namespace)
	if uid == "" {
		request, cancel := bounded(ctx)
		m, err := metas.Get(request, change.ID.Name, metav1.GetOptions{})
		cancel()
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return wrap("look for", change.ID, err)
		}
		if owner := m.Labels[render.LabelApp]; owner != w.p.Target.App {
			return nil
		}
		uid = m.UID
	}
	request, cancel := bounded(ctx)
	defer cancel()
	w.wrote()
	background := metav1.DeletePropagationBackground
	err := w.api.objects(r, change.ID.Namespace).Delete(request, change.ID.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &background})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return nil
	case err != nil:
		return wrap("delete", change.ID, err)
	case !andWait:
		return nil
	}
	// Nearly always it is gone with the answer; finalizers take longer.
	err = wait.PollUntilContextCancel(request, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		m, err := metas.Get(ctx, change.ID.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && m.UID != uid {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return wrap("delete", change.ID, fmt.Errorf("it does not go away: %w", err))
	}
	return nil
}
