package rcu_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A crowd is RCU+sync+read with many readers.
type crowd struct {
	schedule.Object
	x, y mem.Int
	torn int // readers that have seen the write after the grace period, and not the one before
}

// program has one writer after so many readers, which read in sections or without.
func (c *crowd) program(before, after int, section bool) schedule.Program {
	c.Bind(c, "crowd")
	read := func(t *schedule.Thread) {
		if section {
			rcu.ReadLock(t)
		}
		if x := c.x.ReadOnce(t); c.y.ReadOnce(t) == 1 && x == 0 {
			c.torn++
		}
		if section {
			rcu.ReadUnlock(t)
		}
	}
	write := func(t *schedule.Thread) {
		c.x.WriteOnce(t, 1)
		rcu.Synchronize(t)
		c.y.WriteOnce(t, 1)
	}
	return schedule.Program{Name: "crowd", New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			e.Static(&c.Object, 0)
			for range before {
				e.Go("reader", read)
			}
			e.Go("writer", write)
			for range after {
				e.Go("reader", read)
			}
			rcu.Boot(e, rcu.Split)
		}
	}}
}

// A dice takes random decisions.
type dice struct{ *rand.Rand }

// Choose implements [schedule.Chooser].
func (d dice) Choose(_ *schedule.Exec, n int) int { return d.IntN(n) }

// TestCrowd: a writer waits for each of 63 readers, whether it is the first thread or the
// 16th. Readers without a section are not waited for.
func TestCrowd(t *testing.T) {
	for _, before := range []int{0, 15} {
		for _, section := range []bool{true, false} {
			c := new(crowd)
			r := schedule.NewRunner(c.program(before, 63-before, section))
			d := dice{rand.New(rand.NewPCG(1, 1))}
			for range 300 {
				if res := r.Run(d); res.Outcome != schedule.Pass {
					t.Fatalf("%+v", res)
				}
			}
			r.Close()
			if section != (c.torn == 0) {
				t.Errorf("writer %d, sections %v: %d readers were not waited for", before, section, c.torn)
			}
		}
	}
}

// TestCrowdWriter: the 17th thread is told why it may not wait for a grace period, even if
// there is no reader.
func TestCrowdWriter(t *testing.T) {
	r := schedule.NewRunner(new(crowd).program(16, 0, true))
	defer r.Close()
	defer func() {
		const want = "rcu: synchronize_rcu in thread 16 (writer): threads 0 to 15 may"
		if c, _ := recover().(*schedule.Crash); c == nil || !strings.Contains(c.Error(), want) {
			t.Errorf("%v, want %s", c, want)
		}
	}()
	r.RunTape(nil)
}
