// Package daemon builds rondo out of its parts and runs it.
//
// [New] is one straight line from a checked configuration to a [Daemon]; it
// undoes its own work on error. [Daemon.Run] owns every goroutine and returns
// when the last has ended.
//
// Two listeners are kept apart (threats T27). The public one has the webhook
// and the API; without a token it answers nothing else. The internal one has
// metrics and health and is for the cluster only.
//
// Any number of daemons may run; one is active, under a Lease. A webhook is
// taken by whichever daemon it reaches and committed to the ledger before it is
// answered; only the active one works, and adopts within seconds what the others
// took. What was not handled when a daemon died is found again at the next start.
//
// # Decisions
//
// The parts that write to the cluster are started inside the Lease and stopped
// with it, instead of each asking "am I still the leader?".
package daemon
