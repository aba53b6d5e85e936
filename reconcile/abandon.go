package reconcile

import "context"

// Abandon ends what a pass of an application that left the configuration has
// left open: a deployment that was to be retried or resumed, or that a crash
// cut short. Its commit is told, so that nothing of it stays pending for ever.
// It does nothing for a pass that came to an end.
func (r *Reconciler) Abandon(ctx context.Context, pass Result) error {
	switch pass.Condition {
	case Running, Retrying, Paused:
	default:
		return nil
	}
	state, err := r.Journal.State(ctx, pass.App.Name)
	if err != nil {
		return err
	}
	pass.Condition = Errored
	pass.Failure = &Failure{Kind: KindTransient, Text: "not deployed: " + pass.App.Name + " is no longer in rondo.yaml"}
	pass.Ended = r.Now().UTC()
	if pass.Trigger == TriggerRemove {
		pass.Failure.Text = "the daemon stopped; the next pass carries on"
	}
	if state.Pass == pass.Pass {
		state.Condition, state.Sentence, state.Changed = pass.Condition, pass.Failure.Text, pass.Ended
	}
	return r.Journal.Record(ctx, pass, state, r.Messages(pass))
}
