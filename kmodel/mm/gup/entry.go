package gup

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// page is struct page with what is in the page, one word.
type page struct {
	schedule.Object
	refcount atomic.Int // _refcount
	data     mem.Int
}

// getPage is get_page().
func (p *page) getPage(t *schedule.Thread) { p.refcount.Inc(t) }

// putPage is put_page().
func (p *page) putPage(t *schedule.Thread) {
	if p.refcount.DecAndTest(t) {
		slab.Free(t, "free_page", p)
	}
}

// value is what is in a pte_t or pmd_t. None is writable here: maybe_mkwrite() of a mapping that
// is not makes none.
type value struct {
	page  *page
	dirty bool
}

func (v value) none() bool { return v.page == nil }

// entry is a pte_t or pmd_t: one word for the kernel, so each step has all of it.
type entry struct {
	schedule.Ptr[*page]
	dirty schedule.Cell
}

// read_ is a plain read.
func (e *entry) read_(t *schedule.Thread) value {
	t.Step(schedule.Op{Verb: "read", Cell: &e.Cell, Mode: schedule.PlainRead})
	p, v := e.Load(t)
	t.LoadsNoOlder(&e.dirty)
	dirty := t.Observe(t.Load(&e.dirty)) != 0
	t.Observe(v)
	return value{p, dirty}
}

// A store is what traces call one, by whether it sets the dirty bit.
type store [2]string

var (
	setPteAt           = store{"set_pte_at", "set_pte_at (dirty)"}
	setPmdAt           = store{"set_pmd_at", "set_pmd_at (dirty)"}
	pmdpSetAccessFlags = store{1: "pmdp_set_access_flags (dirty)"}
)

// set_ is a store, by whoever has the lock.
func (e *entry) set_(t *schedule.Thread, as *store, v value) {
	t.Step(schedule.Op{Verb: as[v.bit()], Cell: &e.Cell, Mode: schedule.WriteOnce})
	e.Store(t, v.page)
	t.Store(&e.dirty, v.bit())
}

// getAndClear_ is ptep_get_and_clear() or another that does that.
func (e *entry) getAndClear_(t *schedule.Thread, verb string) {
	t.Step(schedule.Op{Verb: verb, Cell: &e.Cell, Mode: schedule.RMWFull})
	t.Observe(e.Value())
	e.Put(nil)
	e.dirty.Set(0)
}

// value returns what is there without a step, for fingerprints.
func (e *entry) value() value { return value{e.Get(), e.dirty.Value() != 0} }

// boot is what is there before the first step.
func (e *entry) boot(v value) {
	e.Put(v.page)
	e.dirty.Set(v.bit())
}

func (v value) bit() uint64 {
	if v.dirty {
		return 1
	}
	return 0
}
