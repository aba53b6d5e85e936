// Package github holds rondo's credentials for GitHub: those of a GitHub App,
// or one token from a file.
//
// [Credentials] lends a go-github client that acts on one repository, and gives
// the user name and password with which git fetches it. With an App the
// installation is looked up once per owner; its tokens last an hour and are
// renewed in time. A call that GitHub answers with 401 makes the next one start
// over: a rotated private key, a reinstalled App and a revoked token need no
// restart.
//
// Nothing secret leaves the package but in the Authorization header of a
// request to the API's own host: a redirect to another host gets none, and
// errors never carry a token, a key or the text of a response (threats T15, T25).
//
// # Decisions
//
// A token file is read at every use: it is a hundred bytes, and a watcher would
// be more code than the read.
//
// Each installation has an apps transport of its own, because ghinstallation
// v2.10 writes to it, without a lock, whenever it renews a token (threats T29).
//
// The lent clients have no timeout: go-github v60 leaves the bodies of error
// answers open, and each would keep the timer's goroutine until it fires.
//
// A repository of another host gets no credentials and no error from
// [Credentials.GitCredentials]: public repositories of other forges are fetched like that.
package github
