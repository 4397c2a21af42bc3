package lockdep_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A doing is a thread, and what the prover is told of it.
type doing struct {
	v *locks
	t *schedule.Thread
	p *prover
	*task
	missed map[int]bool // which of its trylocks have failed
	at     int          // which deed it is about
}

// do does some deeds.
func (d *doing) do(deeds []deed) {
	for i, f := range deeds {
		d.at = i
		f(d)
	}
}

// A deed is what it does next.
type deed func(d *doing)

// A wanted is a lock as random programs take it.
type wanted struct {
	id, plain     string
	lock          lock
	try           func(d *doing) bool // instead: reports whether it was taken
	sleeps, again bool
	irq, bh       bool
}

// wants are all of them.
var wants = []wanted{
	{id: "a", lock: a, sleeps: true}, {id: "b", lock: b, sleeps: true},
	{id: "r", lock: read, sleeps: true, again: true}, {id: "r", lock: write, sleeps: true},
	{id: "q", lock: readQ, sleeps: true}, {id: "q", lock: downgraded_, sleeps: true},
	{id: "s", lock: s}, {id: "s", lock: sIrq, irq: true}, {id: "s", lock: sBh, bh: true},
	{id: "s", lock: sIrq, irq: true, try: func(d *doing) bool { return d.v.s.TrylockIrq(d.t) }},
	{id: "t", lock: tOnly, try: func(d *doing) bool { return d.v.t.Trylock(d.t) }},
	{id: "t", lock: tOnly}, {id: "u", lock: u}, {id: "u", lock: uIrq, irq: true},
	{id: "u", lock: u, try: func(d *doing) bool { return d.v.u.Trylock(d.t) }},
	{id: "l0", plain: "locks->l[*]", lock: l0}, {id: "l1", plain: "locks->l[*]", lock: l1},
}

func tOnly(v *locks) (down, up func(t *schedule.Thread)) { return v.t.Lock, v.t.Unlock }

// downgraded_ is a lock taken for writing that is held for reading.
func downgraded_(v *locks) (down, up func(t *schedule.Thread)) {
	down = func(t *schedule.Thread) {
		v.q.DownWrite(t)
		v.q.DowngradeWrite(t)
	}
	return down, v.q.UpRead
}

func (w wanted) class() string {
	if w.plain != "" {
		return w.plain
	}
	return "locks->" + w.id
}

// take is how it is taken, as the nth thing of its thread.
func (w wanted) take(n int) deed {
	return func(d *doing) {
		if w.irq {
			d.irqs++
		}
		if w.bh {
			d.bhs++
		}
		h := taken{id: w.id, plain: w.class(), try: w.try != nil}
		if w.try != nil {
			if d.missed[n] = !w.try(d); d.missed[n] {
				if w.irq {
					d.irqs--
				}
				return
			}
			d.p.acquire(d.task, h)
			return
		}
		d.p.acquire(d.task, h)
		down, _ := w.lock(d.v)
		down(d.t)
	}
}

// give is how it is given back.
func (w wanted) give(n int) deed {
	return func(d *doing) {
		if d.missed[n] {
			return
		}
		_, up := w.lock(d.v)
		up(d.t)
		d.p.release(d.task, w.id)
		if w.irq {
			d.p.irqsOn(d.task)
		}
		if w.bh {
			d.p.bhsOn(d.task)
		}
	}
}

// flushes waits for a work item.
func flushes(item string, f locking) deed {
	return func(d *doing) {
		d.p.acquire(d.task, taken{id: item, plain: item, item: true})
		f(d.v, d.t)
		d.p.release(d.task, item)
	}
}

func irqsOff(d *doing) {
	preempt.LocalIrqDisable(d.t)
	d.irqs++
}

func irqsOnAgain(d *doing) {
	preempt.LocalIrqEnable(d.t)
	d.p.irqsOn(d.task)
}

func bhsOff(d *doing) {
	preempt.LocalBhDisable(d.t)
	d.bhs++
}

