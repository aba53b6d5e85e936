// Package poll asks repositories now and then what their refs are, and emits a Signal when one moved.
//
// It is the net under the webhooks: with them it finds nothing new, without them a push is seen within 30 seconds of
// another one and within 15 minutes of a long silence. [Poller.SetRepos] says what to watch, [Poller.Run] watches, and
// [Poller.Seen] tells it of a webhook.
//
// The time until the next look follows from what the last one found. After a change it is Min; with every look that finds
// nothing it grows by half, up to Max. A repository whose webhooks arrive is looked at every Max only, until a look finds
// a change that no webhook announced. A watch with a schedule of its own keeps to that. All times but those of schedules are
// spread by a fifth either way, so that repositories never fall into step, and the first looks over a few seconds.
//
// # Promises
//
// A repository and ref are asked for once, however many applications follow them. A Signal is emitted for the first answer
// and for each that differs from the one before; that a ref is gone, or a repository empty, is an answer. Errors double
// the time to the next look at the whole repository, up to Max, and emit nothing. Ten thousand repositories cost one
// goroutine, and at most four more while their servers are asked.
//
// # Decisions
//
//   - One heap and one loop rather than a goroutine or a cron entry for each repository: 200 bytes instead of some kilobytes.
//   - robfig/cron parses schedules and computes their times; its runner, which has a goroutine and no idea of errors, is not
//     used. What it parses is checked first: it panics on "TZ=" and turns "@every 1ns" into once a second (threats T19).
package poll
