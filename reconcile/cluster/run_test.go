package cluster

import (
	"context"
	"testing"

	"go.uber.org/goleak"
)

func TestRunEndsEverythingItBegan(t *testing.T) {
	f := prepare(t)
	f.c = f.another()
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.c.Run(ctx) }()
	if err := f.c.Bootstrap(t.Context(), f.target); err != nil {
		t.Fatal(err)
	}
	b := f.bundle(configMap("env", "info"), secret("passwords", "x"), deployment("web", "example.org/shop:1"))
	f.pass(b)
	if _, err := f.c.Wait(t.Context(), f.target, b); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	f.c.api.ownHTTP.CloseIdleConnections()
	// Connections are the transport's, and stay until the API server closes them.
	goleak.VerifyNone(t, before,
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreAnyFunction("golang.org/x/net/http2.(*ClientConn).readLoop"),
		goleak.IgnoreAnyFunction("golang.org/x/net/http2.(*clientConnReadLoop).run"),
		goleak.IgnoreAnyFunction("golang.org/x/net/internal/httpcommon"))
	// It can run again, as it does when the Lease comes back.
	ctx, cancel = context.WithCancel(t.Context())
	go func() { ended <- f.c.Run(ctx) }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