func bhsOnAgain(d *doing) {
	preempt.LocalBhEnable(d.t)
	d.p.bhsOn(d.task)
}

// A writer writes what a thread does, such that it breaks no rule but that of order.
type writer struct {
	*rand.Rand
	deeds      []deed
	held       []open
	irqs, bhs  int
	rcus       int
	soft, hard bool // it is a handler
}

// An open is what is to be given back yet.
type open struct {
	wanted
	n int
}

// writes returns some deeds, and what is needed for all to end well. Those of a handler may not
// sleep.
func writes(rng *rand.Rand, n int, soft, hard bool) []deed {
	w := &writer{Rand: rng, soft: soft, hard: hard}
	for range n {
		w.next()
	}
	for w.irqs > 0 || w.bhs > 0 || w.rcus > 0 || len(w.held) > 0 {
		w.less()
	}
	return w.deeds
}

func (w *writer) add(d deed) { w.deeds = append(w.deeds, d) }

func (w *writer) maySleep() bool {
	return !w.soft && !w.hard && w.irqs+w.bhs+w.rcus == 0 &&
		!slices.ContainsFunc(w.held, func(o open) bool { return !o.sleeps })
}

// offs returns how often irqs, or softirqs, are off by all that is not given back.
func (w *writer) offs(bh bool) int {
	n := w.irqs
	if bh {
		n = w.bhs
	} else if w.hard {
		n++
	}
	for _, o := range w.held {
		if o.irq && !bh || o.bh && bh {
			n++
		}
	}
	return n
}

func (w *writer) next() {
	switch k := w.IntN(19); {
	case k < 10:
		w.more(wants[w.IntN(len(wants))])
	case k < 15:
		w.less()
	case k == 15:
		w.irqs++
		w.add(irqsOff)
	case k == 16 && !w.hard:
		w.bhs++
		w.add(bhsOff)
	case k == 17:
		w.rcus++
		w.add(func(d *doing) { rcu.ReadLock(d.t) })
	case k == 18 && w.maySleep():
		w.add(flushes("(work_completion)(&locks->w)", flush))
	}
}

func (w *writer) more(l wanted) {
	twice := slices.ContainsFunc(w.held, func(o open) bool {
		return o.id == l.id && !(o.again && l.again)
	})
	if twice || l.sleeps && !w.maySleep() || l.bh && w.offs(false) > 0 {
		return
	}
	n := len(w.deeds)
	w.add(l.take(n))
	w.held = append(w.held, open{l, n})
}

// less ends something, if it can.
func (w *writer) less() {
	switch k := w.IntN(4 + len(w.held)); {
	case k == 0 && w.irqs > 0:
		w.irqs--
		w.add(irqsOnAgain)
	case k == 1 && w.bhs > 0 && w.offs(false) == 0:
		w.bhs--
		w.add(bhsOnAgain)
	case k == 2 && w.rcus > 0:
		w.rcus--
		w.add(func(d *doing) { rcu.ReadUnlock(d.t) })
	case k >= 4:
		o := w.held[k-4]
		if o.bh && w.offs(false) > 0 {
			return
		}
		w.held = slices.Delete(w.held, k-4, k-3)
		w.add(o.give(o.n))
	}
}

