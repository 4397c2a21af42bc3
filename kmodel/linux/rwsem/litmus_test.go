package rwsem_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	s    rwsem.Semaphore
	x, y mem.Int
}

// A prog makes the programs of the table: threads over one semaphore and two words.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) { f(prog{p, litmus.Static[vars](p, "v"), p.Regs()}) }
}

// writes adds a thread that adds 1 to x as a writer.
func (p prog) writes(name string) {
	p.Thread(name, func(t *schedule.Thread) {
		p.s.DownWrite(t)
		p.x.Write(t, p.x.Read(t)+1)
		p.s.UpWrite(t)
	})
}

// meets adds a reader that leaves in r whether it has seen another inside, which says so
// in x while it is there, and in the other's word if it does.
func (p prog) meets(name string, mine, others *mem.Int, r int) {
	p.Thread(name, func(t *schedule.Thread) {
		p.s.DownRead(t)
		mine.WriteOnce(t, 1)
		p.r[r].Set(others.ReadOnce(t))
		mine.WriteOnce(t, 0)
		p.s.UpRead(t)
	})
}

var litmusTests = []litmus.Test{{
	// One writer at a time. The second asks in one of three places where it has to wait for
	// the first, or when that is done: 4, and as many with the roles exchanged.
	Name: "INC+writers", Build: build(func(p prog) {
		p.writes("P0")
		p.writes("P1")
		p.Exists(func() bool { return p.x.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// As above with three, of whom two may wait at once: either may be next.
	Name: "INC+3writers", Build: build(func(p prog) {
		p.writes("P0")
		p.writes("P1")
		p.writes("P2")
		p.Exists(func() bool { return p.x.Peek() != 3 })
	}),
	Verdict: litmus.Never, Counts: "186 pass",
}, {
	// A reader sees a writer's changes all or not at all.
	Name: "MP+write+read", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.s.DownWrite(t)
			p.x.Write(t, 1)
			p.y.Write(t, 1)
			p.s.UpWrite(t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.s.DownRead(t)
			p.r[0].Set(p.x.Read(t))
			p.r[1].Set(p.y.Read(t))
			p.s.UpRead(t)
		})
		p.Exists(func() bool { return p.r[0].Get() != p.r[1].Get() })
	}),
	Verdict: litmus.Never, Counts: "8 pass",
}, {
	// Two readers may be inside at once.
	Name: "READ+read", Build: build(func(p prog) {
		p.meets("P0", &p.x, &p.y, 0)
		p.meets("P1", &p.y, &p.x, 1)
		p.Exists(func() bool { return p.r[0].Get() == 1 || p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "84 pass, 168 exists",
}, {
	// Whoever reads twice waits for a writer that came in between and waits for it.
	Name: "READ+READ+write", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.s.DownRead(t)
			p.nested(t)
			p.s.UpRead(t)
		})
		p.writes("P1")
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Sometimes, Counts: "8 pass, 1 deadlock",
}, {
	// A writer does not take what it has.
	Name: "WRITE+WRITE", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.s.DownWrite(t)
			p.s.DownWrite(t)
		})
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	// Both sleep.
	Name: "DOWN+atomic", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			preempt.Disable(t)
			p.s.DownRead(t)
		})
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// A thread gives back what it has not.
	Name: "UP+nothing", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.s.UpWrite(t) })
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}}

// nested reads once more inside a reader's section.
func (p prog) nested(t *schedule.Thread) {
	p.s.DownRead(t)
	p.x.Read(t)
	p.s.UpRead(t)
}

// TestSemaphores runs the table.
func TestSemaphores(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
