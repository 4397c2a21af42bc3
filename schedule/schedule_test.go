package schedule_test

import (
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// counter is an object with a word that two threads increment without a lock.
type counter struct {
	Object
	n Cell
}

func (c *counter) inc(t *Thread) {
	t.Step(Op{Verb: "load", Cell: &c.n, Mode: PlainRead})
	v := t.Observe(c.n.Value())
	t.Step(Op{Verb: "store", Cell: &c.n, Mode: PlainWrite})
	c.n.Set(v + 1)
}

// increments returns a program in which each of threads adds 1 rounds times,
// and which fails if an increment is lost.
func increments(threads, rounds int) Program {
	return Program{Name: "increments", New: func() func(*Exec) {
		c := new(counter)
		c.Bind(c, "c")
		body := func(t *Thread) {
			for range rounds {
				c.inc(t)
			}
		}
		check := func(e *Exec) {
			if c.n.Value() != uint64(threads*rounds) {
				e.FailAtEnd(LostUpdate, &c.Object, Party{}, "")
			}
		}
		return func(e *Exec) {
			e.Static(&c.Object, 0)
			for i := range threads {
				e.Go([]string{"a", "b", "c", "d"}[i], body)
			}
			e.AtEnd(check)
		}
	}}
}

func BenchmarkStep(b *testing.B) {
	r := NewRunner(increments(1, 1000))
	defer r.Close()
	b.ReportAllocs()
	for b.Loop() {
		r.RunBytes(nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/step")
}

func BenchmarkSwitch(b *testing.B) {
	r := NewRunner(increments(2, 1000))
	defer r.Close()
	tape := make([]byte, 4000)
	for i := range tape {
		tape[i] = '1'
	}
	b.ReportAllocs()
	steps := 0
	for b.Loop() {
		steps += r.RunBytes(tape).Steps
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
}

func BenchmarkExec(b *testing.B) {
	r := NewRunner(increments(2, 7))
	defer r.Close()
	tape := []byte("0001000100001")
	b.ReportAllocs()
	steps := 0
	for b.Loop() {
		steps += r.RunBytes(tape).Steps
	}
	b.ReportMetric(float64(steps)/float64(b.N), "steps/exec")
}
