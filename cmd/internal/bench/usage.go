package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"rondo.dev/rondo/reconcile/kubetest"
)

// usage is what processes have used so far.
type usage struct {
	cpu       time.Duration
	rss, peak int64 // bytes
}

// clockTick is the unit of /proc/<pid>/stat: USER_HZ, 100 a second on Linux.
const clockTick = 10 * time.Millisecond

// usageOf is the sum over some processes.
func usageOf(pids ...int) (usage, error) {
	var all usage
	for _, pid := range pids {
		u, err := usageOfOne(pid)
		if err != nil {
			return all, err
		}
		all.cpu, all.rss, all.peak = all.cpu+u.cpu, all.rss+u.rss, all.peak+u.peak
	}
	return all, nil
}

func usageOfOne(pid int) (usage, error) {
	var u usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// Fields 14 and 15, counted after the command's closing parenthesis.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(n) * clockTick
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		var kb int64
		switch {
		case strings.HasPrefix(line, "VmRSS:"):
			_, err = fmt.Sscanf(line, "VmRSS: %d kB", &kb)
			u.rss = kb << 10
		case strings.HasPrefix(line, "VmHWM:"):
			_, err = fmt.Sscanf(line, "VmHWM: %d kB", &kb)
			u.peak = kb << 10
		}
		if err != nil {
			return u, err
		}
	}
	return u, nil
}

// requests are what users asked of the API server, as that saw it.
type requests struct {
	all, writes int
	by          map[string]int // "verb resource"
}

// most are the three commonest requests, for whoever has to find out why.
func (r requests) most() string {
	names := slices.SortedFunc(maps.Keys(r.by), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.by[b], r.by[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, name := range names[:min(3, len(names))] {
		parts = append(parts, fmt.Sprintf("%d %s", r.by[name], name))
	}
	return strings.Join(parts, ", ")
}

// countAudit counts the requests of users between two times, also those in
// another's name. A watch counts when it ends, like any other request.
func countAudit(path string, users []string, from, to time.Time) (requests, error) {
	n := requests{by: map[string]int{}}
	f, err := os.Open(path)
	if err != nil {
		return n, err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return n, nil // an unfinished line is still being written
		}
		if err != nil {
			return n, err
		}
		var e kubetest.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return n, err
		}
		if !slices.Contains(users, e.User.Username) || e.Received.Before(from) || e.Received.After(to) {
			continue
		}
		n.all++
		n.by[e.Verb+" "+e.ObjectRef.Resource]++
		switch e.Verb {
		case "create", "update", "patch", "delete":
			if e.ObjectRef.Resource != "leases" && !strings.Contains(e.RequestURI, "dryRun=All") {
				n.writes++
			}
		}
	}
}
