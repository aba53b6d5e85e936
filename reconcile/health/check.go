package health

import "time"

// Check is what an application's public addresses answered after a deployment.
type Check struct {
	Passed   bool     `json:"passed"`
	Sentence string   `json:"sentence"` // names the first address that failed; without queries
	Answers  []Answer `json:"answers"`  // in the order of the addresses
}

// Answer is that of one address.
type Answer struct {
	URL    string        `json:"url"`              // without query
	Region string        `json:"region,omitempty"` // of the remote checker that asked; empty: the daemon itself
	Status int           `json:"status,omitempty"` // 0: none came
	Took   time.Duration `json:"took"`             // of the last try
	Tries  int           `json:"tries"`
	Error  string        `json:"error,omitempty"` // why it failed; empty: it did not
}
