package schedule

import "fmt"

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

	chooser Chooser
	next    *Thread // who takes the next step; nil: it is over
	last    *Thread // who took the last one
	running *Thread // last, if it could go on, at the decision being taken
	calm    *Thread
	enabled Set

	// Which threads could be enabled, kept up to date where they park so that pick
	// need not look at all: those that are parked without a gate are in free, those
	// that must be asked (a gate, an idle agent) in ask.
	free, ask  Set
	interrupts int // handlers that run now: then all must be asked, as for Footprints

	outcome Outcome
	reason  string
	failure Failure
	crash   *Crash

	starting, unwinding   bool
	asked                 int  // choices of the model in the step
	asking                bool // for one of them
	steps, maxSteps       int
	loaded                int // what loads have read that may read an old value
	preemptions, switches int
	taken                 []uint8 // decisions
	digest                uint64  // of all enabled sets and numbers of alternatives

	epoch  uint64 // number of the execution, from 1
	lo, hi uint64 // State
	wide   bool
	known  bool   // it is looked up in a Memo, not run; then
	memory uint64 // is what Memory returns
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
	stacks                map[pcs][]Frame // of all recorded executions
	watch                 Watcher
	foot                  *Footprints
	onStep                func(t *Thread)
	tso, pso, rmo         bool         // see BufferStores, ReorderStores, ReorderLoads
	draining              *storeBuffer // of which a store gets into memory
	was                   any          // what came with the word that is being replaced
	loads                 *Loads
	again                 bool         // the execution begins again: see Loads
	view                  *storeBuffer // with it, whose gate is asked
	shown                 bool         // rec, watch, foot or onStep wants to know of each step
	spying                spying       // on which cells
}

// Threads returns the threads of the program in the order of their numbers. The
// slice is the execution's own.
func (e *Exec) Threads() []*Thread { return e.threads }

// Width returns the most threads that an execution of the runner has had, the one under way
// included, for who keeps something for each thread and would clear no more than was used.
func (e *Exec) Width() int { return len(e.pool) }

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
	if e.known {
		return e.memory
	}
	h := e.lo
	for _, t := range e.threads {
		h ^= t.obs
	}
	return h
}

// Running returns, at a scheduling decision, the thread that could go on, so
// that choosing another is a preemption; nil if it cannot, or has to sleep first ([Sleeps]).
// At a decision of [Thread.Choose] it is nil.
func (e *Exec) Running() *Thread { return e.running }

// Enabled returns, at a scheduling decision, the set of enabled threads; at a decision
// of Choose, the empty set.
func (e *Exec) Enabled() Set { return e.enabled }

// Alternative returns, at a scheduling decision, the thread that decision i
// stands for.
func (e *Exec) Alternative(i int) *Thread {
	if i == 0 {
		return e.calm
	}
	return e.threads[e.enabled.Minus(e.calm.self).Nth(i-1)]
}

// Tape returns the decisions taken so far. The slice is the execution's own.
func (e *Exec) Tape() Tape { return e.taken }

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
		e.ask = e.ask.Union(t.self)
	}
	return t
}

// Handler creates an agent that interrupts cpu: it starts only where interrupts
// are on, and while it runs nothing else on that CPU does, but for another handler if it
// leaves them on.
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
		t := &Thread{ID: n, exec: e, self: SetOf(n), base: baseOf(n)}
		t.keepKeys()
		t.launch()
		e.pool = append(e.pool, t)
	}
	t := e.pool[n]
	e.threads = e.pool[:n+1]
	t.Name = name
	t.body, t.agent, t.sleeper, t.gate, t.op = nil, nil, nil, nil, Op{}
	t.state, t.handler, t.interrupted, t.atomic = created, false, false, false
	t.allocs, t.invalid = 0, nil
	t.own = CPU{num: n}
	t.cpu = &t.own
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

// OnStep has f called as a step of any thread begins, once it is named: for what must know of
// every step, which costs time in each. To be called when an execution begins, by one package
// at most.
func (e *Exec) OnStep(f func(t *Thread)) { e.onStep, e.shown = f, true }

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
