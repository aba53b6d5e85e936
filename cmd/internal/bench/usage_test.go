package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAuditIsCountedByUserAndTime(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	event := func(user, verb, resource, query string, after time.Duration) string {
		return fmt.Sprintf(`{"verb":%q,"requestURI":"/api%s","user":{"username":%q},"objectRef":{"resource":%q},"requestReceivedTimestamp":%q}`,
			verb, query, user, resource, noon.Add(after).Format(time.RFC3339Nano))
	}
	log := strings.Join([]string{
		event("rondo", "get", "configmaps", "", -time.Second),
		event("rondo", "get", "configmaps", "", time.Second),
		event("rondo", "patch", "configmaps", "", time.Second),
		event("rondo", "patch", "configmaps", "?dryRun=All", time.Second),
		event("rondo", "update", "leases", "", time.Second),
		event("rondo", "patch", "configmaps", "", 3*time.Second),
		event("flux", "patch", "configmaps", "", time.Second),
		event("admin", "delete", "configmaps", "", time.Second),
		`{"verb":"unfinished`,
	}, "\n")
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	for users, want := range map[string]string{
		"rondo":      "4 requests, 1 writes, 2 patch configmaps, 1 get configmaps, 1 update leases",
		"rondo,flux": "5 requests, 2 writes, 3 patch configmaps, 1 get configmaps, 1 update leases",
		"nobody":     "0 requests, 0 writes, ",
	} {
		n, err := countAudit(path, strings.Split(users, ","), noon, noon.Add(2*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d requests, %d writes, %s", n.all, n.writes, n.most()); got != want {
			t.Errorf("%s: %s; want %s", users, got, want)
		}
	}
}
