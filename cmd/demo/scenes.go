package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
)

// firstPush deploys the shop.
func (st *stage) firstPush(ctx context.Context, s *screen) error {
	s.scene(1, "a first commit is pushed")
	commit, err := st.push(ctx, "the shop opens")
	if err != nil {
		return err
	}
	detail, err := st.settled(ctx, commit, reconcile.Live)
	if err != nil {
		return err
	}
	s.say("live after %s; the stages took %s", took(detail.Newest), stages(detail.Newest))
	s.say("what was applied, and its health:")
	s.block(plan.Text(*detail.Newest.Plan, s.colour))
	for _, item := range detail.Report.Items {
		s.block(fmt.Sprintf("%-9s %s %s", item.Status, item.ID, item.Message))
	}
	s.say("StackScore %s:", detail.Graded.Overall)
	s.block(score.Text(*detail.Graded))
	return nil
}

// oneLine changes one line, which is one write.
func (st *stage) oneLine(ctx context.Context, s *screen) error {
	s.scene(2, "one line is changed and pushed")
	if err := st.edit("shop/worker:1.0.0", "shop/worker:1.0.1"); err != nil {
		return err
	}
	commit, err := st.push(ctx, "worker 1.0.1")
	if err != nil {
		return err
	}
	detail, err := st.settled(ctx, commit, reconcile.Live)
	if err != nil {
		return err
	}
	if n := detail.Newest.Outcome.Writes; n != 1 {
		return fmt.Errorf("%d objects were written instead of one", n)
	}
	s.say("live after %s; one object was written:", took(detail.Newest))
	s.block(plan.Text(*detail.Newest.Plan, s.colour))
	return nil
}

// brokenManifest pushes rubbish; what runs keeps running.
func (st *stage) brokenManifest(ctx context.Context, s *screen) error {
	s.scene(3, "the manifest is broken and pushed")
	if err := st.edit("    requires: [storefront]", "    requires: [shopfront]"); err != nil {
		return err
	}
	commit, err := st.push(ctx, "a typing error")
	if err != nil {
		return err
	}
	detail, err := st.settled(ctx, commit, reconcile.Invalid)
	if err != nil {
		return err
	}
	live, err := st.kube.AppsV1().Deployments(namespace).Get(ctx, "worker", metav1.GetOptions{})
	if err != nil {
		return err
	}
	s.say("red: %s", detail.Sentence)
	s.say("the cluster stays at %s: worker runs %s, %d of %d pods available", detail.Applied[:20]+"…",
		live.Spec.Template.Spec.Containers[0].Image, live.Status.AvailableReplicas, *live.Spec.Replicas)
	return st.edit("    requires: [shopfront]", "    requires: [storefront]")
}

// handEdit changes a live object; it is put back, and the report names who did it.
func (st *stage) handEdit(ctx context.Context, s *screen) error {
	s.scene(4, "a live object is edited by hand")
	before, err := st.world.API().App(ctx, appName)
	if err != nil {
		return err
	}
	patch := `{"spec":{"template":{"spec":{"containers":[{"name":"worker","image":"registry.example.org/shop/worker:hotfix"}]}}}}`
	if _, err := st.kube.AppsV1().Deployments(namespace).Patch(ctx, "worker", types.StrategicMergePatchType, []byte(patch),
		metav1.PatchOptions{FieldManager: "kubectl-set"}); err != nil {
		return err
	}
	edited := time.Now()
	s.say("kubectl set image deployment/worker worker=…:hotfix")
	if err := poll(ctx, func() (bool, error) {
		live, err := st.kube.AppsV1().Deployments(namespace).Get(ctx, "worker", metav1.GetOptions{})
		return err == nil && strings.HasSuffix(live.Spec.Template.Spec.Containers[0].Image, ":1.0.1"), err
	}); err != nil {
		return err
	}
	s.say("put back after %s; the report says:", time.Since(edited).Round(time.Millisecond))
	var detail client.Detail
	if err := poll(ctx, func() (ok bool, err error) {
		detail, err = st.world.API().App(ctx, appName)
		return err == nil && detail.Newest != nil && detail.Newest.Pass > before.Newest.Pass && !detail.Newest.Ended.IsZero(), err
	}); err != nil {
		return err
	}
	s.block(plan.Text(*detail.Newest.Plan, s.colour))
	return nil
}

// invite says how to go on by hand.
func (st *stage) invite(s *screen) {
	s.say("it stays up until Ctrl-C. Try it yourself:")
	lines := []string{
		"git clone " + st.repo.URL() + " my-shop && cd my-shop",
		"# edit manifest.yml, then: git commit -am 'my change' && git push",
		"RONDO_SERVER=" + st.world.URL() + " RONDO_TOKEN_FILE=" + st.dir + "/operator go run ./cmd/rondo status shop",
	}
	if st.cp != nil {
		lines = append(lines, "kubectl --kubeconfig "+st.cp.Kubeconfig()+" -n "+namespace+" get all")
	}
	s.block(strings.Join(lines, "\n"))
}

// settled waits for the pass of a commit to end, and for its statuses to arrive.
func (st *stage) settled(ctx context.Context, commit string, want reconcile.Condition) (client.Detail, error) {
	var detail client.Detail
	err := poll(ctx, func() (ok bool, err error) {
		detail, err = st.world.API().App(ctx, appName)
		if err != nil || detail.Newest == nil || detail.Newest.Revision.Hash != commit || detail.Newest.Ended.IsZero() {
			return false, nil
		}
		if detail.Newest.Condition != want {
			return false, fmt.Errorf("pass %d ended as %s: %s", detail.Newest.Pass, detail.Newest.Condition, detail.Sentence)
		}
		status, posted := st.world.StatusOf(commit, "deploy")
		return posted && status.State != "pending", nil
	})
	return detail, err
}

// poll asks every 10 ms until ok, an error, or a minute has passed.
func poll(ctx context.Context, ask func() (ok bool, err error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("nothing happened for a minute"))
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := ask()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func took(r *reconcile.Result) time.Duration {
	return r.Ended.Sub(r.Started).Round(time.Millisecond)
}

func stages(r *reconcile.Result) string {
	var parts []string
	for _, stage := range r.Stages {
		parts = append(parts, fmt.Sprintf("%s %.1f ms", stage.Name, float64(stage.Took.Microseconds())/1000))
	}
	return strings.Join(parts, ", ")
}
