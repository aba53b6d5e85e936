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
	fmt.Fprintf(r.out, "%-58s %14s   bar %g %s: %s\n", name, fmt.Sprintf("%.4g %s", value, unit), max, unit, r.verdict(value <= max))
}

// verdict counts a bar.
func (r *report) verdict(reached bool) string {
	r.bars++
	if reached {
		return "ok"
	}
	r.missed++
	return "MISSED"
}

// limits are the bars of a comparison; 0 is none.
type limits struct {
	max   float64 // of rondo's value
	share float64 // rondo's value is at most one so-manieth of the peer's
}

// beside prints rondo's value, the peer's and the ratio of the two.
func (r *report) beside(name string, rondo, peer float64, unit string, l limits) {
	with := func(value float64) string { return fmt.Sprintf("%.4g %s", value, unit) }
	fmt.Fprintf(r.out, "%-40s %14s %14s %8s", name, with(rondo), with(peer), ratio(rondo, peer))
	if l.max > 0 {
		fmt.Fprintf(r.out, "   bar %s: %s", with(l.max), r.verdict(rondo <= l.max))
	}
	if l.share > 0 {
		fmt.Fprintf(r.out, "   bar 1/%g: %s", l.share, r.verdict(rondo*l.share <= peer))
	}
	fmt.Fprintln(r.out)
}

// ratio is "1/15.0" where a is a fifteenth of b, and "2.0×" where it is twice as much.
func ratio(a, b float64) string {
	switch {
	case a == 0 || b == 0:
		return "–"
	case a <= b:
		return fmt.Sprintf("1/%.1f", b/a)
	default:
		return fmt.Sprintf("%.1f×", a/b)
	}
}

// percentiles prints p50, p90 and p99 and returns the first.
func (r *report) percentiles(name string, times []time.Duration) time.Duration {
	if len(times) == 0 {
		r.figure(name, "none")
		return 0
	}
	r.figure(name+" p50 p90 p99", fmt.Sprintf("%.1f %.1f %.1f ms",
		ms(percentile(times, 50)), ms(percentile(times, 90)), ms(percentile(times, 99))))
	return percentile(times, 50)
}

// percentile sorts times, of which there must be one, and returns that which p
// percent of them do not exceed.
func percentile(times []time.Duration, p int) time.Duration {
	slices.Sort(times)
	return times[min(len(times)-1, p*len(times)/100)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
