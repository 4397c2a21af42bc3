// Package protocol holds the one program that other tools have been given too: several
// lookups of a reference-counted object against its one destroyer, with a liveness check
// and an RCU callback that frees. It is no model of any kernel file but the smallest
// protocol of the kind of [lookup_ioctx], written such that it reads the same in Promela
// and in Murphi: scripts/compare has it for both, and runs all of them.
//
//	io_destroy                      lookup, N of them
//	D1 p = xchg(table, NULL)        L1 rcu_read_lock
//	D2 dead = 1                     L2 p = table; if it is NULL go on at L4
//	D3 zero = --ref == 0            L3 if !dead: ref++, got = 1   (racy: always)
//	D4 if zero: call_rcu(free)      L4 rcu_read_unlock; if !got: done
//	                                L5 use it: nobody may have freed it
//	RCU callback                    L6 zero = --ref == 0
//	R1 once queued, and no lookup   L7 if zero: call_rcu(free)
//	   between L1 and L4: freed = 1
//
// Every line is one step, also D4 and L7 where they do nothing. The numbers of states and
// interleavings are known from five tools, and a test pins ours to them.
//
// [lookup_ioctx]: https://git.kernel.org/linus/baf10564fbb6
package protocol

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// MaxLookups is the largest number of lookups. Nobody has explored so many.
const MaxLookups = 13

// Listed is the largest number of lookups that [Programs] has a program for.
const Listed = 6

// Locals says how the local variables of the threads are part of the state.
type Locals int

const (
	// Observed is what package schedule does of itself: the state of a thread is what it
	// has seen so far, until it has finished. This is not a state vector as others have
	// it. It remembers more of a thread that runs (that it has seen NULL, after that
	// has stopped to matter) and less of one that has finished (nothing).
	Observed Locals = iota
	// Live is the state vector that remembers of each thread its place, got and zero.
	Live
	// All is Live with the pointer p of each lookup, which is dead after L3. A tool that
	// is not told so (TLC, Rumur) has this vector.
	All
)

// Programs returns the protocol for 1 to Listed lookups, racy and fixed.
func Programs() []program.Program {
	var out []program.Program
	for n := 1; n <= Listed; n++ {
		out = append(out, New(n, true, Live), New(n, false, Live))
	}
	return out
}

// New returns the protocol with n lookups, 1 to MaxLookups.
func New(n int, racy bool, locals Locals) program.Program {
	if n < 1 || n > MaxLookups {
		panic(fmt.Sprintf("protocol: %d lookups, want 1 to %d", n, MaxLookups))
	}
	p := program.Program{
		Object: "protocol", Scenario: "lookup-vs-destroy", Versions: "none",
		Variant: fmt.Sprintf("fixed-%d", n), Patches: "a reference is taken if the object is live",
		New: func() program.Instance { return newMachine(n, racy, locals).instance() },
	}
	if locals != Observed {
		p.Class = class
	}
	if racy {
		p.Variant = fmt.Sprintf("racy-%d", n)
		p.Patches = "a reference is taken whether the object is live or not"
		p.Expect = []program.Expect{{Kind: schedule.UseAfterFree, Preemptions: 2}}
	}
	return p
}

// A machine is the shared memory of the protocol and its threads.
type machine struct {
	schedule.Object
	table, dead, ref, queued, freed schedule.Cell

	racy    bool
	locals  Locals
	dzero   schedule.Cell // local of the destroyer
	lookups []*lookup

	// places says where each thread is: what its observations say too, for symmetry.go.
	places  [MaxLookups + 3]uint64
	numbers []uint8 // of the threads, as canonical returns them
}

// A lookup is one of the threads that look the object up.
type lookup struct {
	schedule.Object
	m       *machine
	reading schedule.Cell // between rcu_read_lock and rcu_read_unlock

	saw, got, zero schedule.Cell // locals
}

func newMachine(n int, racy bool, locals Locals) *machine {
	m := &machine{racy: racy, locals: locals}
	m.Bind(m, "ctx")
	for range n {
		l := &lookup{m: m}
		l.Bind(l, "reader")
		m.lookups = append(m.lookups, l)
	}
	return m
}

// instance returns what begins an execution: the table has the object, which has one
// reference.
func (m *machine) instance() program.Instance {
	begin := func(e *schedule.Exec) {
		clear(m.places[:])
		e.Static(&m.Object, 0)
		m.table.Set(1)
		m.ref.Set(1)
		for i, l := range m.lookups {
			e.Static(&l.Object, i)
		}
		e.Go("io_destroy", m.destroy)
		for _, l := range m.lookups {
			e.Go("lookup", l.run)
		}
		e.Agent("rcu", m)
	}
	in := program.Instance{Begin: begin, Abstract: m.abstract}
	if m.locals != Observed {
		in.Canonical = m.canonical
	}
	return in
}

