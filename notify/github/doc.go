// Package github posts commit statuses to GitHub.
//
// [Channel] carries messages of the kind notify.KindStatus with the client that
// sources/github lends. It turns GitHub's refusals into the words of notify:
// rate limits into a notify.WaitError with GitHub's own time, a commit that does
// not exist and the limit of 1000 statuses per commit and context into a
// notify.RefusedError, and a refused credential into sources.ErrAuth.
//
// # Decisions
//
// Of GitHub's answer the code and at most 100 characters of its message reach
// an error, never addresses or headers.
package github
