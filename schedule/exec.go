package schedule

import (
	"fmt"
	"math/bits"
)

// DefaultMaxSteps is the most steps an execution may take unless
// [Runner.MaxSteps] says otherwise. The largest workload of the kernel models
// takes about 300.
const DefaultMaxSteps = 4096

// A Program is what is run: a name, and a function that builds its Go objects.
type Program struct {
	Name string // "fs/aio/lookup-vs-destroy@v4.16"

	// New builds what executions share (objects, bound functions), once for
	// each [Runner]. It returns the function that begins one execution: it
	// allocates what is there before the first step and creates the threads,
	// in an order that depends on nothing but decisions ([Exec.Choose]).
	New func() (begin func(e *Exec))
}

// Outcome is how an execution ended.
type Outcome uint8

// The outcomes.
const (
	Invalid   Outcome = iota // says nothing about the program: see Result.Reason
	Pass                     // all threads finished, all agents idle, nothing wrong
	Fail                     // see Result.Failure
	Abandoned                // the chooser had seen enough
)

var outcomeNames = [...]string{"invalid", "pass", "fail", "abandoned"}

func (o Outcome) String() string { return outcomeNames[o] }

// StepLimit is the reason of an [Invalid] execution that took too many steps.
const StepLimit = "step limit"

// A Result is what one execution came to.
type Result struct {
	Outcome     Outcome
	Reason      string  // of Invalid
	Failure     Failure // of Fail
	Steps       int
	Decisions   int
	Preemptions int
	Switches    int // context switches: consecutive steps by different threads
}

// An Exec is the execution that a [Runner] has under way: what a program, its
// primitives and a [Chooser] see of it.
type Exec struct {
	threads []*Thread // of this execution; a prefix of pool
	pool    []*Thread // all that were ever needed, each with its coroutine
	cpus    [MaxThreads]CPU

	chooser Chooser
	next    *Thread // who takes the next step; nil: it is over
	last    *Thread // who took the last one
	running *Thread // last, if it could go on, at the decision being taken
	calm    *Thread
	enabled uint64 // set of thread numbers

	// Which threads could be enabled, kept up to date where they park so that pick
	// need not look at all: those that are parked without a gate are in free, those
	// that must be asked (a gate, an idle agent) in ask.
	free, ask  uint64
	interrupts int // handlers that run now: then all must be asked, as for Footprints

	outcome Outcome
	reason  string
	failure Failure
	crash   *Crash

	starting, unwinding   bool
	steps, maxSteps       int
	preemptions, switches int
	taken                 []uint8 // decisions
	digest                uint64  // of all enabled sets and numbers of alternatives

	epoch  uint64 // number of the execution, from 1
	lo, hi uint64 // State
	wide   bool
	mute   Kinds
	boots  uint32
	calls  int
	setups uint64

	heap, static, scratch []*Object
	slots                 [maxFacilities]slot
	exits                 []exit
	resetting             uint // number of the facility that is being reset
	ends                  []func(*Exec)
	rec                   *recorder
	watch                 Watcher
	foot                  *Footprints
	shown                 bool // rec, watch or foot wants to know of what is done
}

// Threads returns the threads of the program in the order of their numbers. The
// slice is the execution's own.
func (e *Exec) Threads() []*Thread { return e.threads }

// Epoch returns the number of the execution, from 1, among those of its runner:
// for what is reset when it is first used in an execution.
func (e *Exec) Epoch() uint64 { return e.epoch }

// State returns the hash of the current state.
func (e *Exec) State() State {
	s := State{Lo: e.lo}
	if e.wide {
		s.Hi = e.hi
	}
	return s
}

// Memory returns the hash of the shared memory alone.
func (e *Exec) Memory() uint64 {
	h := e.lo
	for _, t := range e.threads {
		h ^= t.obs
	}
	return h
}

// Running returns, at a scheduling decision, the thread that could go on, so
// that choosing another is a preemption; nil if it cannot. At a decision of
// [Thread.Choose] it is nil.
func (e *Exec) Running() *Thread { return e.running }

