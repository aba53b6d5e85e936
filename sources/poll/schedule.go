package poll

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Bounds of "@every".
const (
	minEvery = 10 * time.Second
	maxEvery = 7 * 24 * time.Hour
)

// ParseSchedule reads "@every 5m", "@hourly", "@daily" and the like, or five fields of cron, in UTC. Not more often than
// every ten seconds, and at least once in five years.
func ParseSchedule(spec string) (cron.Schedule, error) {
	bad := func(why string) (cron.Schedule, error) {
		return nil, fmt.Errorf("schedule %.60q %s; write \"@every 5m\" or five fields like \"*/5 * * * *\"", spec, why)
	}
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		d, err := time.ParseDuration(every)
		switch {
		case err != nil:
			return bad("has no duration")
		case d < minEvery:
			return bad("is more often than every " + minEvery.String())
		case d > maxEvery:
			return bad("is rarer than once a week")
		}
		return cron.Every(d), nil
	}
	if strings.Contains(spec, "=") || len(spec) > 200 {
		return bad("names a time zone, or is too long")
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return bad("cannot be read")
	}
	// Fields count minutes, so only their being never due is left to check.
	if s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return bad("is never due")
	}
	return s, nil
}

// parseAll reads the schedules of several watches; the error names each that is wrong.
func parseAll(watches []Watch) (map[Watch]cron.Schedule, error) {
	all := map[Watch]cron.Schedule{}
	var errs []error
	for _, w := range watches {
		if w.Schedule == "" {
			continue
		}
		s, err := ParseSchedule(w.Schedule)
		if err != nil {
			errs = append(errs, fmt.Errorf("poll %s of %s: %w", w.Ref, w.Repo, err))
			continue
		}
		all[w] = s
	}
	return all, errors.Join(errs...)
}
