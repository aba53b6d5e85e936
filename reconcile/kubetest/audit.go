package kubetest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
)

// Event is one request as the API server's audit log has it.
type Event struct {
	Verb             string    `json:"verb"` // get, list, watch, create, update, patch, delete, deletecollection
	RequestURI       string    `json:"requestURI"`
	UserAgent        string    `json:"userAgent"`
	User             User      `json:"user"`
	ImpersonatedUser *User     `json:"impersonatedUser"` // nil when the user acted in its own name
	ObjectRef        ObjectRef `json:"objectRef"`        // empty for a path that is no object, such as /version
	ResponseStatus   struct {
		Code int `json:"code"` // HTTP status
	} `json:"responseStatus"`
	Received time.Time `json:"requestReceivedTimestamp"`
}

// User is who asked, or in whose name.
type User struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// ObjectRef names what a request was about. Name is empty in lists and creations with a generated name.
type ObjectRef struct {
	Resource    string `json:"resource"` // plural, lower case: "configmaps"
	Subresource string `json:"subresource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	APIGroup    string `json:"apiGroup"`
	APIVersion  string `json:"apiVersion"`
}

// Acting returns the name whose rights the request used.
func (e Event) Acting() string {
	if e.ImpersonatedUser != nil {
		return e.ImpersonatedUser.Username
	}
	return e.User.Username
}

func (e Event) String() string {
	ref := e.ObjectRef
	resource := ref.Resource
	if ref.Subresource != "" {
		resource += "/" + ref.Subresource
	}
	as := ""
	if e.ImpersonatedUser != nil {
		as = " as " + e.ImpersonatedUser.Username
	}
	return fmt.Sprintf("%s%s: %s %s %s/%s: %d", e.User.Username, as, e.Verb, resource, ref.Namespace, ref.Name, e.ResponseStatus.Code)
}

// auditPolicy logs each request twice at most: when a watch starts, and when a request ends.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`

func (cp *ControlPlane) auditFlags() ([]string, error) {
	policy := filepath.Join(cp.Dir, "audit-policy.yaml")
	cp.AuditLog = filepath.Join(cp.Dir, "audit.log")
	return []string{
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + cp.AuditLog,
		"--audit-log-mode=blocking", // an event is in the file before its request is over
		"--audit-log-maxsize=4096",  // MB; no rotation, which would hide events
	}, os.WriteFile(policy, []byte(auditPolicy), 0o600)
}

// Audit returns the events of all requests that ended before the call, and of watches that began, in the order of the
// log. It makes a request of its own and waits for it to appear in the log, which tells that the earlier ones have.
func Audit(t testing.TB, cp *ControlPlane) []Event {
	t.Helper()
	if cp.AuditLog == "" {
		t.Fatal("this control plane has no audit log; start it with Options.AuditLog")
	}
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	marker := "/version?kubetest=" + rand.Text()
	if err := client.Discovery().RESTClient().Get().RequestURI(marker).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	var events []Event
	Eventually(t, func() error {
		log, err := os.ReadFile(cp.AuditLog)
		if err != nil {
			return err
		}
		before, _, found := bytes.Cut(log, []byte(marker))
		if !found {
			return fmt.Errorf("%s is not in the audit log yet", marker)
		}
		// The cut leaves the beginning of the marker's own line.
		before = before[:bytes.LastIndexByte(before, '\n')+1]
		events, err = parseAudit(before)
		return err
	})
	return events
}

func parseAudit(log []byte) ([]Event, error) {
	var events []Event
	for line := range bytes.Lines(log) {
		var event Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("audit log: %w: %s", err, line)
		}
		events = append(events, event)
	}
	return events, nil
}
