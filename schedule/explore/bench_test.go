package explore_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

func BenchmarkExhaust(b *testing.B) {
	for _, bm := range []struct {
		name    string
		program schedule.Program
	}{
		{"increments-2x3", increments(3, 0, 1)},
		{"increments-3x2", increments(2, 0, 1, 2)},
		{"independent-4x8", independent(8, 8, 8, 8)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			var r Report
			for b.Loop() {
				r = exhaust(bm.program, Unbounded)
			}
			runs := float64(r.Runs) * float64(b.N)
			b.ReportMetric(float64(r.Nodes)*float64(b.N)/b.Elapsed().Seconds(), "nodes/s")
			b.ReportMetric(runs/b.Elapsed().Seconds(), "runs/s")
			b.ReportMetric(float64(r.Steps)/float64(r.Runs), "steps/run")
			b.ReportMetric(float64(r.Nodes), "nodes")
		})
	}
}

// BenchmarkWorkers explores programs with 100,000 and 240,000 nodes by several workers.
func BenchmarkWorkers(b *testing.B) {
	for _, bm := range []struct {
		name    string
		program schedule.Program
	}{
		{"increments-3x3", increments(3, 0, 1, 2)},
		{"independent-4x15", independent(15, 15, 15, 15)},
	} {
		for _, n := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%s/%d", bm.name, n), func(b *testing.B) {
				opt := Options{Bound: Unbounded, Workers: n}
				nodes := 0
				for b.Loop() {
					nodes += Last(Exhaust(ctx, bm.program, opt)).Nodes
				}
				b.ReportMetric(float64(nodes)/b.Elapsed().Seconds(), "nodes/s")
				b.ReportMetric(float64(nodes)/float64(b.N), "nodes")
			})
		}
	}
}

// BenchmarkMemory explores nodes by the hundred thousand and reports what
// each takes.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{10, 17} {
		p := independent(n, n, n, n)
		b.Run(fmt.Sprint("independent-4x", n), func(b *testing.B) {
			var nodes, bytes uint64
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				for r := range Exhaust(ctx, p, Options{Bound: Unbounded}) {
					if r.Stop != Continues {
						runtime.GC()
						runtime.ReadMemStats(&after)
						nodes = uint64(r.Nodes)
					}
				}
				bytes = after.HeapAlloc - before.HeapAlloc
			}
			b.ReportMetric(float64(bytes)/float64(nodes), "B/node")
			b.ReportMetric(float64(nodes), "nodes")
		})
	}
}
