package sources

import "errors"

// Answers of a remote that are no faults of the network. They are wrapped with
// the repository and the ref.
var (
	ErrNoRef    = errors.New("ref does not exist")
	ErrEmpty    = errors.New("repository is empty")
	ErrAuth     = errors.New("access refused") // the operator must act
	ErrNotFound = errors.New("repository not found")
)
