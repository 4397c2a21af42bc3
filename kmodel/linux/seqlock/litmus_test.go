package seqlock_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/seqlock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	lock seqlock.Lock
	x, y mem.Int
}

// A prog makes the programs of the table: threads over two words under a lock.
type prog struct {
	*litmus.Program
	*vars
	r [8]litmus.Reg
}

func build(f func(p prog)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		f(prog{p, litmus.Static[vars](p, "v"), p.Regs()})
	}
}

// writer writes both words.
func (p prog) writer(name string) {
	p.Thread(name, func(t *schedule.Thread) {
		p.lock.WriteSeqlock(t)
		p.x.Write(t, p.x.Peek()+1)
		p.y.Write(t, p.y.Peek()+1)
		p.lock.WriteSequnlock(t)
	})
}

// torn is the condition that a reader who did not have to try again has seen half.
func (p prog) torn() {
	p.Exists(func() bool { return p.r[2].Get() == 1 && p.r[0].Get() != p.r[1].Get() })
}

// An object has a lock in it.
type object struct {
	schedule.Object
	lock seqlock.Lock
}

type sequence struct {
	schedule.Object
	n mem.Int
}

var litmusTests = []litmus.Test{{
	// The reader has both words of before, or of after, or is told to try again.
	Name: "SEQLOCK+read", Build: build(func(p prog) {
		p.writer("P0")
		p.Thread("P1", func(t *schedule.Thread) {
			seq := p.lock.ReadSeqbegin(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			p.r[2].SetBool(!p.lock.ReadSeqretry(t, seq))
		})
		p.torn()
	}),
	Verdict: litmus.Never, Counts: "145 pass",
}, {
	// As above, and nobody asks whether to try again.
	Name: "SEQLOCK+read-once", Build: build(func(p prog) {
		p.writer("P0")
		p.Thread("P1", func(t *schedule.Thread) {
			p.lock.ReadSeqbegin(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			p.r[2].Set(1)
		})
		p.torn()
	}),
	Verdict: litmus.Sometimes, Counts: "36 pass, 17 exists",
}, {
	// Writers exclude each other.
	Name: "SEQLOCK+writers", Build: build(func(p prog) {
		p.writer("P0")
		p.writer("P1")
		p.Exists(func() bool { return p.x.Peek() != 2 || p.y.Peek() != 2 })
	}),
	Verdict: litmus.Never, Counts: "2 pass",
}, {
	// Store buffering, of legitimize_mnt() and mntput(): the reader counts himself and then
	// looks for a writer, the writer takes the lock and then looks at the count. Memory is
	// sequentially consistent; without the barriers weaker memory lets both miss the other.
	Name: "SB+seqretry+count", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			seq := p.lock.ReadSeqbegin(t)
			p.x.WriteOnce(t, 1)
			mem.SmpMb(t)
			p.r[0].SetBool(!p.lock.ReadSeqretry(t, seq) && seq == 0)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.lock.WriteSeqlock(t)
			mem.SmpMb(t)
			p.r[1].SetBool(p.x.ReadOnce(t) == 0)
			p.lock.WriteSequnlock(t)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "145 pass",
}, {
	// A writer that does not end: the reader waits for ever.
	Name: "SEQLOCK+deadlock", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.WriteSeqlock(t)
			p.lock.ReadSeqbegin(t)
			p.lock.WriteSequnlock(t)
		})
	}),
	Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock",
}, {
	// It sees its own sequence number also where that is not in memory yet.
	Name: "SEQLOCK+deadlock+tso", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.WriteSeqlock(t)
			p.lock.ReadSeqbegin(t)
			p.lock.WriteSequnlock(t)
		})
	}),
	TSO: true, Bad: schedule.Deadlock, Verdict: litmus.Always, Counts: "1 deadlock",
}, {
	// The two smp_wmb() of a writer keep the words between the two sequence numbers.
	Name: "SEQLOCK+read+pso", Build: build(func(p prog) {
		p.writer("P0")
		p.Thread("P1", func(t *schedule.Thread) {
			seq := p.lock.ReadSeqbegin(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			p.r[2].SetBool(!p.lock.ReadSeqretry(t, seq))
		})
		p.torn()
	}),
	PSO: true, Verdict: litmus.Never, Counts: "77717 pass",
}, {
	// The second smp_wmb() keeps what is stored after the writer's section behind what is stored in
	// it. A release would not.
	Name: "SEQLOCK+after+pso", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			p.lock.WriteSeqlock(t)
			p.x.Write(t, 1)
			p.lock.WriteSequnlock(t)
			p.y.Write(t, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.r[0].Set(p.y.ReadOnce(t))
			p.r[1].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 && p.r[1].Get() == 0 })
	}),
	PSO: true, Verdict: litmus.Never, Counts: "6552 pass",
}, {
	// A writer of a sequence number that has neither.
	Name: "SEQLOCK+plain+pso", Build: build(func(p prog) {
		seq := litmus.Static[sequence](p.Program, "seq")
		p.Thread("P0", func(t *schedule.Thread) {
			seq.n.Write(t, 1)
			p.x.Write(t, 1)
			p.y.Write(t, 1)
			seq.n.Write(t, 2)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			before := seq.n.ReadOnce(t)
			p.r[0].Set(p.x.ReadOnce(t))
			p.r[1].Set(p.y.ReadOnce(t))
			p.r[2].SetBool(before&1 == 0 && seq.n.ReadOnce(t) == before)
		})
		p.torn()
	}),
	PSO: true, Verdict: litmus.Sometimes, Counts: "35249 pass, 1148 exists",
}, {
	// The lock is freed while its writer has it: the reader does not wait, and finds out.
	Name: "UAF+seqbegin", Build: func(lp *litmus.Program) {
		p := prog{lp, litmus.Static[vars](lp, "v"), lp.Regs()}
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) { o = cache.AllocBoot(e) })
		p.Thread("P0", func(t *schedule.Thread) {
			o.lock.WriteSeqlock(t)
			o.lock.WriteSequnlock(t)
			slab.Free(t, "kfree", o)
		})
		p.Thread("P1", func(t *schedule.Thread) { o.lock.ReadSeqbegin(t) })
	},
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "4 pass, 1 use-after-free",
}, {
	// The writer comes before or after the read.
	Name: "OBSERVE+seqbegin", Build: build(func(p prog) {
		p.Observe(func(t *schedule.Thread) bool { return p.lock.ReadSeqbegin(t) != 0 },
			func(t *schedule.Thread) {
				p.lock.WriteSeqlock(t)
				p.lock.WriteSequnlock(t)
			})
	}),
	Verdict: litmus.Sometimes, Counts: "49 pass, 35 exists",
}, {
	// As above, for the second look.
	Name: "OBSERVE+seqretry", Build: build(func(p prog) {
		p.Observe(func(t *schedule.Thread) bool { return p.lock.ReadSeqretry(t, 0) },
			func(t *schedule.Thread) {
				p.lock.WriteSeqlock(t)
				p.lock.WriteSequnlock(t)
			})
	}),
	Verdict: litmus.Sometimes, Counts: "49 pass, 70 exists",
}}

func TestSeqlock(t *testing.T) { litmus.Run(t, litmusTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests) }
