package mem_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/refcount"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/seqlock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// hands are ways to hand something over.
type hands struct {
	schedule.Object
	spin  spin.Lock
	mutex mutex.Mutex
	sem   rwsem.Sem
	done  completion.Completion
	seq   seqlock.Lock
	refs  refcount.Refcount
}

// handOver has P0 store x, and then z, and hand them over. P1 has seen z before it takes them, so
// that it might have loaded x before. Bad is that it takes them and finds x as it was.
func handOver(
	gives func(p prog, h *hands, t *schedule.Thread),
	takes func(p prog, h *hands, t *schedule.Thread) bool,
) func(*litmus.Program) {
	return build(func(p prog) {
		h := litmus.Static[hands](p.Program, "h")
		p.Begin(func(*schedule.Exec) { h.refs.Init(2) })
		p.Thread("P0", func(t *schedule.Thread) {
			p.x.Write(t, 1)
			p.z.StoreRelease(t, 1)
			gives(p, h, t)
		})
		p.Thread("P1", func(t *schedule.Thread) {
			p.z.Read(t)
			if takes(p, h, t) {
				p.r[0].SetBool(p.x.Read(t) == 0)
			}
		})
		p.Exists(func() bool { return p.is(1) })
	})
}

var handOverTests = []litmus.Test{{
	Name: "HAND+nothing",
	Build: handOver(func(p prog, _ *hands, t *schedule.Thread) { p.y.Write(t, 1) },
		func(p prog, _ *hands, t *schedule.Thread) bool { return p.y.Read(t) == 1 }),
	Verdict: litmus.Sometimes, Counts: "285 pass, 98 exists",
}, {
	Name: "HAND+completion",
	Build: handOver(func(_ prog, h *hands, t *schedule.Thread) { h.done.Complete(t) },
		func(_ prog, h *hands, t *schedule.Thread) bool { h.done.WaitForCompletion(t); return true }),
	Verdict: litmus.Never, Counts: "12 pass",
}, {
	Name: "HAND+mutex",
	Build: handOver(func(p prog, h *hands, t *schedule.Thread) {
		h.mutex.Lock(t)
		p.y.Write(t, 1)
		h.mutex.Unlock(t)
	}, func(p prog, h *hands, t *schedule.Thread) bool {
		h.mutex.Lock(t)
		y := p.y.Read(t)
		h.mutex.Unlock(t)
		return y == 1
	}),
	Verdict: litmus.Never, Counts: "1972 pass",
}, {
	Name: "HAND+trylock",
	Build: handOver(func(p prog, h *hands, t *schedule.Thread) {
		h.spin.Lock(t)
		p.y.Write(t, 1)
		h.spin.Unlock(t)
	}, func(p prog, h *hands, t *schedule.Thread) bool {
		if !h.spin.Trylock(t) {
			return false
		}
		y := p.y.Read(t)
		h.spin.Unlock(t)
		return y == 1
	}),
	Verdict: litmus.Never, Counts: "704 pass",
}, {
	Name: "HAND+rwsem",
	Build: handOver(func(p prog, h *hands, t *schedule.Thread) {
		h.sem.DownWrite(t)
		p.y.Write(t, 1)
		h.sem.UpWrite(t)
	}, func(p prog, h *hands, t *schedule.Thread) bool {
		h.sem.DownRead(t)
		y := p.y.Read(t)
		h.sem.UpRead(t)
		return y == 1
	}),
	Verdict: litmus.Never, Counts: "582 pass",
}, {
	Name: "HAND+seqlock",
	Build: handOver(func(p prog, h *hands, t *schedule.Thread) {
		h.seq.WriteSeqlock(t)
		p.y.Write(t, 1)
		h.seq.WriteSequnlock(t)
	}, func(p prog, h *hands, t *schedule.Thread) bool {
		seq := h.seq.ReadSeqbegin(t)
		y := p.y.Read(t)
		return !h.seq.ReadSeqretry(t, seq) && y == 1
	}),
	Verdict: litmus.Never, Counts: "53188 pass",
}, {
	// Who drops the last reference sees what the others have stored before they dropped theirs.
	Name: "HAND+refcount",
	Build: handOver(func(_ prog, h *hands, t *schedule.Thread) { h.refs.DecAndTest(t) },
		func(_ prog, h *hands, t *schedule.Thread) bool { return h.refs.DecAndTest(t) }),
	Verdict: litmus.Never, Counts: "42 pass",
}}

// TestHandOver runs the table of what is handed over where loads pass loads.
func TestHandOver(t *testing.T) {
	for i := range handOverTests {
		handOverTests[i].RMO = true
	}
	litmus.Run(t, handOverTests)
}
