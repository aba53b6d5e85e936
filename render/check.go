package render

import (
	"time"

	"rondo.dev/rondo/sources"
)

// Check is what is asked of an application's public addresses once a deployment
// is healthy (spec 5.1.1). Every field is filled in.
type Check struct {
	Pos      sources.Position `json:"pos"`
	URLs     []string         `json:"urls"`
	Accept   []StatusRange    `json:"accept"` // the final status must be in one of them
	Timeout  time.Duration    `json:"timeout"`
	Cooldown time.Duration    `json:"cooldown"` // between the end of the deployment and the first request
	// MaxRedirects are followed; 0: none, and the redirect itself is judged.
	MaxRedirects       int  `json:"max_redirects"`
	Retries            int  `json:"retries"`
	VerifyCertificates bool `json:"verify_certificates"`
	Rollback           bool `json:"rollback"` // a failure puts back the revision that was live before
}

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct {
	From int `json:"from"`
	To   int `json:"to"`
}
