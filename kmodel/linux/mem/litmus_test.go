package mem_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	x, y, z mem.Int
}

// A prog makes the programs of the table: threads over x, y and z.
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

// A store and a load are one way to access a word.
type (
	store func(x *mem.Int, t *schedule.Thread, v int)
	load  func(x *mem.Int, t *schedule.Thread) int
)

// writes adds a thread that writes a word and then another.
func (p prog) writes(name string, x *mem.Int, v int, y *mem.Int, w int, f, g store) {
	p.Thread(name, func(t *schedule.Thread) {
		f(x, t, v)
		g(y, t, w)
	})
}

// reads adds a thread that reads two words into r[i] and r[i+1].
func (p prog) reads(name string, i int, x, y *mem.Int, f, g load) {
	p.Thread(name, func(t *schedule.Thread) {
		p.r[i].Set(f(x, t))
		p.r[i+1].Set(g(y, t))
	})
}

// writesReads adds a thread that writes 1 to a word and then reads another into r[i].
func (p prog) writesReads(name string, x, y *mem.Int, i int) {
	p.Thread(name, func(t *schedule.Thread) {
		x.WriteOnce(t, 1)
		p.r[i].Set(y.ReadOnce(t))
	})
}

// readsWrites adds a thread that reads a word into r[i] and then writes 1 to another.
func (p prog) readsWrites(name string, x *mem.Int, i int, y *mem.Int, f load, g store) {
	p.Thread(name, func(t *schedule.Thread) {
		p.r[i].Set(f(x, t))
		g(y, t, 1)
	})
}

// is is the condition that the first registers hold the given values.
func (p prog) is(values ...int) bool {
	for i, v := range values {
		if p.r[i].Get() != v {
			return false
		}
	}
	return true
}

// mp is message passing: y says that x is ready.
func mp(f, g store, h, i load) func(*litmus.Program) {
	return build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, f, g)
		p.reads("P1", 0, &p.y, &p.x, h, i)
		p.Exists(func() bool { return p.is(1, 0) })
	})
}

// A store of 1 and one of 2 to the same word.
const coherence = 2

var (
	write        = (*mem.Int).Write
	writeOnce    = (*mem.Int).WriteOnce
	storeRelease = (*mem.Int).StoreRelease
	read         = (*mem.Int).Read
	readOnce     = (*mem.Int).ReadOnce
	loadAcquire  = (*mem.Int).LoadAcquire
)

