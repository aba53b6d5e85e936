package poll_test

import (
	"strings"
	"testing"
	"time"

	"rondo.dev/rondo/sources/poll"
)

func TestT19_SchedulesThatAreRefused(t *testing.T) {
	for _, spec := range []string{
		"", "5", "-1s", "1y", "9e99h", "* * * * * *", "@every", "@every ", "@every 1ns", "@every 9.9s", "@every -5m", "@every 9e99h",
		"@every 200h", "@every 5", "@reboot", "TZ=", "TZ=UTC", "CRON_TZ=", "CRON_TZ=Europe/Berlin 0 0 * * *", "0 0 31 2 *", "60 * * * *",
		"*/0 * * * *", "@", "x * * * *", strings.Repeat("*", 1000), "5-1 * * * *", "0 0 0 0 0", "-1 * * * *",
	} {
		if s, err := poll.ParseSchedule(spec); err == nil {
			t.Errorf("%q is taken as %v", spec, s)
		} else if !strings.Contains(err.Error(), "@every 5m") || len(err.Error()) > 250 {
			t.Errorf("%q: the error does not say what to write: %v", spec, err)
		}
	}
}

func TestSchedulesThatAreTaken(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 2, 30, 0, time.UTC)
	for spec, want := range map[string]time.Time{
		"@every 10s":  at.Add(10 * time.Second),
		"@every 5m":   at.Add(5 * time.Minute),
		"@hourly":     time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC),
		"*/5 * * * *": time.Date(2026, 3, 1, 10, 5, 0, 0, time.UTC),
		"0 3 * * 1":   time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC),
		"0 0 29 2 *":  time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		s, err := poll.ParseSchedule(spec)
		if err != nil {
			t.Errorf("%q: %v", spec, err)
		} else if got := s.Next(at); !got.Equal(want) {
			t.Errorf("%q is due at %s, want %s", spec, got, want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, spec := range []string{"@every 5m", "*/5 * * * *", "TZ=0", "@daily", "0-59/2,3 1 1 JAN mon", "* * * * * *", "@every 9e99h", "? ? ? ? ?"} {
		f.Add(spec)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := poll.ParseSchedule(spec)
		if err != nil {
			return
		}
		a := s.Next(start)
		if b := s.Next(a); b.Sub(a) < 10*time.Second {
			t.Errorf("%q is due at %s and %s", spec, a, b)
		}
	})
}
