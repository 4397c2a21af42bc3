package kmodel_test

import (
	"math"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// BenchmarkFirstFailure measures how many executions each sampler takes to the first
// failure of each racy fuzz target's workload: the mean over 20 seeds, with a cap that
// counts as found. One iteration is all seeds.
func BenchmarkFirstFailure(b *testing.B) {
	const seeds, most = 20, 100_000
	for _, target := range kmodel.Targets() {
		p, err := target.Program("")
		if err != nil {
			b.Fatal(err)
		}
		if !p.Racy() {
			continue
		}
		for _, name := range sample.Names() {
			b.Run(target.Name+"/"+name, func(b *testing.B) {
				r := schedule.NewRunner(p.Schedule())
				defer r.Close()
				for b.Loop() {
					sum, logs, found := 0, 0.0, 0
					for seed := range uint64(seeds) {
						s, err := sample.New(name, seed)
						if err != nil {
							b.Fatal(err)
						}
						n := 0
						for _, res := range sample.Run(b.Context(), r, s) {
							if n++; n == most || res.Outcome == schedule.Fail {
								if res.Outcome == schedule.Fail {
									found++
								}
								break
							}
						}
						sum, logs = sum+n, logs+math.Log(float64(n))
					}
					b.ReportMetric(float64(sum)/seeds, "mean")
					b.ReportMetric(math.Exp(logs/seeds), "geomean")
					b.ReportMetric(float64(found), "found/20")
				}
			})
		}
	}
}
