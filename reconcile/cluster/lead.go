package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// Times of the Lease. A renewal is a request, and client-go's usual one every
// 2 s would be the better part of all that a quiet daemon asks for.
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
func (c *Cluster) Lead(ctx context.Context, namespace, name string, run func(ctx context.Context) error) error {
	// Its requests must not wait behind others for a connection that hangs.
	api, err := coordination.NewForConfigAndClient(c.api.config, &http.Client{Transport: c.api.ownHTTP.Transport, Timeout: renewDeadline / 2})
	if err != nil {
		return err
	}
	// The elector stops renewing when its context ends, so it must outlive run:
	// between run's end and the release nobody else may lead.
	electing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	leading, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	elected := make(chan struct{})
	lease := &lease{
		LeaseLock: resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: name},
			Client:     api,
			LockConfig: resourcelock.ResourceLockConfig{Identity: c.o.Holder},
		},
		seen: func(holder string) {
			select {
			case <-elected:
				if holder != "" && holder != c.o.Holder {
					lose(ErrLeaseLost)
				}
			default:
			}
		},
	}
	c.api.lease.Store(lease)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          lease,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true, Name: name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(elected) },
			OnStoppedLeading: func() { lose(ErrLeaseLost) },
		},
	})
	if err != nil {
		return fmt.Errorf("lead %s/%s: %w", namespace, name, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		elector.Run(klog.NewContext(electing, logr.FromSlogHandler(c.log.Handler())))
	}()
	defer func() {
		stop()
		<-ended
	}()
	select {
	case <-elected:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c.log.Info("leading", "object", "Lease/"+namespace+"/"+name)
	return run(leading)
}
