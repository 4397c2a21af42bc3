package aio

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is the programs of the other races in the history of fs/aio.c, each in a
// kernel that has it and in one that has not.

// cookieMoved is where mremap() puts the ring of the context at cookie 1.
const cookieMoved = 2

// histories are the scenarios, each with variants of its own.
var histories = []struct {
	scenario
	variants []program.Variant
	expect   map[string][]program.Expect
}{{
	// User space can guess the cookie of a context before io_setup has returned it.
	scenario: scenario{name: "io_setup-vs-io_destroy", threads: []thread{setup, destroy}},
	variants: []program.Variant{
		{Name: "3.2", Versions: "2.6.38-3.2", Changes: before33 | copiesCookie | setupNoRef,
			About: "io_setup has no reference of its own"},
		{Name: "3.3", Versions: "3.3-3.9", Changes: before33 | copiesCookie,
			About: "86b62a2c: io_setup has one"},
	},
	expect: map[string][]program.Expect{"3.2": afterFree},
}, {
	// A request may start after io_destroy has waited for all.
	scenario: scenario{name: "io_submit-vs-io_destroy", threads: []thread{submit, destroy},
		contexts: 1, device: true},
	variants: []program.Variant{
		{Name: "1b-no-dead-test", Versions: "mutant", Changes: lookupIncNotZero,
			About: "1b without 7137c6bd: io_submit has no test of dead"},
	},
	// The use after free: the request may also have ended before the last reference goes,
	// and aio_complete not yet.
	expect: map[string][]program.Expect{
		"1b-no-dead-test": {
			program.Fails(schedule.BugOn, 1), program.Fails(schedule.UseAfterFree, 3),
		},
	},
}, {
	// The loser of two must not leave its wait to the winner.
	scenario: scenario{name: "io_destroy-vs-io_destroy", threads: []thread{destroy, destroy},
		contexts: 1},
	variants: []program.Variant{
		{Name: "1f-early-wait", Versions: "mutant", Changes: table417 | waitBeforeDead,
			About: "1f with rq_wait set before the xchg of dead"},
	},
	expect: map[string][]program.Expect{
		"1f-early-wait": {
			program.Fails(schedule.UseAfterFree, 1), program.Fails(schedule.Deadlock, 2),
		},
	},
}, {
	// Two contexts that are neighbours on the hlist go at once.
	scenario: scenario{name: "io_destroy-vs-io_destroy-neighbour",
		threads: []thread{destroyOther, destroy}, contexts: 2},
	variants: []program.Variant{
		{Name: "3.10.4", Versions: "3.10.4-3.11", Changes: refcounting | killUnlocked,
			About: "kill_ioctx deletes from the hlist without ioctx_lock"},
		{Name: "1c", Versions: "3.10.65", Changes: refcounting, About: "with ioctx_lock"},
	},
	expect: map[string][]program.Expect{"3.10.4": afterFree},
}, {
	scenario: scenario{name: "io_destroy-vs-aio_complete", threads: []thread{destroy},
		contexts: 1, device: true, requests: 1},
	variants: []program.Variant{
		{Name: "4.16", Versions: "4.16.13", Changes: table417 &^ cancelFirst,
			About: "aio_complete looks whether the request has ever been on the list"},
		{Name: "1f", Versions: "4.17", Changes: table417,
			About: "4faa99965e02: free_ioctx_users cancels first"},
		{Name: "75321b5", Versions: "mutant", Changes: table417&^cancelFirst | emptyTest,
			About: "75321b50a9c8 without 4faa99965e02: aio_complete looks whether it is"},
		{Name: "4.18", Versions: "4.18", Changes: table417 | emptyTest,
			About: "75321b50a9c8 with 4faa99965e02"},
	},
	expect: map[string][]program.Expect{"75321b5": afterFree},
}, {
	// A finding, not history: two requests are cancelled, and the first that ends is counted off
	// twice, so that nobody waits for the other.
	scenario: scenario{name: "io_destroy-vs-aio_complete-of-two", threads: []thread{destroy},
		contexts: 1, device: true, requests: 2},
	variants: []program.Variant{
		{Name: "1c", Versions: "3.10.65", Changes: refcounting,
			About: "aio_complete counts a cancelled request off twice"},
		{Name: "1c-once", Versions: "mutant", Changes: refcounting | cancelOnce,
			About: "1c where it counts it off once"},
	},
	expect: map[string][]program.Expect{
		"1c": {program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.BugOn, 0)},
	},
}, {
	scenario: scenario{name: "mremap-vs-io_destroy", threads: []thread{moveRing, destroy},
		contexts: 1},
	variants: []program.Variant{
		{Name: "3.19", Versions: "3.19", Changes: ioctxTable | drains | ringMoves,
			About: "mremap() moves the ring of a context that is being killed"},
		{Name: "4.0", Versions: "4.0", Changes: ioctxTable | drains | ringMoves | deadUnderLock,
			About: "b2edffdd912b: mremap() of it fails"},
	},
	expect: map[string][]program.Expect{"3.19": {program.Fails(schedule.LostUpdate, 1)}},
}}

// mremap is mremap() of a ring, with aio_ring_remap() in it.
func (mm *mmStruct) mremap(t *schedule.Thread, from, to int) {
	mm.mmapSem.DownWrite(t)
	if slot := mm.ring[from].Read(t); slot != 0 {
		mm.ring[from].Write(t, 0) // move_page_tables
		mm.ring[to].Write(t, slot)
		if !mm.aioRingRemap(t, from, to) && mm.Has(deadUnderLock) {
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
			if found = !mm.Has(deadUnderLock) || ctx.dead.Read(t) == 0; found {
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

// bootRequest_ gives the device a request that can be cancelled.
func (s *system) bootRequest_(e *schedule.Exec) {
	req := s.reqCache.AllocBoot(e)
	req.kiCancel.Init(cancelFn)
	req.kiRefcnt.Init(1)
	if s.Has(ioctxTable) {
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

// History returns the programs of this file, of getevents.go and of ring.go.
func History() []program.Program {
	var out []program.Program
	for i := range histories {
		h := &histories[i]
		out = append(out, program.Model[*system]{
			Object:    "fs/aio",
			Variants:  h.variants,
			Scenarios: []program.Scenario[*system]{h.listed()},
			Expected:  program.Table{h.name: h.expect},
			System:    newSystem,
		}.Programs()...)
	}
	return slices.Concat(out, getevents68.Programs(), rings.Programs())
}
