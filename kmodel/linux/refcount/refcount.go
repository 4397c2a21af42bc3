// Package refcount is refcount_t (include/linux/refcount.h): a count of references that
// warns when it is misused.
//
// Steps: every operation is one. Read and Inc order nothing; DecAndTest releases, and acquires if
// the count falls to 0.
//
// Misuse: taking up a count that is 0 ([schedule.RefResurrect]), dropping a reference that
// there is not ([schedule.RefUnderflow]). Both can be muted. The kernel goes on with a
// count that is saturated: it does not change any more, and the object is never freed. Whoever
// drops a reference of that is told of an underflow again; who takes one up is told that it is
// saturated, which is no failure here.
//
// Not modelled: counts that overflow, refcount_inc_not_zero(); and what was before v5.5, where
// a count of 0 that was taken up could stay 0.
package refcount

import "github.com/kschedfuzz/kschedfuzz/schedule"

// saturated is REFCOUNT_SATURATED.
const saturated = -1 << 30

// A Refcount is a refcount_t.
type Refcount struct{ refs schedule.Cell }

func (r *Refcount) step(t *schedule.Thread, verb string, m schedule.Mode) int {
	t.Step(schedule.Op{Verb: verb, Cell: &r.refs, Mode: m})
	return r.Peek()
}

func (r *Refcount) set(n int) { r.refs.Set(uint64(n)) }

// Read is refcount_read().
func (r *Refcount) Read(t *schedule.Thread) int {
	t.Step(schedule.Op{Verb: "refcount_read", Cell: &r.refs, Mode: schedule.ReadOnce})
	return int(t.Observe(t.Load(&r.refs)))
}

// Inc is refcount_inc(): the caller knows that there is a reference.
func (r *Refcount) Inc(t *schedule.Thread) {
	switch n := r.step(t, "refcount_inc", schedule.RMW); {
	case n == saturated:
	case n == 0:
		t.Warn(schedule.RefResurrect, r.refs.Object(), schedule.Party{}, "addition on 0")
		r.set(saturated)
	default:
		r.set(n + 1)
	}
}

// DecAndTest is refcount_dec_and_test(): it reports whether the count fell to 0.
func (r *Refcount) DecAndTest(t *schedule.Thread) bool {
	n := r.step(t, "refcount_dec_and_test", schedule.RMW|schedule.Release|schedule.Acquire)
	switch n {
	case 0, saturated:
		t.Warn(schedule.RefUnderflow, r.refs.Object(), schedule.Party{}, "underflow")
		r.set(saturated)
	default:
		r.set(n - 1)
	}
	return t.ObserveBool(n == 1)
}

// Init is refcount_set() on memory that nobody else can see yet: no step.
func (r *Refcount) Init(n int) { r.set(n) }

// Peek returns the count without a step, for fingerprints and final checks.
func (r *Refcount) Peek() int { return int(r.refs.Value()) }
