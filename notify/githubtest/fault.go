package githubtest

import (
	"net/http"
	"strconv"
	"time"
)

// Fault makes the Server answer a call other than it should.
type Fault struct {
	// Match selects the calls; nil: all that change or read statuses.
	Match func(*http.Request) bool
	Times int // how many calls it hits; 0: one
	// Status is answered instead of carrying out the call; 0: see Drop and Hang.
	Status int
	Header http.Header
	Body   string // JSON
	// Drop carries out the call and then closes the connection without an
	// answer: a lost receipt.
	Drop bool
	// Hang gives no answer until the client goes away. The call is not carried out.
	Hang bool
}

// RateLimit is what GitHub answers when the hour's budget is spent
// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
func RateLimit(reset time.Time) Fault {
	return Fault{Status: http.StatusForbidden, Header: http.Header{
		"X-Ratelimit-Limit":     {"5000"},
		"X-Ratelimit-Remaining": {"0"},
		"X-Ratelimit-Reset":     {strconv.FormatInt(reset.Unix(), 10)},
	}, Body: `{"message":"API rate limit exceeded for installation ID 1.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"}`}
}

// SecondaryLimit is what GitHub answers to too many calls that create content.
func SecondaryLimit(retryAfter time.Duration) Fault {
	return Fault{Status: http.StatusForbidden, Header: http.Header{
		"X-Ratelimit-Remaining": {"4321"},
		"Retry-After":           {strconv.Itoa(int(retryAfter.Seconds()))},
	}, Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`}
}

// Inject adds a fault. Faults are tried in the order they were added.
func (s *Server) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// fault takes the fault that hits this call, if any.
func (s *Server) fault(r *http.Request) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times > 0 && (f.Match == nil && isStatusCall(r) || f.Match != nil && f.Match(r)) {
			f.Times--
			return *f, true
		}
	}
	return Fault{}, false
}
