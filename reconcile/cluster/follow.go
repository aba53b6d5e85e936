package cluster

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// meetAgain is when an inventory that could not be read is tried again.
const meetAgain = 15 * time.Second

// Follow replaces the set of applications whose drift is reported. While Run
// runs, the inventories of new ones are read, so that drift of an application
// that nobody pushes to is found after a restart, too. Those that are no longer
// in the set keep everything; they are just not looked at.
func (c *Cluster) Follow(targets []plan.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keep := make(map[string]bool, len(targets))
	for _, t := range targets {
		keep[t.App] = true
		c.app(t).followed = true
	}
	for name, a := range c.apps {
		if !keep[name] {
			a.followed, a.known = false, false // met again when it returns
		}
	}
	c.look()
}

// look wakes meet.
func (c *Cluster) look() {
	select {
	case c.unknown <- struct{}{}:
	default:
	}
}

// meet reads the inventories of applications that are followed and not known.
func (c *Cluster) meet(ctx context.Context) error {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.unknown:
		case <-again.C:
		}
		var g errgroup.Group
		g.SetLimit(parallel)
		for _, t := range c.strangers() {
			g.Go(func() error {
				if err := c.introduce(ctx, t); err != nil && ctx.Err() == nil {
					c.log.Debug("inventory could not be read", "app", t.App, "err", err)
				}
				return nil
			})
		}
		_ = g.Wait() // errors are logged
		if len(c.strangers()) > 0 {
			again.Reset(meetAgain)
		}
	}
}

func (c *Cluster) strangers() (targets []plan.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.apps {
		if a.followed && !a.known && a.busy == 0 { // else its end looks again
			targets = append(targets, a.target)
		}
	}
	return targets
}

// introduce reads one inventory and judges what it names.
func (c *Cluster) introduce(ctx context.Context, t plan.Target) error {
	api, err := c.api.For(t)
	if err != nil {
		return err
	}
	c.mu.Lock()
	applies := c.app(t).applies
	c.mu.Unlock()
	inv, err := c.readInventory(ctx, api, t)
	if err != nil {
		return err
	}
	if _, err := c.watchKinds(ctx, inv.Inventory, render.Bundle{}); err != nil {
		return err
	}
	c.mu.Lock()
	a := c.app(t)
	if a.known || a.applies != applies {
		c.mu.Unlock()
		return nil // a pass was faster, and knows more than what was read before it
	}
	c.learn(a, inv, render.Bundle{})
	drifts := c.assessAll(a)
	paused := a.paused
	c.mu.Unlock()
	for _, e := range inv.Entries {
		if e.Seeded { // what its count may be is in the bundle, which a pass brings
			drifts = append(drifts, plan.Drift{ID: e.ID, Seen: c.o.Now().UTC()})
		}
	}
	if paused {
		c.o.OnPause(t.App, true)
	}
	c.tell(t.App, drifts)
	return nil
}
