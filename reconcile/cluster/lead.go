package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"k8s.io/client-go/dynamic"
)

// Times of the Lease, in the proportions of client-go's leader election. A
// renewal is a request, and its usual one every 2 s would be the better part of
// all that a quiet daemon asks for.
const (
	leaseDuration = 20 * time.Second
	renewDeadline = 15 * time.Second
	retryPeriod   = 5 * time.Second
)

// ErrLeaseLost is the cause that ends the context of a former leader.
var ErrLeaseLost = errors.New("the Lease was lost")

// Lead waits until this process holds the Lease, then calls run and returns its
// error. Losing the Lease ends run's context with ErrLeaseLost; the Lease is
// given back when run has returned. It is held by rondo's own identity.
//
// It takes part in the protocol of client-go's leader election, so that kubectl
// and other programs read its Lease as usual, and looks at it with the eyes of
// the one who must not write without it: see [lease].
func (c *Cluster) Lead(ctx context.Context, namespace, name string, run func(ctx context.Context) error) error {
	// Its requests must not wait behind others for a connection that hangs.
	api, err := dynamic.NewForConfigAndClient(c.api.config, &http.Client{Transport: c.api.ownHTTP.Transport, Timeout: renewDeadline / 2})
	if err != nil {
		return fmt.Errorf("lead %s/%s: %w", namespace, name, err)
	}
	l := &lease{api: api.Resource(leases).Namespace(namespace), name: name, holder: c.o.Holder}
	log := c.log.With("object", "Lease/"+namespace+"/"+name)
	c.api.lease.Store(l)
	for known := ""; ; {
		err := l.take(ctx, false)
		if err == nil {
			break
		}
		if !errors.Is(err, errHeld) {
			log.Warn("take the Lease", "err", err)
		} else if holder := l.seen.holder(); holder != known {
			log.Info("waiting, another leads", "holder", holder)
			known = holder
		}
		// Those who wait must not all ask at once.
		if err := pause(ctx, retryPeriod+rand.N(retryPeriod/5)); err != nil {
			return err
		}
	}
	log.Info("leading")

	leading, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	// Renewing must outlive run: between run's end and the release nobody else may lead.
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for renewed := time.Now(); pause(renewing, retryPeriod) == nil; {
			began := time.Now()
			request, cancel := context.WithDeadline(renewing, renewed.Add(renewDeadline))
			err := l.take(request, true)
			cancel()
			switch {
			case err == nil:
				renewed = began
			case renewing.Err() != nil:
			case errors.Is(err, errHeld), time.Since(renewed) >= renewDeadline:
				log.Error("the Lease is lost", "err", err)
				lose(ErrLeaseLost)
				return
			default:
				log.Warn("renew the Lease", "err", err)
			}
		}
	}()
	defer func() {
		stop()
		<-ended
		if err := l.giveBack(); err != nil {
			log.Warn("give the Lease back; the next leader waits until it runs out", "err", err)
		}
	}()
	return run(leading)
}

// pause waits that long, or returns why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
