// Package gittest is a real git server over http on 127.0.0.1, for tests and the demo.
//
// Every request is answered by git's own http-backend, so protocol versions, shallow and incremental fetches, pushes
// and the errors are those that users will meet. A repository is bare and filled without a work tree:
//
//	srv := gittest.New(t)
//	shop := srv.Repo("acme/shop")
//	hash := shop.Commit(map[string]string{"manifest.yml": text})
//	shop.Commit(map[string]string{"old.yml": gittest.Delete}, gittest.On("feature"), gittest.Message("tidy"))
//	… clone shop.URL() …
//
// The server can be made to misbehave: [Server.RequireAuth], [Server.Intercept] for errors, delays and redirects, and
// [Repo.CommitTree] for trees that git itself would refuse to write. [Server.Traffic] says what a client cost.
//
// # Promises
//
// The same calls give the same hashes on every run: authors, committers and dates are fixed. Nothing of the user's git
// configuration is read. Nothing listens beyond 127.0.0.1. Uploads are open to everyone who has the token, if one is
// required; fetching any object by its hash is allowed, as it is on GitHub.
//
// # Decisions
//
//   - git http-backend as a CGI program rather than a server of our own: a few milliseconds more for each request, and no
//     second opinion about the protocol.
//   - Methods without an error for tests, which stop the test; [Server.Create] and [Repo.Write] with one for the demo.
package gittest
