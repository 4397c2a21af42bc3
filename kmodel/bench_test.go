package kmodel_test

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// BenchmarkProof exhausts every program that must never fail and whose calls are fixed:
// what a proof of it costs. The first one does them all, one after the other.
func BenchmarkProof(b *testing.B) {
	exhaust := func(b *testing.B, only string) (states int) {
		for _, p := range kmodel.Programs() {
			if p.Workload || p.Racy() || only != "" && p.Name() != only {
				continue
			}
			r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
				explore.Options{Bound: explore.Unbounded}))
			if !r.Complete() {
				b.Fatalf("%s: %s", p.Name(), r.Coverage())
			}
			states += r.Nodes
		}
		return states
	}
	run := func(name, only string) {
		b.Run(name, func(b *testing.B) {
			states := 0
			for b.Loop() {
				states += exhaust(b, only)
			}
			b.ReportMetric(float64(states)/float64(b.N), "states")
		})
	}
	run("all", "")
	for _, p := range kmodel.Programs() {
		if !p.Workload && !p.Racy() {
			run(p.Name(), p.Name())
		}
	}
}
