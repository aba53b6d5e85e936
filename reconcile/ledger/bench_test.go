package ledger

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rondo.dev/rondo/reconcile"
)

// took gathers times and reports their percentiles.
type took struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *took) since(start time.Time) {
	d := time.Since(start)
	s.mu.Lock()
	s.all = append(s.all, d)
	s.mu.Unlock()
}

func (s *took) report(b *testing.B) {
	slices.Sort(s.all)
	for name, p := range map[string]float64{"p50-ms": .5, "p99-ms": .99, "max-ms": 1} {
		b.ReportMetric(s.all[int(p*float64(len(s.all)-1))].Seconds()*1e3, name)
	}
}

// One delivery after the other: what a webhook waits for on a quiet day.
func BenchmarkDeliverAlone(b *testing.B) {
	l, c := fresh(b)
	var s took
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		if _, err := l.Deliver(b.Context(), push(fmt.Sprint(i), c.now())); err != nil {
			b.Fatal(err)
		}
		s.since(start)
	}
	s.report(b)
}

// As many at once as there are: the most that group commit carries.
func BenchmarkDeliverTogether(b *testing.B) {
	l, c := fresh(b)
	var n atomic.Int64
	var s took
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			start := time.Now()
			if _, err := l.Deliver(b.Context(), push(fmt.Sprint(n.Add(1)), c.now())); err != nil {
				b.Error(err)
				return
			}
			s.since(start)
		}
	})
	s.report(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// 500 a second, each when its time has come, while passes are recorded: the
// load that design 9 names.
func BenchmarkDeliver500PerSecond(b *testing.B) {
	l, c := fresh(b)
	r := begin(b, l, result("shop", main1))
	var s took
	var wg sync.WaitGroup
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		<-tick.C
		wg.Go(func() {
			start := time.Now()
			if _, err := l.Deliver(b.Context(), push(fmt.Sprint(i), c.now())); err != nil {
				b.Error(err)
			}
			s.since(start)
		})
		if i%10 == 0 {
			wg.Go(func() {
				if err := l.Record(b.Context(), r, reconcile.State{App: "shop"}, []reconcile.Message{status("success", fmt.Sprint(i))}); err != nil {
					b.Error(err)
				}
			})
		}
	}
	wg.Wait()
	s.report(b)
}
