package aio

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is the programs of the other races in the history of fs/aio.c, each in a
// kernel that has it and in one that has not.

// A scenario35 is a fixed scenario with variants of its own.
type scenario35 struct {
	name     string
	threads  []thread35
	contexts int  // that are there from the start, at cookies 1, 2 ...
	device   bool // and a device
	requests int  // and requests that can be cancelled
	variants []variant
	expect   map[string][]program.Expect
}

type thread35 struct {
	name string
	body func(s *system, t *schedule.Thread)
}

// cookieMoved is where mremap() puts the ring of the context at cookie 1.
const cookieMoved = 2

var destroy35 = thread35{"io_destroy",
	func(s *system, t *schedule.Thread) { s.calls.ioDestroy(t, 1) }}

var scenarios35 = []scenario35{{
	// User space can guess the cookie of a context before io_setup has returned it.
	name: "io_setup-vs-io_destroy",
	threads: []thread35{
		{"io_setup", func(s *system, t *schedule.Thread) { s.calls.ioSetup(t, 1) }}, destroy35,
	},
	variants: []variant{
		{"3.2", "2.6.38-3.2", "io_setup has no reference of its own",
			lookupIncNotZero | submitDeadTest | copiesCookie | setupNoRef},
		{"3.3", "3.3-3.9", "86b62a2c: io_setup has one",
			lookupIncNotZero | submitDeadTest | copiesCookie},
	},
	expect: map[string][]program.Expect{"3.2": {fails(schedule.UseAfterFree, 1)}},
}, {
	// A request may start after io_destroy has waited for all.
	name:     "io_submit-vs-io_destroy",
	contexts: 1, device: true,
	threads: []thread35{
		{"io_submit", func(s *system, t *schedule.Thread) { s.calls.ioSubmit(t, 1, false) }}, destroy35,
	},
	variants: []variant{
		{"1b-no-dead-test", "mutant", "1b without 7137c6bd: io_submit has no test of dead",
			lookupIncNotZero},
	},
	// The use after free: the request may also have ended before the last reference goes,
	// and aio_complete not yet.
	expect: map[string][]program.Expect{
		"1b-no-dead-test": {fails(schedule.BugOn, 1), fails(schedule.UseAfterFree, 3)},
	},
}, {
	// The loser of two must not leave its wait to the winner.
	name:     "io_destroy-vs-io_destroy",
	contexts: 1,
	threads: []thread35{
		{"io_destroy", destroy35.body}, destroy35,
	},
	variants: []variant{
		{"1f-early-wait", "mutant", "1f with rq_wait set before the xchg of dead",
			table417 | waitBeforeDead},
	},
	expect: map[string][]program.Expect{
		"1f-early-wait": {fails(schedule.UseAfterFree, 1), fails(schedule.Deadlock, 2)},
	},
}, {
	// Two contexts that are neighbours on the hlist go at once.
	name:     "io_destroy-vs-io_destroy-neighbour",
	contexts: 2,
	threads: []thread35{
		{"io_destroy", func(s *system, t *schedule.Thread) { s.calls.ioDestroy(t, 2) }}, destroy35,
	},
	variants: []variant{
		{"3.10.4", "3.10.4-3.11", "kill_ioctx deletes from the hlist without ioctx_lock",
			refcounting | killUnlocked},
		{"1c", "3.10.65", "with ioctx_lock", refcounting},
	},
	expect: map[string][]program.Expect{"3.10.4": {fails(schedule.UseAfterFree, 1)}},
}, {
	name:     "io_destroy-vs-aio_complete",
	contexts: 1, device: true, requests: 1,
	threads: []thread35{destroy35},
	variants: []variant{
		{"4.16", "4.16.13", "aio_complete looks whether the request has ever been on the list",
			table417 &^ cancelFirst},
		{"1f", "4.17", "4faa99965e02: free_ioctx_users cancels first", table417},
		{"75321b5", "mutant", "75321b50a9c8 without 4faa99965e02: aio_complete looks whether it is",
			table417&^cancelFirst | emptyTest},
		{"4.18", "4.18", "75321b50a9c8 with 4faa99965e02", table417 | emptyTest},
	},
	expect: map[string][]program.Expect{"75321b5": {fails(schedule.UseAfterFree, 1)}},
}, {
	// A finding, not history: two requests are cancelled, and the first that ends is counted off
	// twice, so that nobody waits for the other.
	name:     "io_destroy-vs-aio_complete-of-two",
	contexts: 1, device: true, requests: 2,
	threads: []thread35{destroy35},
	variants: []variant{
		{"1c", "3.10.65", "aio_complete counts a cancelled request off twice", refcounting},
		{"1c-once", "mutant", "1c where it counts it off once", refcounting | cancelOnce},
	},
	expect: map[string][]program.Expect{
		"1c": {fails(schedule.UseAfterFree, 0), fails(schedule.BugOn, 0)},
	},
}, {
	name:     "mremap-vs-io_destroy",
	contexts: 1,
	threads: []thread35{
		{"mremap", func(s *system, t *schedule.Thread) { s.mm.mremap(t, 1, cookieMoved) }}, destroy35,
	},
	variants: []variant{
		{"3.19", "3.19", "mremap() moves the ring of a context that is being killed",
			ioctxTable | drains | ringMoves},
		{"4.0", "4.0", "b2edffdd912b: mremap() of it fails",
			ioctxTable | drains | ringMoves | deadUnderLock},
	},
	expect: map[string][]program.Expect{"3.19": {fails(schedule.LostUpdate, 1)}},
}}