// told makes a program of random deeds, of which a prover is told.
func told(rng *rand.Rand, p *prover) func(*litmus.Program) {
	p0, p1 := writes(rng, 4+rng.IntN(8), false, false), writes(rng, 4+rng.IntN(8), false, false)
	item := writes(rng, rng.IntN(6), false, false)
	irq, soft := writes(rng, rng.IntN(5), false, true), writes(rng, rng.IntN(5), true, false)
	does := func(v *locks, t *schedule.Thread, as task, deeds []deed) {
		d := &doing{v: v, t: t, p: p, task: p.task(t.ID), missed: map[int]bool{}}
		held := d.held
		*d.task = as
		d.held = held
		d.do(deeds)
	}
	return func(lp *litmus.Program) {
		v := litmus.Static[locks](lp, "v")
		v.irq.Init(func(t *schedule.Thread) { does(v, t, task{hard: true, irqs: 1}, irq) })
		softly := func(t *schedule.Thread) { does(v, t, task{soft: true, bhs: 1}, soft) }
		v.softirq.Init(softly)
		v.head.Init(softly)
		v.w.Init(func(t *schedule.Thread) {
			const class = "(work_completion)(&locks->w)"
			d := &doing{p: p, task: p.task(t.ID)}
			p.acquire(d.task, taken{id: class, plain: class, item: true})
			does(v, t, task{}, item)
			p.release(d.task, class)
		})
		lp.Begin(func(e *schedule.Exec) {
			p.begin()
			rcu.Boot(e, rcu.Merged)
			workqueue.Boot(e, 1)
		})
		lp.Agents(func(e *schedule.Exec) {
			t := e.Go("P0", func(t *schedule.Thread) {
				rcu.Call(t, &v.head)
				does(v, t, task{}, p0)
			})
			interrupt.Boot(e, "irq", &v.irq, t, 1)
			interrupt.BootSoftirq(e, "timer", &v.softirq, t, 1)
		})
		lp.Thread("P1", func(t *schedule.Thread) {
			workqueue.ScheduleWork(t, &v.w)
			does(v, t, task{}, p1)
		})
	}
}

// TestProver runs random executions of random programs, and holds what is known then against
// what the prover has been told: what leads to what, how each class is used, whether anything is
// reported, as what, and of which classes.
func TestProver(t *testing.T) {
	seeds := uint64(1200)
	if testing.Short() {
		seeds = 300
	}
	titles := map[string]int{}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 7))
		p := newProver()
		row := litmus.Test{Build: told(rng, p)}
		var o lockdep.Order
		r := schedule.NewRunner(lockdep.Watched(row.Schedule(), &o))
		for range 20 {
			res := r.Run(chooser{rng})
			if res.Outcome != schedule.Pass && res.Failure.Kind != schedule.Deadlock {
				t.Fatalf("seed %d: %+v", seed, res)
			}
		}
		r.Close()
		leads, uses := orderOf(&o)
		found, wrong := map[string]bool{}, map[string]bool{}
		for _, rep := range o.Reports() {
			switch title := rep.Title; title {
			case lockdep.Circular:
				found[title] = true
				for _, c := range rep.Chain {
					wrong[c+" is in a circle"] = true
				}
			case lockdep.Inversion, lockdep.Inconsistent:
				found[lockdep.Inconsistent] = true
				wrong[rep.Chain[0]+" "+rep.Facts[0].Kind.String()] = true
			default:
				found[title] = true
			}
		}
		got := fmt.Sprint(leads, uses, sorted(found), sorted(wrong))
		if want := fmt.Sprint(closure(p.after), p.uses(), sorted(p.found), p.wrong()); got != want {
			t.Fatalf("seed %d:\n%s, want\n%s", seed, got, want)
		}
		for title := range found {
			titles[title]++
		}
		if len(found) == 0 {
			titles[""]++
		}
	}
	fewest := slices.Min(slices.Collect(maps.Values(titles)))
	if t.Log(titles); len(titles) != 4 || fewest < int(seeds)/30 {
		t.Errorf("too few of %d programs have each report, or none: %v", seeds, titles)
	}
}

// orderOf returns what leads to what, and how each class is used, as the prover says it.
func orderOf(o *lockdep.Order) (leads, uses []string) {
	after := map[string]map[string]bool{}
	for _, f := range o.Facts() {
		switch f.Kind {
		case lockdep.Dependency:
			if after[f.From] == nil {
				after[f.From] = map[string]bool{}
			}
			after[f.From][f.To] = true
		case lockdep.Recursion:
		default:
			uses = append(uses, f.To+" "+f.Kind.String())
		}
	}
	slices.Sort(uses)
	return closure(after), uses
}
