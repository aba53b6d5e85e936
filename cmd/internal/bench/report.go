package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// report prints figures as they come and counts the bars they miss.
type report struct {
	out          io.Writer
	bars, missed int
}

// figure prints a value that has no bar.
func (r *report) figure(name, value string) {
	fmt.Fprintf(r.out, "%-58s %14s\n", name, value)
}

// bar prints a value that must not exceed max.
func (r *report) bar(name string, value, max float64, unit string) {
	r.bars++
	verdict := "ok"
	if value > max {
		r.missed++
		verdict = "MISSED"
	}
	fmt.Fprintf(r.out, "%-58s %14s   bar %g %s: %s\n", name, fmt.Sprintf("%.4g %s", value, unit), max, unit, verdict)
}

// percentiles prints p50, p90 and p99 and returns the first.
func (r *report) percentiles(name string, times []time.Duration) time.Duration {
	if len(times) == 0 {
		r.figure(name, "none")
		return 0
	}
	slices.Sort(times)
	at := func(p float64) time.Duration { return times[min(len(times)-1, int(p*float64(len(times))))] }
	r.figure(name+" p50 p90 p99", fmt.Sprintf("%.1f %.1f %.1f ms", ms(at(.5)), ms(at(.9)), ms(at(.99))))
	return at(.5)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
