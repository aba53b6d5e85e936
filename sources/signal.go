package sources

// Signal says that something in a repository may have moved. It is a hint to
// look, never data to act on: losing one costs a poll interval, a forged one
// costs a look.
type Signal struct {
	Repo        Repo   `json:"repo"`
	Ref         string `json:"ref,omitempty"`          // short; empty: any ref
	PullRequest int    `json:"pull_request,omitempty"` // 0: none
	Delivery    string `json:"delivery,omitempty"`     // the forge's delivery id; empty from a poll
}

// PullRequest is an open pull request as the forge lists it.
type PullRequest struct {
	Number int
	Head   Revision // Ref "pull/<number>/head"
	Base   string   // short name of the branch it wants to go to
	Fork   bool     // the head lives in another repository
}
