package main

import (
	"strings"
	"testing"
	"time"
)

func TestBesideTellsRatioAndBars(t *testing.T) {
	for name, tc := range map[string]struct {
		rondo, peer  float64
		l            limits
		want         string
		bars, missed int
	}{
		"a ratio without a bar":      {rondo: 1, peer: 4, want: "1/4.0"},
		"rondo may be the worse":     {rondo: 6, peer: 3, want: "2.0×"},
		"nothing has no ratio":       {rondo: 0, peer: 3, want: "–"},
		"exactly the share is in it": {rondo: 1, peer: 3, l: limits{share: 3}, want: "1/3.0   bar 1/3: ok", bars: 1},
		"more than the share":        {rondo: 1.01, peer: 3, l: limits{share: 3}, want: "1/3.0   bar 1/3: MISSED", bars: 1, missed: 1},
		"a share of nothing":         {rondo: 1, peer: 0, l: limits{share: 20}, want: "–   bar 1/20: MISSED", bars: 1, missed: 1},
		"both bars are counted":      {rondo: 0.2, peer: 3, l: limits{max: 0.1, share: 3}, want: "1/15.0   bar 0.1 s: MISSED   bar 1/3: ok", bars: 2, missed: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			r := &report{out: &out}
			r.beside("push", tc.rondo, tc.peer, "s", tc.l)
			if !strings.HasSuffix(out.String(), " "+tc.want+"\n") || r.bars != tc.bars || r.missed != tc.missed {
				t.Errorf("%q with %d bars, %d missed; want %q with %d, %d", out.String(), r.bars, r.missed, tc.want, tc.bars, tc.missed)
			}
		})
	}
}

func TestPercentileIsOneOfTheTimes(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(100-i)*time.Second)
	}
	for p, want := range map[int]time.Duration{50: 51 * time.Second, 90: 91 * time.Second, 99: 100 * time.Second} {
		if got := percentile(times, p); got != want {
			t.Errorf("p%d is %s, want %s", p, got, want)
		}
	}
	if got := percentile(times[:1], 99); got != time.Second {
		t.Errorf("p99 of one time is %s, want that", got)
	}
}
