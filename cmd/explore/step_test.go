package main

import (
	"strings"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// BenchmarkStep measures what a step takes in 2,000 executions from the first on, of the guided
// engine, of samplers that it is made of, and of the random walk, in programs of the literature
// and in kernel models. Of all batches the fastest counts, since other work on the machine only
// ever adds time.
func BenchmarkStep(b *testing.B) {
	for _, name := range []string{"SafeStack", "CS.reorder_10", "CS.queue", "handshake_8"} {
		p, err := bench.Find(name)
		if err != nil {
			b.Fatal(err)
		}
		benchmarkStep(b, p.Schedule(bench.Main1))
	}
	for _, name := range []string{
		"fs/aio/io_getevents-vs-io_destroy@1f", "kernel/kthread/madvise-vs-reclaim@powerpc-6.4",
		"fs/aio/workload@1f", "kernel/kthread/workload@sparc-ipi", "mm/list_lru/workload@real",
		"fs/userfaultfd/workload@5.1",
	} {
		p, err := kmodel.Find(name)
		if err != nil {
			b.Fatal(err)
		}
		benchmarkStep(b, p.Schedule())
	}
}

func benchmarkStep(b *testing.B, p schedule.Program) {
	const runs = 2000
	r := schedule.NewRunner(p)
	defer r.Close()
	for _, how := range []string{"walk", "pct5", "pos", "surw", "rf", "qlearn", "guided"} {
		b.Run(strings.ReplaceAll(p.Name, "/", ".")+"/"+how, func(b *testing.B) {
			best, steps := time.Duration(0), 0
			for b.Loop() {
				var s samplers.Sampler = guided.New(1, guided.Options{})
				if how != "guided" {
					s, _ = samplers.New(how, 1)
				}
				n, start := 0, time.Now()
				for range runs {
					n += samplers.Once(r, s).Steps
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
