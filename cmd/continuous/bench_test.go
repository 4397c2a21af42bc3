package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// BenchmarkEngine is what an execution takes: of a sampler alone, of the stationary stream,
// and as the engine mixes them, once it has found most of what there is.
func BenchmarkEngine(b *testing.B) {
	for _, name := range []string{"FuzzFixedLookupIoctx", "FuzzFixedGetNetNsById"} {
		c := configOf(b, name)
		x, err := newCampaign(c, b.TempDir(), 0, new(bytes.Buffer))
		if err != nil {
			b.Fatal(err)
		}
		defer x.store.close()
		e := newInProcess(x.targets[0], roomFor(1<<62), 1)
		defer e.close()
		one := func(b *testing.B) {
			o := e.run()
			if _, err := e.tell(&o); err != nil {
				b.Fatal(err)
			}
		}
		for range 20_000 {
			one(b)
		}
		b.Run(name+"/sampler", func(b *testing.B) {
			r := schedule.NewRunner(c.Targets[0].program.Schedule())
			defer r.Close()
			s := sample.NewPOS(1)
			b.ReportAllocs()
			for b.Loop() {
				sample.Once(r, s)
			}
		})
		b.Run(name+"/stream", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.n = streamEvery*2 - 1
				one(b)
			}
		})
		b.Run(name+"/engine", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				one(b)
			}
		})
	}
}

// BenchmarkFirst counts the executions to the first failure of each racy target, in the mean of
// five seeds, without the guided engine and with it.
func BenchmarkFirst(b *testing.B) {
	const seeds = 5
	for _, target := range kmodel.Targets() {
		if strings.HasPrefix(target.Name, "FuzzFixed") {
			continue
		}
		for _, how := range []string{"alone", "guided"} {
			b.Run(target.Name+"/"+how, func(b *testing.B) {
				sum := 0
				for b.Loop() {
					for seed := range uint64(seeds) {
						sum += first(b, target.Name, how == "guided", seed)
					}
				}
				b.ReportMetric(float64(sum)/seeds/float64(b.N), "execs")
			})
		}
	}
}

// first returns how many executions there were up to the first that failed.
func first(b *testing.B, name string, guide bool, seed uint64) int {
	x, err := newCampaign(configOf(b, name), b.TempDir(), 0, new(bytes.Buffer))
	if err != nil {
		b.Fatal(err)
	}
	defer x.store.close()
	t := x.targets[0]
	if guide {
		t.guide = guided.New(seed, guided.Options{})
	}
	e := newInProcess(t, roomFor(1<<62), seed)
	defer e.close()
	for n := 1; ; n++ {
		o := e.run()
		if _, err := e.tell(&o); err != nil {
			b.Fatal(err)
		}
		if len(t.bugs) > 0 {
			return n
		}
	}
}
