package schedule

import (
	"fmt"
	"math/bits"
)

// Asked returns the number of the choice that a model asks for ([Thread.Choose]) among those of the
// step, from 1. It is 0 if the decision is of something else, as of what a load reads.
func (e *Exec) Asked() int {
	if !e.asking {
		return 0
	}
	return e.asked
}

// choose takes a decision that is not about threads.
func (e *Exec) choose(n int) int {
	if n == 1 {
		return 0
	}
	if n < 1 || n > MaxAlternatives {
		panic(fmt.Sprintf("schedule: Choose(%d): want 1 to %d", n, MaxAlternatives))
	}
	e.running, e.calm, e.enabled = nil, nil, Set{}
	d := e.decide(n)
	if d < 0 {
		e.unwind()
	}
	return d
}

// decide asks the chooser. It returns -1 if the execution is abandoned.
func (e *Exec) decide(n int) int {
	e.digest = (e.digest ^ e.enabled.lo ^ uint64(n)<<56) * stepMul
	if e.enabled.hi != 0 {
		e.digest = (e.digest ^ e.enabled.hi) * stepMul
	}
	d := e.chooser.Choose(e, n)
	if d < 0 {
		e.outcome = Abandoned
		return -1
	}
	if d >= n {
		panic(fmt.Sprintf("schedule: chooser answers %d of %d alternatives", d, n))
	}
	e.taken = append(e.taken, uint8(d))
	return d
}

// decideThread has one of the threads of set chosen, where prev has taken the last step.
func (e *Exec) decideThread(set Set, prev *Thread) int {
	e.running, e.calm = prev, prev
	if prev == nil || prev.state != parked || !set.Intersects(prev.self) {
		e.running, e.calm = nil, e.threads[set.First()]
	} else if prev.op.Mode&Sleeps != 0 {
		e.running = nil
	}
	e.enabled = set
	d := e.decide(set.Len())
	if d > 0 && e.running != nil {
		e.preemptions++
	}
	return d
}

// rank returns which of the alternatives d is if they are in the order of threads: which
// of them 0 stands for is up to who was running.
func (e *Exec) rank(d int) uint32 {
	if e.enabled.Empty() {
		return uint32(d)
	}
	calm := e.enabled.Below(e.calm.ID)
	switch {
	case d == 0:
		return uint32(calm)
	case d <= calm:
		return uint32(d - 1)
	}
	return uint32(d)
}

// open reports whether t is enabled.
func (t *Thread) open() bool {
	switch t.state {
	case parked:
		if h := t.cpu.handler; h != nil && h != t {
			return false
		}
		if t.exec.tso {
			return t.openBuffered()
		}
		return t.openGate()
	case idle:
		if t.handler && (t.cpu.irqsOff > 0 || t.cpu.stores != nil && t.cpu.stores.used() > 0) {
			return false
		}
		return t.agent.Ready(t)
	}
	return false
}

// openGate reports whether t, which is parked, need not wait.
func (t *Thread) openGate() bool {
	return t.gate == nil || t.gate.Open(t) || t.interrupted && t.op.Mode&Interruptible != 0
}

// pick decides who takes the next step and leaves it in e.next; nil if the execution is
// over. It runs on the coroutine of prev, the thread that has just parked or finished, so
// that a thread that goes on need not switch.
func (e *Exec) pick(prev *Thread) {
	e.last = prev
	e.next = nil
	set := e.openSet()
	if e.rec != nil {
		e.rec.enabled(e, set)
	}
	if set.Empty() {
		if set = e.quiesce(); set.Empty() {
			return
		}
	}
	if e.steps >= e.maxSteps {
		e.outcome, e.reason = Invalid, StepLimit
		return
	}
	if set.Rest().Empty() {
		e.next = e.threads[set.First()]
	} else {
		d := e.decideThread(set, prev)
		if d < 0 {
			return
		}
		e.next = e.Alternative(d)
		if e.rec != nil {
			e.rec.decided(e)
		}
	}
	if prev != nil && e.next != prev {
		e.switches++
	}
}

// openSet returns the threads that are enabled.
func (e *Exec) openSet() Set {
	set, ask := e.free, e.ask
	if e.interrupts > 0 {
		if e.foot != nil {
			return e.foot.openSet(e)
		}
		set, ask = Set{}, set.Union(ask)
	}
	for w := ask.lo; w != 0; w &= w - 1 {
		i := bits.TrailingZeros64(w)
		if e.threads[i].open() {
			set.lo |= 1 << i
		}
	}
	for w := ask.hi; w != 0; w &= w - 1 {
		i := bits.TrailingZeros64(w)
		if e.threads[wordBits+i].open() {
			set.hi |= 1 << i
		}
	}
	return set
}

// quiesce is called when no thread is enabled. Either all have finished, and the
// checks of the end are made; or all that have not are in interruptible waits, and get
// their signal; or it is a deadlock. A thread that no signal can wake is hung, whatever
// the others could be made to do.
func (e *Exec) quiesce() Set {
	var waiting, stuck *Thread // the first that waits, and that no signal can wake
	for _, t := range e.threads {
		if t.state == parked {
			if waiting == nil {
				waiting = t
			}
			if stuck == nil && t.op.Mode&Interruptible == 0 {
				stuck = t
			}
		}
	}
	if waiting == nil {
		e.outcome = Pass
		for _, check := range e.ends {
			check(e)
		}
		if e.outcome == Pass {
			e.checkLeaks()
		}
		return Set{}
	}
	if stuck == nil {
		for _, t := range e.threads {
			if t.state == parked {
				t.interrupted = true
				e.stir(uint64(t.ID), signal)
			}
		}
		if e.foot != nil {
			e.foot.signal = true
		}
		return e.openSet()
	}
	e.outcome = Fail
	e.failure = Failure{Kind: Deadlock, Party: Party{stuck, e.steps}, Op: stuck.op}
	if c := stuck.op.Cell; c != nil {
		e.failure.Obj = c.obj
	}
	return Set{}
}
