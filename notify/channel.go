package notify

import (
	"context"
	"fmt"
	"time"

	"rondo.dev/rondo/reconcile"
)

// Channel carries messages of one kind.
type Channel interface {
	// Send delivers m once and gives what the receiver calls it. A *[WaitError]
	// or *[RefusedError] says what holds on error, as does one that wraps
	// sources.ErrAuth. After any other error m may have arrived.
	Send(ctx context.Context, m reconcile.Message) (receipt string, err error)
	// Shown reports whether what the receiver shows in m's place says the same
	// as m. Its errors are those of Send.
	Shown(ctx context.Context, m reconcile.Message) (receipt string, same bool, err error)
}

// WaitError says that the receiver takes nothing for a while. The message has
// not arrived.
type WaitError struct {
	Until time.Time
	Err   error
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("asked to wait until %s: %v", e.Until.UTC().Format(time.RFC3339), e.Err)
}
func (e *WaitError) Unwrap() error { return e.Err }

// RefusedError says that the receiver does not take the message, and that waiting
// should not change that.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return "refused: " + e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// Outbox is the little that the Sender needs of the ledger. Every method
// commits before it returns. A message that is being attempted keeps newer ones
// of its repository, commit and context back until Sent, Defer or Drop.
type Outbox interface {
	// NextMessages are at most limit messages due at now, the longest due first.
	NextMessages(ctx context.Context, now time.Time, limit int) ([]reconcile.Pending, error)
	// NextDue is when the next message is due; false when none waits.
	NextDue(ctx context.Context) (time.Time, bool, error)
	// Attempt announces that message id is about to be sent. On an error it must
	// not be: a newer one may have taken its place.
	Attempt(ctx context.Context, id int64) error
	Sent(ctx context.Context, id int64, receipt string) error
	Defer(ctx context.Context, id int64, until time.Time, reason string) error
	Drop(ctx context.Context, id int64, reason string) error
	// OutboxReady receives after messages were put in or became free.
	OutboxReady() <-chan struct{}
}
