package bench_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// fails reports whether one of the first runs executions of s fails.
func fails(r *schedule.Runner, s sample.Sampler, runs int) bool {
	for range runs {
		if sample.Once(r, s).Outcome == schedule.Fail {
			return true
		}
	}
	return false
}

// BenchmarkDeepest explores SafeStack, with all threads there from the beginning, as far as
// it must be to see that it does not fail with fewer preemptions than the table says.
func BenchmarkDeepest(b *testing.B) {
	p := program(b, "SafeStack")
	for b.Loop() {
		o := explore.Options{Bound: p.Preemptions}
		r := explore.Last(explore.Exhaust(b.Context(), p.Schedule(bench.Threads), o))
		if got := r.Fewest(); r.Bound != p.Preemptions || len(got) != 1 || got[p.Kind] != p.Preemptions {
			b.Errorf("%v, want %v with %d preemptions: %s", got, p.Kind, p.Preemptions, r.Coverage())
		}
		b.ReportMetric(float64(r.Nodes), "nodes")
	}
}

// BenchmarkDecision measures what a decision of each sampler costs, in executions of 45
// steps of two threads and of 40 steps of eleven: what it takes longer than executions
// from the same sampler's tapes. Of all batches the fastest counts, since other work on the
// machine only ever adds time.
func BenchmarkDecision(b *testing.B) {
	for _, p := range []schedule.Program{
		program(b, "handshake_8").Schedule(bench.Threads),
		program(b, "CS.reorder_10").Schedule(bench.Main1),
	} {
		r := schedule.NewRunner(p)
		defer r.Close()
		for _, name := range sample.Names() {
			s, err := sample.New(name, 1)
			if err != nil {
				b.Fatal(err)
			}
			tapes := make([]schedule.Tape, 256)
			for i := range tapes {
				sample.Once(r, s)
				tapes[i] = slices.Clone(r.Taken())
			}
			b.Run(p.Name+"/"+name, func(b *testing.B) {
				var sampled, replayed batch
				for b.Loop() {
					sampled.run(len(tapes), func(int) schedule.Result { return sample.Once(r, s) })
					replayed.run(len(tapes), func(i int) schedule.Result { return r.RunTape(tapes[i]) })
				}
				n := float64(len(tapes))
				b.ReportMetric(n/sampled.best.Seconds(), "execs/s")
				b.ReportMetric(float64(sampled.best.Nanoseconds())/sampled.steps, "ns/step")
				b.ReportMetric(float64((sampled.best-replayed.best).Nanoseconds())/sampled.decisions, "ns/decision")
			})
		}
	}
}

// A batch is the fastest of several runs of so many executions.
type batch struct {
	best             time.Duration
	steps, decisions float64
}

func (m *batch) run(n int, once func(i int) schedule.Result) {
	steps, decisions, start := 0, 0, time.Now()
	for i := range n {
		res := once(i)
		steps += res.Steps
		decisions += res.Decisions
	}
	if d := time.Since(start); m.best == 0 || d < m.best {
		*m = batch{d, float64(steps), float64(decisions)}
	}
}

func program(b *testing.B, name string) bench.Program {
	p, err := bench.Find(name)
	if err != nil {
		b.Fatal(err)
	}
	return p
}
