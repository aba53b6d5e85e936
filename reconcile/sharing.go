package reconcile

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"rondo.dev/rondo/render"
)

// sharing knows which applications let others use variables and databases, and
// which use them (spec 2.10 rule 4, 3.4). Only what the loop holds an application
// at is shared: a broken commit changes nothing for others.
type sharing struct {
	mu         sync.Mutex
	apps       map[string]*shares // by name; those that share or read something
	namespaces map[string]string  // see [render.Facts]
}

// shares is what one application shares and reads.
type shares struct {
	environment string
	users       []string      // who may use something of it
	shared      render.Shared // known once somebody asked
	loaded      bool
	reads       []string // see [render.Bundle]
}

// places notes which applications are not in the namespace of their default.
func (s *sharing) places(apps []Application) {
	namespaces := map[string]string{}
	for _, app := range apps {
		if app.Namespace != render.DefaultNamespace(app.Name, app.Environment) {
			namespaces[app.Name+"/"+strings.ToLower(app.Environment)] = app.Namespace
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.namespaces = namespaces
}

// elsewhere is what places noted; nobody changes it.
func (s *sharing) elsewhere() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.namespaces
}

// Sharing hands over what the ledger knows at start. The values are in the
// artifacts, which are not opened before one of them is read.
func (r *Reconciler) Sharing(states []State) {
	r.sharing.mu.Lock()
	defer r.sharing.mu.Unlock()
	r.sharing.apps = map[string]*shares{}
	for _, s := range states {
		if len(s.ShareWith)+len(s.Reads) > 0 {
			r.sharing.apps[s.App] = &shares{environment: s.Application.Environment, users: s.ShareWith, reads: s.Reads}
		}
	}
}

// readable is what others let an application use, as [render.Facts] has it.
func (r *Reconciler) readable(ctx context.Context, app Application) (map[string]render.Readable, error) {
	r.sharing.mu.Lock()
	defer r.sharing.mu.Unlock()
	out := map[string]render.Readable{}
	for name, s := range r.sharing.apps {
		if name == app.Name || !render.Listed(s.users, app.Name, app.Environment) {
			continue
		}
		if !s.loaded {
			if err := r.loadShared(ctx, name, s); err != nil {
				return nil, err
			}
		}
		out[name+"/"+s.environment] = s.shared.For(app.Name, app.Environment)
	}
	return out, nil
}

// withdrawn lists the copies of b that are of what is not shared any more.
func (r *Reconciler) withdrawn(ctx context.Context, app Application, b render.Bundle) (map[render.ID]bool, error) {
	var out map[render.ID]bool
	var readable map[string]render.Readable
	for _, o := range b.Objects {
		if o.Copy == nil {
			continue
		}
		if readable == nil {
			var err error
			if readable, err = r.readable(ctx, app); err != nil {
				return nil, err
			}
			out = map[render.ID]bool{}
		}
		out[o.ID] = true
		for id, theirs := range readable {
			if name, _, _ := strings.Cut(id, "/"); name == o.Copy.App && theirs.Databases[o.Copy.Database].Secret == o.Copy.Secret {
				delete(out, o.ID)
			}
		}
	}
	return out, nil
}

// loadShared reads what an application shares from what it is held at.
func (r *Reconciler) loadShared(ctx context.Context, name string, s *shares) error {
	state, err := r.Journal.State(ctx, name)
	if err != nil {
		return fmt.Errorf("read what %s shares: %w", name, err)
	}
	artifact, ok, err := r.Journal.LoadApplied(ctx, name, state.InputDigest)
	if err != nil {
		return fmt.Errorf("read what %s shares: %w", name, err)
	}
	if s.loaded = true; ok && artifact.Bundle.Shared != nil {
		s.shared = *artifact.Bundle.Shared
	}
	return nil
}

// reads notes which applications one refers to.
func (s *sharing) reads(app Application, uids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(app, func(now *shares) { now.reads = uids })
}

// shares notes what an application shares from now on, and gives those to wake:
// the applications that read it, when that is something else than before.
func (s *sharing) shares(app Application, shared *render.Shared) (readers []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, now := s.put(app, func(now *shares) {
		if now.shared, now.loaded = (render.Shared{}), true; shared != nil {
			now.shared = *shared
		}
		now.users = shared.Users()
	})
	if reflect.DeepEqual(before, now) || len(before.users)+len(now.users) == 0 {
		return nil
	}
	for name, other := range s.apps {
		if name != app.Name && render.Listed(other.reads, app.Name, app.Environment) {
			readers = append(readers, name)
		}
	}
	slices.Sort(readers)
	return readers
}

// put changes what is known of an application, and keeps it where that is
// something. The caller holds mu.
func (s *sharing) put(app Application, change func(*shares)) (before, now shares) {
	if known := s.apps[app.Name]; known != nil {
		before = *known
	}
	now = before
	now.environment = app.Environment
	change(&now)
	if s.apps == nil {
		s.apps = map[string]*shares{}
	}
	if delete(s.apps, app.Name); len(now.users)+len(now.reads) > 0 {
		s.apps[app.Name] = &now
	}
	return before, now
}

// read is a keyed digest of the part of readable that reads refers to; empty:
// there is none. A deployment is out of date when it has another.
func (p *pass) read(reads []string, readable map[string]render.Readable) string {
	used := map[string]render.Readable{}
	for id, values := range readable {
		name, environment, _ := strings.Cut(id, "/")
		if render.Listed(reads, name, environment) {
			used[id] = values
		}
	}
	if len(used) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, p.Key)
	_ = json.NewEncoder(mac).Encode(used) // maps and text cannot fail; their keys come out sorted
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// reads notes what this rendering has read of other applications.
func (p *pass) reads(uids []string, f render.Facts) {
	p.state.Reads, p.state.Read = uids, p.read(uids, f.Applications)
}

// shares notes what the loop holds the application at from now on; others read
// it once that is in the ledger.
func (p *pass) shares(b render.Bundle) {
	p.state.ShareWith, p.shared, p.news = b.Shared.Users(), b.Shared, true
}

// publish lets others read what the ledger has of the application now.
func (p *pass) publish() {
	p.sharing.reads(p.App, p.state.Reads)
	if p.news {
		p.result.Readers = p.sharing.shares(p.App, p.shared)
	}
}

// outdated reports whether what the newest deployment read of other applications
// has changed since. One that was rolled back, or whose command failed, does not
// come back for that.
func (p *pass) outdated(ctx context.Context) (bool, error) {
	s := &p.state
	if len(s.Reads) == 0 || s.Condition == Unhealthy && s.Applied != s.Seen {
		return false, nil
	}
	readable, err := p.readable(ctx, p.App)
	return err == nil && p.read(s.Reads, readable) != s.Read, err
}