// mremap is mremap() of a ring, with aio_ring_remap() in it.
func (mm *mmStruct) mremap(t *schedule.Thread, from, to int) {
	mm.mmapSem.DownWrite(t)
	if slot := mm.ring[from].Read(t); slot != 0 {
		mm.ring[from].Write(t, 0) // move_page_tables
		mm.ring[to].Write(t, slot)
		if !mm.aioRingRemap(t, from, to) && mm.has(deadUnderLock) {
			mm.ring[to].Write(t, 0)
			mm.ring[from].Write(t, slot)
		}
	}
	mm.mmapSem.UpWrite(t)
}

// aioRingRemap is aio_ring_remap(). The kernel knows the ring by its file, which is the
// same before and after; here by its old cookie. In 3.19 it does not look whether the
// context is being killed.
func (mm *mmStruct) aioRingRemap(t *schedule.Thread, from, to int) bool {
	mm.ioctxLock.Lock(t)
	rcu.ReadLock(t)
	found := false
	table := mm.ioctxTable.Dereference(t)
	for i := range table.nr.Peek() {
		ctx := table.table[i].follow_(t, mm.system)
		if ctx != nil && ctx.userID.Peek() == from { // changes under mmap_sem only
			if found = !mm.has(deadUnderLock) || ctx.dead.Read(t) == 0; found {
				ctx.userID.Write(t, to)
			}
			break
		}
	}
	rcu.ReadUnlock(t)
	mm.ioctxLock.Unlock(t)
	return found
}

// checkRings_ fails if a ring is still mapped whose context is gone.
func (s *system) checkRings_(e *schedule.Exec) {
	for i := range s.mm.ring {
		if s.mm.ring[i].Peek() != 0 && s.ctxCache.InUse(e)[0].dead.Peek() != 0 {
			e.FailAtEnd(schedule.LostUpdate, &s.mm.Object, schedule.Party{},
				"the ring of a context that is gone is still mapped")
		}
	}
}

// instance builds the scenario over s.
func (sc *scenario35) instance(s *system) program.Instance {
	start := sc.starters(s)
	check := s.checkRings_
	begin := func(e *schedule.Exec) {
		s.boot(e)
		s.bootSlots = 1
		for i := range sc.contexts {
			s.calls.bootCtx(e, i+1)
		}
		if s.has(ringMoves) {
			e.AtEnd(check)
		}
		for _, f := range start {
			f(e)
		}
		for range sc.requests {
			s.bootRequest_(e)
		}
	}
	return program.Instance{Begin: begin, Abstract: s.abstract}
}

// bootRequest_ gives the device a request that can be cancelled.
func (s *system) bootRequest_(e *schedule.Exec) {
	req := s.reqCache.AllocBoot(e)
	req.kiCancel.Init(cancelFn)
	req.kiRefcnt.Init(1)
	if s.has(ioctxTable) {
		ctx := s.ctxCache.InUse(e)[0]
		req.kiCtx.Init(ctx)
		ctx.reqs.InitGet()
		ctx.activeReqs.Init(req)
	} else {
		ctx := s.listCtxCache.InUse(e)[0]
		req.kiListCtx.Init(ctx)
		req.kiUsers.Init(1) // io_submit has put the other
		ctx.reqsActive.Init(ctx.reqsActive.Peek() + 1)
		ctx.activeReqs.Init(req)
	}
	s.device.queue.PushBoot(req)
}

// starters returns the functions that create the threads, the agents last.
func (sc *scenario35) starters(s *system) []func(e *schedule.Exec) {
	var start []func(e *schedule.Exec)
	for _, th := range sc.threads {
		body := func(t *schedule.Thread) { th.body(s, t) }
		start = append(start, func(e *schedule.Exec) { e.Go(th.name, body) })
	}
	start = append(start, s.bootRCU, s.bootWorkqueue)
	if sc.device {
		start = append(start, func(e *schedule.Exec) { s.device.boot(e, nil) })
	}
	return start
}

// History returns the programs of this file.
func History() []program.Program {
	var out []program.Program
	expected := program.Table{}
	for i := range scenarios35 {
		sc := &scenarios35[i]
		expected[sc.name] = sc.expect
		for _, v := range sc.variants {
			out = append(out, program.Program{
				Object: "fs/aio", Scenario: sc.name, Variant: v.name,
				Versions: v.versions, Patches: v.about,
				New: func() program.Instance { return sc.instance(newSystem(v.patches)) },
			})
		}
	}
	return slices.Concat(expected.Fill(out), getevents68(), rings.Programs())
}
