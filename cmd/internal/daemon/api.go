package daemon

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"time"

	"github.com/labstack/echo/v4"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/render"
)

func (d *Daemon) listApps(c echo.Context) error {
	apps, err := d.views(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, apps)
}

func (d *Daemon) showApp(c echo.Context) error {
	ctx, name := c.Request().Context(), c.Param("app")
	// Before the state, so that a pass that is seen to have ended has settled it.
	newest, err := d.ledger.Passes(ctx, name, 5)
	if err != nil {
		return err
	}
	apps, err := d.views(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if app.Name != name {
			continue
		}
		detail := client.Detail{App: app}
		report := d.cluster.Health(name)
		detail.Report = &report
		if len(newest) > 0 {
			detail.Newest = &newest[0]
		}
		for _, pass := range newest { // a check or a heal after the deployment has none
			if detail.Graded = pass.Score; detail.Graded != nil {
				break
			}
		}
		return c.JSON(http.StatusOK, detail)
	}
	return noSuchApp(name)
}

func noSuchApp(name string) error {
	return echo.NewHTTPError(http.StatusNotFound, fmt.Sprintf("there is no application %q; rondo status lists them", name))
}

// views are all applications, configured or in the ledger, by name.
func (d *Daemon) views(ctx context.Context) ([]client.App, error) {
	states, err := d.ledger.States(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]reconcile.State{}
	for _, s := range states {
		known[s.App] = s
	}
	d.mu.Lock()
	config := d.config
	d.mu.Unlock()
	var out []client.App
	for _, app := range config.Apps {
		state := known[app.Name]
		delete(known, app.Name)
		out = append(out, d.view(app, state))
	}
	for name, err := range config.Invalid {
		view := d.view(known[name].Application, known[name])
		delete(known, name)
		view.Name, view.Invalid = name, err.Error()
		out = append(out, view)
	}
	for _, state := range known { // orphans
		state.Application.Name = state.App // empty for one that was paused before its first pass
		out = append(out, d.view(state.Application, state))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func (d *Daemon) view(app reconcile.Application, s reconcile.State) client.App {
	v := client.App{
		Name: app.Name, Repository: app.Repo.URL, Ref: app.Ref, Environment: app.Environment, Namespace: app.Namespace,
		Condition: s.Condition, Sentence: s.Sentence, Score: s.Score, Paused: s.Paused, Orphaned: s.Orphaned,
		Changed: s.Changed, Pass: s.Pass, Trouble: d.reconciler.Trouble(app.Name),
	}
	drifted, annotated := d.cluster.Drifted(v.Name)
	for _, id := range drifted {
		v.Drifted = append(v.Drifted, id.String())
	}
	if annotated && v.Paused == nil {
		v.Paused = &reconcile.Pause{By: "annotation " + render.AnnotationReconcile}
	}
	for group, orphan := range s.Orphans {
		if v.Kept == nil {
			v.Kept = map[string]time.Time{}
		}
		v.Kept[group] = orphan.Since
	}
	if !s.Live.IsZero() {
		v.Live = s.Live.String()
	}
	if !s.Applied.IsZero() {
		v.Applied = s.Applied.String()
		v.Health = d.cluster.Health(app.Name).Sentence
	}
	if !s.Seen.IsZero() {
		v.Seen = s.Seen.String()
	}
	return v
}

// act reads the body of an action and finds its application.
func (d *Daemon) act(c echo.Context) (client.Action, reconcile.State, error) {
	var action client.Action
	if err := c.Bind(&action); err != nil {
		return action, reconcile.State{}, echo.NewHTTPError(http.StatusBadRequest, "the body is no JSON of an action")
	}
	name := c.Param("app")
	state, err := d.ledger.State(c.Request().Context(), name)
	if err != nil {
		return action, state, err
	}
	if state.App == "" {
		for _, app := range d.apps() {
			if app.Name == name {
				state.App, state.Application = name, app
			}
		}
	}
	if state.App == "" {
		return action, state, noSuchApp(name)
	}
	return action, state, nil
}

// audit writes down who did what before it is done.
func (d *Daemon) audit(c echo.Context, what, detail string) error {
	who, _ := c.Get("who").(string)
	return d.ledger.Audit(c.Request().Context(), who, what, c.Param("app"), detail)
}

// leading refuses what only the active daemon can do.
func (d *Daemon) leading() error {
	if !d.active.get() {
		return echo.NewHTTPError(http.StatusServiceUnavailable, "this daemon is standing by; ask again in some seconds")
	}
	return nil
}

func (d *Daemon) syncApp(c echo.Context) error {
	action, state, err := d.act(c)
	if err != nil {
		return err
	}
	if err := d.leading(); err != nil {
		return err
	}
	if state.Orphaned {
		return echo.NewHTTPError(http.StatusConflict, state.App+" is no longer in rondo.yaml; add it again or remove it")
	}
	if state.Paused != nil {
		return echo.NewHTTPError(http.StatusConflict, state.App+" is paused by "+state.Paused.By+"; resume it first")
	}
	if err := d.audit(c, "sync", fmt.Sprintf("allow_prune=%t refresh=%t", action.AllowPrune, action.Refresh)); err != nil {
		return err
	}
	d.queue.WakeByName(state.App, reconcile.Request{
		Trigger: reconcile.TriggerSync, AllowPrune: action.AllowPrune, Refresh: action.Refresh,
	}, nil)
	return c.JSON(http.StatusAccepted, client.Answer{Message: "a pass of " + state.App + " is on its way"})
}

func (d *Daemon) pauseApp(c echo.Context) error {
	_, state, err := d.act(c)
	if err != nil {
		return err
	}
	if err := d.audit(c, "pause", ""); err != nil {
		return err
	}
	who, _ := c.Get("who").(string)
	if err := d.ledger.SetPaused(c.Request().Context(), state.App, &reconcile.Pause{By: who, Since: d.now().UTC()}); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, client.Answer{Message: state.App + " is paused: nothing of it is changed until rondo resume " + state.App})
}

func (d *Daemon) resumeApp(c echo.Context) error {
	_, state, err := d.act(c)
	if err != nil {
		return err
	}
	if err := d.audit(c, "resume", ""); err != nil {
		return err
	}
	if err := d.ledger.SetPaused(c.Request().Context(), state.App, nil); err != nil {
		return err
	}
	d.queue.WakeByName(state.App, reconcile.Request{Trigger: reconcile.TriggerResume}, nil)
	return c.JSON(http.StatusOK, client.Answer{Message: state.App + " is resumed"})
}

// removeApp deletes everything of an application that is no longer followed.
func (d *Daemon) removeApp(c echo.Context) error {
	action, state, err := d.act(c)
	if err != nil {
		return err
	}
	if err := d.leading(); err != nil {
		return err
	}
	switch {
	case !state.Orphaned:
		return echo.NewHTTPError(http.StatusConflict, state.App+" is still in rondo.yaml; take it out first, else it is deployed again")
	case action.Confirm != state.App:
		return echo.NewHTTPError(http.StatusBadRequest, "removal deletes every object of "+state.App+"; confirm it with --confirm "+state.App)
	}
	if err := d.audit(c, "remove", ""); err != nil {
		return err
	}
	state.Application.Name = state.App // empty for one that was paused and gone before its first pass
	d.queue.Wake(reconcile.Request{App: state.Application, Trigger: reconcile.TriggerRemove}, nil)
	return c.JSON(http.StatusAccepted, client.Answer{Message: "everything of " + state.App + " is being removed"})
}