// Enabled returns, at a scheduling decision, the set of enabled threads, bit i
// for thread i; at a decision of Choose, 0.
func (e *Exec) Enabled() uint64 { return e.enabled }

// Alternative returns, at a scheduling decision, the thread that decision i
// stands for.
func (e *Exec) Alternative(i int) *Thread {
	if i == 0 {
		return e.calm
	}
	rest := e.enabled &^ (1 << e.calm.ID)
	for ; i > 1; i-- {
		rest &= rest - 1
	}
	return e.threads[bits.TrailingZeros64(rest)]
}

// Decisions returns how many decisions have been taken so far.
func (e *Exec) Decisions() int { return len(e.taken) }

// Steps returns how many steps have been taken so far.
func (e *Exec) Steps() int { return e.steps }

// Preemptions returns how many decisions so far were preemptions.
func (e *Exec) Preemptions() int { return e.preemptions }

// Switches returns how many context switches there were so far.
func (e *Exec) Switches() int { return e.switches }

// Last returns the thread that took the last step, nil before the first.
func (e *Exec) Last() *Thread { return e.last }

// Go creates a thread with a CPU of its own. Threads are created by the program's
// begin function, before the first step.
func (e *Exec) Go(name string, body func(t *Thread)) *Thread {
	t := e.thread(name)
	t.body = body
	return t
}

// Agent creates an agent with a CPU of its own.
func (e *Exec) Agent(name string, a Agent) *Thread {
	t := e.thread(name)
	t.agent, t.state = a, idle
	if t.sleeper, _ = a.(Sleeper); t.sleeper == nil {
		e.ask |= t.bit
	}
	return t
}

// Handler creates an agent that interrupts cpu: it starts only where interrupts
// are on, and while it runs nothing else on that CPU does.
func (e *Exec) Handler(name string, cpu *CPU, a Agent) *Thread {
	t := e.Agent(name, a)
	t.handler, t.cpu = true, cpu
	cpu.handlers++
	return t
}

func (e *Exec) thread(name string) *Thread {
	if !e.starting {
		panic("schedule: thread " + name + " is created after the first step")
	}
	n := len(e.threads)
	if n == MaxThreads {
		panic(fmt.Sprintf("schedule: more than %d threads", MaxThreads))
	}
	if n == len(e.pool) {
		t := &Thread{ID: n, exec: e, bit: 1 << n}
		t.keepKeys()
		t.launch()
		e.pool = append(e.pool, t)
	}
	t := e.pool[n]
	e.threads = e.pool[:n+1]
	t.Name = name
	t.body, t.agent, t.gate, t.op = nil, nil, nil, Op{}
	t.state, t.handler, t.interrupted = created, false, false
	t.allocs = 0
	t.cpu = &e.cpus[n]
	*t.cpu = CPU{num: n}
	t.obs, t.obsHi = 0, 0
	t.forget(placeIdle)
	return t
}

// Choose is [Thread.Choose] for the program's beginning: which threads there
// are, and what they call.
func (e *Exec) Choose(n int) int {
	d := e.choose(n)
	e.setups++
	e.stir(e.setups, uint64(d))
	return d
}

// CountCalls tells how many operations (system calls) the threads of a workload
// will make in all, for a minimizer to make fewer. Begin functions that choose
// their calls call it, as soon as they know of any: who looks for workloads of a few calls
// leaves a choice that comes to more. It may be called more than once.
func (e *Exec) CountCalls(n int) { e.calls += n }

// Calls returns the sum of what [Exec.CountCalls] was told.
func (e *Exec) Calls() int { return e.calls }

// AtExit has check called whenever a thread finishes or an agent becomes idle,
// for what must be balanced by then. To be called by [Facility] objects, once
// an execution.
func (e *Exec) AtExit(check func(t *Thread)) {
	// In the order of the facilities: which of them is used first is up to the schedule.
	i := len(e.exits)
	e.exits = append(e.exits, exit{})
	for ; i > 0 && e.exits[i-1].facility > e.resetting; i-- {
		e.exits[i] = e.exits[i-1]
	}
	e.exits[i] = exit{e.resetting, check}
}

