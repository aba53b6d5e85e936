package poll_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"rondo.dev/rondo/sources/poll"
)

func TestWhatWasBeingAskedIsAskedAgainAtTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, l := newRemote(), &told{}
		r.answer = time.Minute
		p, err := poll.New(poll.Options{Resolve: r.Resolve, Emit: l.emit})
		if err != nil {
			t.Fatal(err)
		}
		const url = "https://example.org/acme/shop"
		set(t, p, watch(url))
		for run := range 3 { // a daemon may lead several times
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- p.Run(ctx) }()
			pass(30 * time.Second)
			if n := len(r.times(url)); n != 1 {
				t.Errorf("run %d asked %d times, want once", run+1, n)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
