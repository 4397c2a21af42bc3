package main

import (
	"bytes"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
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
		e, err := newInProcess(x.targets[0], unlimited{}, 1)
		if err != nil {
			b.Fatal(err)
		}
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
