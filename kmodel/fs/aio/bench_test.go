package aio

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

func find(b *testing.B, scenario, variant string) program.Program {
	for _, p := range Programs() {
		if p.Scenario == scenario && p.Variant == variant {
			return p
		}
	}
	b.Fatalf("no program %s@%s", scenario, variant)
	return program.Program{}
}

func benchmarkExec(b *testing.B, scenario, variant, tape string) {
	r := schedule.NewRunner(find(b, scenario, variant).Schedule())
	defer r.Close()
	in := []byte(tape)
	steps, switches := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		res := r.RunBytes(in)
		steps += res.Steps
		switches += res.Switches
	}
	n := float64(b.N)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
	b.ReportMetric(n/b.Elapsed().Seconds(), "execs/s")
	b.ReportMetric(float64(steps)/n, "steps/exec")
	b.ReportMetric(float64(switches)/n, "switches/exec")
}

// BenchmarkExec is one execution of lookup_ioctx against io_destroy, hashing states.
func BenchmarkExec(b *testing.B) {
	b.Run("1f", func(b *testing.B) {
		benchmarkExec(b, "io_getevents-vs-io_destroy", "1f", "000010000000010000000010")
	})
	b.Run("1a", func(b *testing.B) {
		benchmarkExec(b, "io_getevents-vs-io_destroy", "1a", "0100001")
	})
	b.Run("1e-fails", func(b *testing.B) {
		benchmarkExec(b, "io_getevents-vs-io_destroy", "1e", "00001000000000000000000000000001")
	})
	b.Run("workload", func(b *testing.B) {
		benchmarkExec(b, "workload", "1f", "0000160300100000010000001000001")
	})
}

// BenchmarkExhaust explores every interleaving of every fixed scenario of a variant.
func BenchmarkExhaust(b *testing.B) {
	for _, sc := range scenarios {
		b.Run(sc.name, func(b *testing.B) {
			p := find(b, sc.name, "1f").Schedule()
			nodes := 0
			for b.Loop() {
				r := explore.Last(explore.Exhaust(context.Background(), p,
					explore.Options{Bound: explore.Unbounded}))
				nodes += r.Nodes
			}
			b.ReportMetric(float64(nodes)/float64(b.N), "states")
		})
	}
}
