package guided_test

import (
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
)

// BenchmarkShare measures executions a second, from the first on, of one Engine, of two that
// share, and of two that do not: that is what the machine can do, with what else runs on it.
// Of all batches the fastest counts.
func BenchmarkShare(b *testing.B) {
	const runs = 2000
	for _, name := range []string{"SafeStack", "CS.reorder_10", "CS.queue"} {
		p := find(b, name).Schedule(bench.Threads)
		for _, how := range []string{"one", "shared", "apart"} {
			b.Run(name+"/"+how, func(b *testing.B) {
				best := time.Duration(0)
				for b.Loop() {
					engines := []*guided.Engine{guided.New(1, guided.Options{})}
					if how == "shared" {
						engines = append(engines, engines[0].Share(2))
					} else if how == "apart" {
						engines = append(engines, guided.New(2, guided.Options{}))
					}
					start := time.Now()
					together(p, engines, runs)
					if d := time.Since(start); best == 0 || d < best {
						best = d
					}
				}
				b.ReportMetric(runs/best.Seconds(), "execs/s")
			})
		}
	}
}
