package main

import (
	"math/rand/v2"
	"slices"
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
// engine, of samplers that it is made of, of their mixture, which is the same without guiding, and
// of the random walk, in programs of the literature and in kernel models. Of all batches the
// fastest counts, since other work on the machine only ever adds time.
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
	for _, how := range []string{
		"walk", "pct5", "pos", "surw", "rf", "qlearn", "mixture", "guided",
	} {
		b.Run(strings.ReplaceAll(p.Name, "/", ".")+"/"+how, func(b *testing.B) {
			best, steps := time.Duration(0), 0
			for b.Loop() {
				s := newSampler(how, strings.Contains(p.Name, "/workload@"))
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

// newSampler makes a sampler, the guided engine, or the mixture of its samplers.
func newSampler(how string, workload bool) samplers.Sampler {
	switch how {
	case "guided":
		return guided.New(1, guided.Options{})
	case "mixture":
		return newMixture(workload)
	}
	s, err := samplers.New(how, 1)
	if err != nil {
		panic(err)
	}
	return s
}

// A mixture is the samplers of the guided engine, drawn with the shares that these have there in
// the long run, and not guided.
type mixture struct {
	samplers.Sampler // of the execution
	rng              *rand.Rand
	all              []samplers.Sampler
	until            []float64 // sums of the shares
}

// shares are those of a sampler's arms in programs, later, and in workloads.
var shares = []struct {
	name              string
	program, workload float64
}{
	{"surw-demote", 0.25, 0.3}, {"rf-demote", 0.2, 0.2}, {"walk", 0.27, 0.03}, {"demote", 0.1, 0.36},
	{"pct5", 0.03, 0.03}, {"delays5", 0.01, 0.03}, {"qlearn", 0.04, 0}, {"pos", 0.08, 0.05},
	{"preemptions5", 0.02, 0},
}

func newMixture(workload bool) *mixture {
	m, sum := &mixture{rng: rand.New(rand.NewPCG(1, 1))}, 0.0
	for _, s := range shares {
		if sum += s.program; workload {
			sum += s.workload - s.program
		}
		m.all, m.until = append(m.all, newSampler(s.name, false)), append(m.until, sum)
	}
	return m
}

// Begin implements [samplers.Sampler].
func (m *mixture) Begin() {
	x := m.rng.Float64() * m.until[len(m.until)-1]
	i := slices.IndexFunc(m.until, func(until float64) bool { return x < until })
	m.Sampler = m.all[i]
	m.Sampler.Begin()
}

// Looks implements [samplers.Looker].
func (m *mixture) Looks() bool { return samplers.Looks(m.Sampler) }
