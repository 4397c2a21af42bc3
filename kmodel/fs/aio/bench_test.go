package aio

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

func benchmark(b *testing.B, scenario, variant string, tape string) {
	for _, p := range Programs() {
		if p.Scenario == scenario && p.Variant == variant {
			r := schedule.NewRunner(p.Schedule())
			defer r.Close()
			in := []byte(tape)
			steps, switches := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				res := r.RunBytes(in)
				steps += res.Steps
				switches += res.Switches
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
			b.ReportMetric(float64(steps)/float64(b.N), "steps/exec")
			b.ReportMetric(float64(switches)/float64(b.N), "switches/exec")
		}
	}
}

func BenchmarkExecFixed(b *testing.B) {
	benchmark(b, "io_getevents-vs-io_destroy", "1f", "000010000000010000000010")
}

func BenchmarkExecRacy(b *testing.B) {
	benchmark(b, "io_getevents-vs-io_destroy", "1e", "00001")
}