// Memory is sequentially consistent, so every weak outcome is Never, where the kernel's
// model says Sometimes. Those rows say so: they are the ones to change when memory
// becomes weaker. Two threads of two steps have 4 over 2 = 6 executions, as GenMC counts
// them before it joins those that are alike.
var litmusTests = []litmus.Test{{
	// The flag is written after the data, read before it. LKMM: Sometimes.
	Name: "MP+poonceonces", Build: mp(writeOnce, writeOnce, readOnce, readOnce),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// The release orders the data before the flag, the acquire the flag before the
	// data.
	Name:    "MP+pooncerelease+poacquireonce",
	Build:   mp(writeOnce, storeRelease, loadAcquire, readOnce),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Plain accesses are a data race, which nothing reports yet; but they are in order.
	Name: "MP+plain", Build: mp(write, write, read, read),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// The data is written after the flag, so both reads can come between the two.
	Name: "MP+flagfirst", Build: build(func(p prog) {
		p.writes("P0", &p.y, 1, &p.x, 1, writeOnce, writeOnce)
		p.reads("P1", 0, &p.y, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Sometimes, Counts: "5 pass, 1 exists",
}, {
	// Each thread writes before it reads, so the later of the reads sees a write. LKMM:
	// Sometimes without smp_mb() (SB+fencembonceonces is Never).
	Name: "SB+poonceonces", Build: build(func(p prog) {
		p.writesReads("P0", &p.x, &p.y, 0)
		p.writesReads("P1", &p.y, &p.x, 1)
		p.Exists(func() bool { return p.is(0, 0) })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// As above with the barriers. They are steps, so there are 6 over 3 executions.
	Name: "SB+fencembonceonces", Build: build(func(p prog) {
		for i, x := range []*mem.Int{&p.x, &p.y} {
			y := []*mem.Int{&p.y, &p.x}[i]
			p.Thread([]string{"P0", "P1"}[i], func(t *schedule.Thread) {
				x.WriteOnce(t, 1)
				mem.SmpMb(t)
				p.r[i].Set(y.ReadOnce(t))
			})
		}
		p.Exists(func() bool { return p.is(0, 0) })
	}),
	Verdict: litmus.Never, Counts: "20 pass",
}, {
	// The outcome that store buffering is to be told from: both see the other's write
	// in 4 of 6.
	Name: "SB+both", Build: build(func(p prog) {
		p.writesReads("P0", &p.x, &p.y, 0)
		p.writesReads("P1", &p.y, &p.x, 1)
		p.Exists(func() bool { return p.is(1, 1) })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 4 exists",
}, {
	// Each thread reads before it writes, so the earlier of the reads sees nothing.
	// LKMM: Sometimes.
	Name: "LB+poonceonces", Build: build(func(p prog) {
		p.readsWrites("P0", &p.x, 0, &p.y, readOnce, writeOnce)
		p.readsWrites("P1", &p.y, 1, &p.x, readOnce, writeOnce)
		p.Exists(func() bool { return p.is(1, 1) })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// As above with acquire and storeRelease, where the kernel's model says Never too.
	Name: "LB+poacquireonce+pooncerelease", Build: build(func(p prog) {
		p.readsWrites("P0", &p.x, 0, &p.y, readOnce, storeRelease)
		p.readsWrites("P1", &p.y, 1, &p.x, loadAcquire, writeOnce)
		p.Exists(func() bool { return p.is(1, 1) })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// y=2 lands after y=1, so P1's read of x comes after P0's write of it. LKMM:
	// Sometimes.
	Name: "R+poonceonces", Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, writeOnce)
		p.Thread("P1", func(t *schedule.Thread) {
			p.y.WriteOnce(t, coherence)
			p.r[0].Set(p.x.ReadOnce(t))
		})
		p.Exists(func() bool { return p.y.Peek() == coherence && p.is(0) })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// P1 has seen y=1, so x=2 was before that and P1's x=1 stays. LKMM: Sometimes.
	Name: "S+poonceonces", Build: build(func(p prog) {
		p.writes("P0", &p.x, coherence, &p.y, 1, writeOnce, writeOnce)
		p.readsWrites("P1", &p.y, 0, &p.x, readOnce, writeOnce)
		p.Exists(func() bool { return p.x.Peek() == coherence && p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// The first writes of both threads cannot both land last. LKMM: Sometimes.
	Name: "2+2W+poonceonces", Build: build(func(p prog) {
		p.writes("P0", &p.x, coherence, &p.y, 1, writeOnce, writeOnce)
		p.writes("P1", &p.y, coherence, &p.x, 1, writeOnce, writeOnce)
		p.Exists(func() bool { return p.x.Peek() == coherence && p.y.Peek() == coherence })
	}),
	Verdict: litmus.Never, Counts: "6 pass",
}, {
	// Two reads of one word do not go back in time. 3 over 1 executions.
	Name: "CoRR+poonceonce+Once", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.reads("P1", 0, &p.x, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 0) })
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// A read does not see the thread's own later write, nor what comes after that.
	Name: "CoRW+poonceonce+Once", Build: build(func(p prog) {
		p.readsWrites("P0", &p.x, 0, &p.x, readOnce, writeOnce)
		p.Thread("P1", func(t *schedule.Thread) { p.x.WriteOnce(t, coherence) })
		p.Exists(func() bool { return p.x.Peek() == coherence && p.is(1) })
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// A read after a thread's own write does not see a write that came before that.
	Name: "CoWR+poonceonce+Once", Build: build(func(p prog) {
		p.writesReads("P0", &p.x, &p.x, 0)
		p.Thread("P1", func(t *schedule.Thread) { p.x.WriteOnce(t, coherence) })
		p.Exists(func() bool { return p.x.Peek() == 1 && p.is(coherence) })
	}),
	Verdict: litmus.Never, Counts: "3 pass",
}, {
	// One thread's writes to one word land in order.
	Name: "CoWW+poonceonce", Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.x, coherence, writeOnce, writeOnce)
		p.Exists(func() bool { return p.x.Peek() == 1 })
	}),
	Verdict: litmus.Never, Counts: "1 pass",
}, {
	// Two readers agree on the order of two independent writes. LKMM: Sometimes. 6
	// steps of 1, 1, 2 and 2: 6!/(2!2!) executions.
	Name: "IRIW+poonceonces+OnceOnce", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.reads("P1", 0, &p.x, &p.y, readOnce, readOnce)
		p.Thread("P2", func(t *schedule.Thread) { p.y.WriteOnce(t, 1) })
		p.reads("P3", 2, &p.y, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 0, 1, 0) })
	}),
	Verdict: litmus.Never, Counts: "180 pass",
}, {
	// What P1 has seen and passed on, P2 sees too. LKMM: Sometimes. 5!/(2!2!).
	Name: "WRC+poonceonces+Once", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
		p.readsWrites("P1", &p.x, 0, &p.y, readOnce, writeOnce)
		p.reads("P2", 1, &p.y, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 1, 0) })
	}),
	Verdict: litmus.Never, Counts: "30 pass",
}, {
	// Message passing over one thread more. LKMM: Sometimes. 6!/(2!2!2!).
	Name: "ISA2+poonceonces", Build: build(func(p prog) {
		p.writes("P0", &p.x, 1, &p.y, 1, writeOnce, writeOnce)
		p.readsWrites("P1", &p.y, 0, &p.z, readOnce, writeOnce)
		p.reads("P2", 1, &p.z, &p.x, readOnce, readOnce)
		p.Exists(func() bool { return p.is(1, 1, 0) })
	}),
	Verdict: litmus.Never, Counts: "90 pass",
}, {
	// x++ on a plain word is a read and a write; the other's may come between: 2 of 6
	// keep both increments.
	Name: "INC+plain", Build: build(func(p prog) {
		inc := func(t *schedule.Thread) { p.x.Write(t, p.x.Read(t)+1) }
		p.Thread("P0", inc)
		p.Thread("P1", inc)
		p.Exists(func() bool { return p.x.Peek() != 2 })
	}),
	Verdict: litmus.Sometimes, Counts: "2 pass, 4 exists",
}}

// valueTests says what the accesses do to a word, without anybody else, and that what they
// return is observed.
var valueTests = []litmus.Test{{
	// Every way to read sees what every way to write has written, negative or not.
	Name: "VALUE+int", Build: build(func(p prog) {
		p.Thread("P0", func(t *schedule.Thread) {
			ok := true
			for i, f := range []store{write, writeOnce, storeRelease} {
				for _, g := range []load{read, readOnce, loadAcquire} {
					f(&p.x, t, i-1)
					ok = ok && g(&p.x, t) == i-1 && p.x.Peek() == i-1
				}
			}
			p.r[0].SetBool(ok)
		})
		p.Exists(func() bool { return p.is(1) })
	}),
	Verdict: litmus.Always, Counts: "1 exists",
}, {
	// The read comes before or after the write.
	Name: "OBSERVE+int", Build: build(func(p prog) {
		p.Observe(func(t *schedule.Thread) bool { return p.x.ReadOnce(t) == 1 },
			func(t *schedule.Thread) { p.x.WriteOnce(t, 1) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}, {
	// As above, with a pointer.
	Name: "OBSERVE+pointer", Build: pointers(func(p ptrProg) {
		p.Begin(func(e *schedule.Exec) { p.keep.Put(p.cache.AllocBoot(e)) })
		p.Observe(func(t *schedule.Thread) bool { return p.p.Read(t) != nil },
			func(t *schedule.Thread) { p.p.Write(t, p.keep.Get()) })
	}),
	Verdict: litmus.Sometimes, Counts: "10 pass, 15 exists",
}}

// TestMemory runs the table.
func TestMemory(t *testing.T) { litmus.Run(t, litmusTests) }

// TestPointers runs the table of pointers.
func TestPointers(t *testing.T) { litmus.Run(t, pointerTests) }

// TestValues runs the table of what is read and written.
func TestValues(t *testing.T) { litmus.Run(t, valueTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, pointerTests, valueTests) }
