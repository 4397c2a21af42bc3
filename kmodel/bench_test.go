package kmodel_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// proved reports whether p must never fail, whose calls are fixed. The protocol is no model
// of the kernel, and is as large as it is told to be.
func proved(p program.Program) bool {
	return !p.Workload && !p.Racy() && p.Object != "protocol"
}

// BenchmarkProof exhausts every program that must never fail: what a proof of it costs. The
// first one does them all, one after the other.
func BenchmarkProof(b *testing.B) {
	exhaust := func(b *testing.B, only string) (states int) {
		for _, p := range kmodel.Programs() {
			if !proved(p) || only != "" && p.Name() != only {
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
		if proved(p) {
			run(p.Name(), p.Name())
		}
	}
}

// BenchmarkSample has samplers decide, once 2,000 executions are known: each is run, or looked
// up where that can be.
func BenchmarkSample(b *testing.B) {
	lookup, err := kmodel.Find("fs/aio/io_getevents-vs-io_destroy@1f")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"walk", "pct3", "surw"} {
		for _, lookUp := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/lookup=%v", name, lookUp), func(b *testing.B) {
				r := schedule.NewRunner(lookup.Schedule())
				defer r.Close()
				if lookUp {
					r.Memo = schedule.NewMemo(schedule.DefaultMemo)
				}
				s, err := sample.New(name, 1)
				if err != nil {
					b.Fatal(err)
				}
				for range 2000 {
					sample.Once(r, s)
				}
				b.ReportAllocs()
				for b.Loop() {
					sample.Once(r, s)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "execs/s")
			})
		}
	}
}
