package guided_test

import (
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// BenchmarkStep measures what a step takes in 2,000 executions from the first on, for an
// Engine, the samplers that it is made of, and the random walk. Of all batches the fastest
// counts, since other work on the machine only ever adds time.
func BenchmarkStep(b *testing.B) {
	const runs = 2000
	for _, name := range []string{"SafeStack", "CS.reorder_10", "CS.queue", "handshake_8"} {
		r := schedule.NewRunner(find(b, name).Schedule(bench.Main1))
		defer r.Close()
		for _, how := range []string{"walk", "pos", "surw", "rf", "qlearn", "guided"} {
			b.Run(name+"/"+how, func(b *testing.B) {
				best := time.Duration(0)
				steps := 0
				for b.Loop() {
					var s sample.Sampler = guided.New(1, guided.Options{})
					if how != "guided" {
						s, _ = sample.New(how, 1)
					}
					n, start := 0, time.Now()
					for range runs {
						n += sample.Once(r, s).Steps
					}
					if d := time.Since(start); best == 0 || d < best {
						best, steps = d, n
					}
				}
				b.ReportMetric(float64(best.Nanoseconds())/float64(steps), "ns/step")
				b.ReportMetric(runs/best.Seconds(), "execs/s")
				b.ReportMetric(float64(steps)/runs, "steps/exec")
			})
		}
	}
}

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
