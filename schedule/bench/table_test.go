package bench_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

var (
	seeds    = flag.Int("seeds", 100, "how many `seeds` BenchmarkTable gives each sampler")
	most     = flag.Int("cap", 100_000, "after how many `executions` it gives up; 100 times as many for SafeStack")
	programs = flag.String("programs", "", "only programs that match this `regexp`, such as CS.reorder_5@main")
	samplers = flag.String("samplers", "", "only samplers that match this `regexp`")
	steps    = flag.Bool("steps", false, "count steps, not executions")
)

// rows returns the programs of the table: ours in all forms, and those of the kernel
// models that fail.
func rows() []schedule.Program {
	var out []schedule.Program
	for _, p := range bench.Programs() {
		for _, f := range bench.Forms() {
			out = append(out, p.Schedule(f))
		}
	}
	for _, p := range kmodel.Programs() {
		if p.Racy() {
			out = append(out, p.Schedule())
		}
	}
	return out
}

// BenchmarkTable prints how many executions each sampler takes to the first failure of each
// program: mean ± standard deviation [median] over the seeds that came to one, and how many
// did if not all. A profile run of a sampler counts. It is a table and no measurement of
// time: run it with
//
//	go test -run='^$' -bench=Table -benchtime=1x ./schedule/bench -seeds 20
func BenchmarkTable(b *testing.B) {
	only, err := regexp.Compile(*programs)
	if err != nil {
		b.Fatal(err)
	}
	which, err := regexp.Compile(*samplers)
	if err != nil {
		b.Fatal(err)
	}
	names := slices.DeleteFunc(sample.Names(), func(name string) bool { return !which.MatchString(name) })
	for b.Loop() {
		fmt.Printf("\n%-32s", "program")
		for _, name := range names {
			fmt.Printf(" | %s", name)
		}
		fmt.Println()
		for _, p := range rows() {
			if !only.MatchString(p.Name) {
				continue
			}
			fmt.Printf("%-32s", p.Name)
			r := schedule.NewRunner(p)
			for _, name := range names {
				fmt.Printf(" | %s", measure(b, r, name))
			}
			r.Close()
			fmt.Println()
		}
	}
}

// A cell is how many executions or steps it took from seeds that came to a failure.
type cell []float64

func (c cell) String() string {
	if len(c) == 0 {
		return "never"
	}
	slices.Sort(c)
	n, sum, squares := float64(len(c)), 0.0, 0.0
	for _, v := range c {
		sum += v
	}
	for _, v := range c {
		squares += (v - sum/n) * (v - sum/n)
	}
	median := (c[len(c)/2] + c[(len(c)-1)/2]) / 2
	text := fmt.Sprintf("%.0f±%.0f [%.0f]", sum/n, math.Sqrt(squares/max(1, n-1)), median)
	if len(c) < *seeds {
		text += fmt.Sprintf(" %d/%d", len(c), *seeds)
	}
	return text
}

// measure gives a sampler all its seeds.
func measure(b *testing.B, r *schedule.Runner, name string) cell {
	limit := *most
	if strings.HasPrefix(r.Program().Name, "SafeStack") {
		limit *= 100
	}
	var c cell
	for seed := range uint64(*seeds) {
		s, err := sample.New(name, seed)
		if err != nil {
			b.Fatal(err)
		}
		if n, found := first(b.Context(), r, s, limit); found {
			c = append(c, n)
		}
	}
	return c
}

// first returns how many executions, or steps, s took to the first failure.
func first(ctx context.Context, r *schedule.Runner, s sample.Sampler, limit int) (n float64, found bool) {
	runs, sum := 0, 0
	for _, res := range sample.Run(ctx, r, s) {
		runs, sum = runs+1, sum+res.Steps
		if res.Outcome == schedule.Fail {
			if *steps {
				return float64(sum), true
			}
			return float64(runs), true
		}
		if runs == limit {
			break
		}
	}
	return 0, false
}

// BenchmarkDeepest explores SafeStack, with all threads there from the beginning, as far as
// it must be to see that it does not fail with fewer preemptions than the table says.
func BenchmarkDeepest(b *testing.B) {
	p := program(b, "SafeStack")
	for b.Loop() {
		o := explore.Options{Bound: p.Preemptions}
		r := explore.Last(explore.Exhaust(b.Context(), p.Schedule(bench.Threads), o))
		if got := fewest(r); r.Bound != p.Preemptions || len(got) != 1 || got[p.Kind] != p.Preemptions {
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