// An exit is a check of AtExit, with the number of the facility that asked for it.
type exit struct {
	facility uint
	check    func(t *Thread)
}

// AtEnd has check called when all threads have finished and all agents are
// idle, for what must hold then. It may call [Exec.FailAtEnd].
func (e *Exec) AtEnd(check func(e *Exec)) { e.ends = append(e.ends, check) }

// FailAtEnd ends the execution with a failure that no step shows, to be called
// from a check of [Exec.AtEnd]. The first one counts.
func (e *Exec) FailAtEnd(k Kind, o *Object, other Party, note string) {
	if e.outcome == Pass {
		e.outcome = Fail
		e.failure = Failure{Kind: k, Obj: o, Other: other, Note: note}
	}
}

// choose takes a decision that is not about threads.
func (e *Exec) choose(n int) int {
	if n == 1 {
		return 0
	}
	if n < 1 || n > MaxAlternatives {
		panic(fmt.Sprintf("schedule: Choose(%d): want 1 to %d", n, MaxAlternatives))
	}
	e.running, e.calm, e.enabled = nil, nil, 0
	d := e.decide(n)
	if d < 0 {
		panic(unwind{})
	}
	return d
}

// decide asks the chooser. It returns -1 if the execution is abandoned.
func (e *Exec) decide(n int) int {
	e.digest = (e.digest ^ e.enabled ^ uint64(n)<<56) * stepMul
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

// open reports whether t is enabled.
func (t *Thread) open() bool {
	switch t.state {
	case parked:
		if h := t.cpu.handler; h != nil && h != t {
			return false
		}
		return t.gate == nil || t.gate.Open(t) || t.interrupted && t.op.Mode&Interruptible != 0
	case idle:
		if t.handler && (t.cpu.irqsOff > 0 || t.cpu.handler != nil) {
			return false
		}
		return t.agent.Ready(t)
	}
	return false
}

// pick decides who takes the next step, leaves it in e.next and returns it; nil
// if the execution is over. It runs on the coroutine of prev, the thread that
// has just parked or finished, so that a thread that goes on need not switch.
func (e *Exec) pick(prev *Thread) *Thread {
	e.last = prev
	e.next = nil
	set := e.openSet()
	if set == 0 {
		if set = e.quiesce(); set == 0 {
			return nil
		}
	}
	if e.steps >= e.maxSteps {
		e.outcome, e.reason = Invalid, StepLimit
		return nil
	}
	if set&(set-1) == 0 {
		e.next = e.threads[bits.TrailingZeros64(set)]
	} else {
		if prev != nil && prev.state == parked && set&prev.bit != 0 {
			e.running, e.calm = prev, prev
		} else {
			e.running, e.calm = nil, e.threads[bits.TrailingZeros64(set)]
		}
		e.enabled = set
		switch d := e.decide(bits.OnesCount64(set)); {
		case d == 0:
			e.next = e.calm
		case d < 0:
			return nil
		default:
			e.next = e.Alternative(d)
			if e.running != nil {
				e.preemptions++
			}
		}
		if e.rec != nil {
			e.rec.decided(e)
		}
	}
	if prev != nil && e.next != prev {
		e.switches++
	}
	return e.next
}

func (e *Exec) openSet() uint64 {
	set, ask := e.free, e.ask
	if e.interrupts > 0 {
		if e.foot != nil {
			return e.foot.openSet(e)
		}
		set, ask = 0, set|ask
	}
	for ; ask != 0; ask &= ask - 1 {
		i := bits.TrailingZeros64(ask)
		if e.threads[i].open() {
			set |= 1 << i
		}
	}
	return set
}

// quiesce is called when no thread is enabled. Either all have finished, and the
// checks of the end are made; or all that have not are in interruptible waits, and get
// their signal; or it is a deadlock. A thread that no signal can wake is hung, whatever
// the others could be made to do.
func (e *Exec) quiesce() uint64 {
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
		return 0
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
	return 0
}