// abstract tells the shared words, without the readers.
func (m *machine) abstract(_ *schedule.Exec, hit func(word uint64)) {
	word := m.ref.Value()
	for _, c := range []*schedule.Cell{&m.table, &m.dead, &m.queued, &m.freed} {
		word = word<<1 | c.Value()
	}
	hit(word)
}

// destroy is the thread of io_destroy.
func (m *machine) destroy(t *schedule.Thread) {
	// D1
	t.Step(schedule.Op{Verb: "xchg", Cell: &m.table, Mode: schedule.RMWFull})
	m.table.Set(0) // one destroyer: it was there
	m.at(t, 1)

	// D2
	t.Step(schedule.Op{Verb: "percpu_ref_kill", Cell: &m.dead, Mode: schedule.WriteOnce})
	m.dead.Set(1)
	m.at(t, 2)

	// D3
	zero := m.put(t)
	m.keep(&m.dzero, zero, Live)
	m.at(t, 3)

	// D4
	m.callRCU(t, zero)
}

// run is the thread of a lookup.
func (l *lookup) run(t *schedule.Thread) {
	m := l.m
	// L1
	t.Step(schedule.Op{Verb: "rcu_read_lock", Cell: &l.reading, Mode: schedule.WriteOnce})
	l.reading.Set(1)
	m.at(t, 1)

	// L2
	t.Step(schedule.Op{Verb: "rcu_dereference", Cell: &m.table, Mode: schedule.ReadOnce})
	saw := t.ObserveBool(m.table.Value() != 0)
	m.keep(&l.saw, saw, All)
	got := false
	if saw {
		m.at(t, 2)
		// L3
		t.Step(schedule.Op{Verb: "tryget_live", Cell: &m.ref, Mode: schedule.RMWFull})
		if got = t.ObserveBool(m.racy || m.dead.Value() == 0); got {
			m.ref.Set(m.ref.Value() + 1)
		}
		m.keep(&l.got, got, Live)
	}
	m.at(t, 3)

	// L4
	t.Step(schedule.Op{Verb: "rcu_read_unlock", Cell: &l.reading, Mode: schedule.UnlockOp})
	l.reading.Set(0)
	if !got {
		return
	}
	m.at(t, 4)

	// L5
	t.Step(schedule.Op{Verb: "use", Cell: &m.freed, Mode: schedule.ReadOnce})
	if m.freed.Value() != 0 {
		t.Fail(schedule.UseAfterFree, &m.Object, schedule.Party{}, "")
	}
	m.at(t, 5)

	// L6
	zero := m.put(t)
	m.keep(&l.zero, zero, Live)
	m.at(t, 6)

	// L7
	m.callRCU(t, zero)
}

// put takes a reference away and reports whether it was the last.
func (m *machine) put(t *schedule.Thread) (zero bool) {
	t.Step(schedule.Op{Verb: "ref_put", Cell: &m.ref, Mode: schedule.RMWFull})
	m.ref.Set(m.ref.Value() - 1)
	return t.ObserveBool(m.ref.Value() == 0)
}

// callRCU queues the callback, if the reference was the last.
func (m *machine) callRCU(t *schedule.Thread, zero bool) {
	t.Step(schedule.Op{Verb: "call_rcu", Cell: &m.queued, Mode: schedule.RMWFull})
	if zero {
		m.queued.Set(1)
	}
}

// Ready implements [schedule.Agent]: the callback is queued, has not run, and no lookup
// is reading.
func (m *machine) Ready(*schedule.Thread) bool {
	if m.queued.Value() == 0 || m.freed.Value() != 0 {
		return false
	}
	for _, l := range m.lookups {
		if l.reading.Value() != 0 {
			return false
		}
	}
	return true
}

// Run implements [schedule.Agent].
func (m *machine) Run(t *schedule.Thread) {
	// R1
	t.Begin(schedule.Op{Verb: "free", Cell: &m.freed, Mode: schedule.WriteOnce})
	m.freed.Set(1)
}

// at says that t is at a place, and that its locals are in cells.
func (m *machine) at(t *schedule.Thread, place uint64) {
	m.places[t.ID] = place
	if m.locals != Observed {
		t.Forget(place)
	}
}

// keep makes a local variable part of the state, if the vector has it.
func (m *machine) keep(c *schedule.Cell, v bool, least Locals) {
	if m.locals >= least && v {
		c.Set(1)
	}
}
