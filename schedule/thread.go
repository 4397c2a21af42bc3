package schedule

import "iter"

// MaxThreads is the largest number of threads, agents included, that a program
// may have: a set of threads is two words. No model of the kernel needs a tenth of it;
// programs by which samplers are compared have a hundred.
const MaxThreads = 2 * wordBits

// threadState says where a thread is between two of its steps.
type threadState uint8

const (
	created  threadState = iota // has not run yet
	idle                        // an agent between two pieces of work
	parked                      // inside the function, before the step t.op
	finished                    // the function has returned
)

// A Thread is one strand of a program. Model code gets it as its parameter t,
// and every line that mentions t may be a step.
type Thread struct {
	ID   int    // 0, 1, 2 ... in the order in which the program created them
	Name string // in traces

	exec  *Exec
	base  uint64 // of the identities of what it allocates
	cpu   *CPU
	body  func(*Thread)
	agent Agent // nil for an ordinary thread

	sleeper Sleeper // the agent, if it is one

	state       threadState
	chained     bool    // in the chain of handOver
	handler     bool    // an interrupt handler of its CPU
	under       *Thread // the handler that it has interrupted, if any
	interrupted bool
	atomic      bool // see SetAtomic
	op          Op
	gate        Gate // of op; nil: always open
	allocs      uint32
	obs, obsHi  uint64
	places      [2][2]uint64 // see keys

	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	self   Set // of t alone
	own    CPU
	buffer *storeBuffer // of own, once a program has asked for one

	invalid, keptOld *invalidateQueue // nil unless loads pass loads; once a program has asked
}

// An Agent is what an idle agent thread waits for, and does. Its Run is a
// thread's function like any other, called once for each piece of work.
type Agent interface {
	// Ready reports whether there is something to do. Like a [Gate] it
	// depends on cells only and changes nothing.
	Ready(t *Thread) bool
	// Run takes one piece of work, tells [Thread.Begin] which before anything else, and
	// does it: a [Watcher] learns of the work from that.
	Run(t *Thread)
}

// A Sleeper is an [Agent] with a queue. While nothing is queued it is not even asked
// whether it is Ready: whoever queues something says so with [Thread.Rouse]. Most steps
// of most programs find all agents asleep.
type Sleeper interface {
	Agent
	// Pending reports whether anything is queued, ready or not.
	Pending() bool
}

// Rouse has t, the thread of a [Sleeper], asked again whether it is ready.
func (t *Thread) Rouse() {
	if t.state == idle {
		t.exec.ask = t.exec.ask.Union(t.self)
	}
}

// unwind is the panic that takes an abandoned thread out of the model's
// functions. Nothing but run recovers it, since models have no defer.
type unwind struct{}

// unwind takes the running thread out of the model's functions. It does not return, and what
// they have deferred may not take a step.
func (e *Exec) unwind() {
	e.unwinding = true
	panic(unwind{})
}

// Exec returns the execution that t is part of.
func (t *Thread) Exec() *Exec { return t.exec }

// CPU returns the CPU that t runs on.
func (t *Thread) CPU() *CPU { return t.cpu }

// SetAtomic says whether t may not sleep from here on, for a trace to tell: it changes
// nothing.
func (t *Thread) SetAtomic(atomic bool) { t.atomic = atomic }

// Op returns the operation that t is parked before.
func (t *Thread) Op() Op { return t.op }

// IsAgent reports whether t is an agent.
func (t *Thread) IsAgent() bool { return t.agent != nil }

// Idle reports whether t is an agent between two pieces of work.
func (t *Thread) Idle() bool { return t.state == idle }

// Finished reports whether the function of t has returned.
func (t *Thread) Finished() bool {
	if f := t.exec.foot; f != nil {
		f.touch(finishedKey+uint64(t.ID), false)
	}
	return t.state == finished
}

// Interrupted reports whether the last wait of t ended by a signal, see
// [Interruptible].
func (t *Thread) Interrupted() bool { return t.interrupted }

// SignalHandled takes the signal away, as a return to user space does: the next wait
// of t is a wait again.
func (t *Thread) SignalHandled() {
	if t.interrupted {
		t.interrupted = false
		t.exec.stir(uint64(t.ID), signal) // takes back what the signal stirred in
	}
}

// Step is the scheduling point before op. It returns when t has been chosen to
// take it. The caller then performs the operation and passes what it returns
// through [Thread.Observe].
func (t *Thread) Step(op Op) { t.Await(op, nil) }

// Await is Step for an operation that may have to wait: t is enabled only while
// the gate is open.
func (t *Thread) Await(op Op, g Gate) {
	e := t.exec
	if e.unwinding {
		panic("schedule: " + op.Verb + " is called by a defer: models have none, " +
			"since it would be a step after the failure")
	}
	t.op, t.gate = op, g
	t.state = parked
	if g == nil && !e.tso {
		if !e.free.Intersects(t.self) {
			e.free, e.ask = e.free.Union(t.self), e.ask.Minus(t.self)
		}
	} else {
		if !e.ask.Intersects(t.self) {
			e.free, e.ask = e.free.Minus(t.self), e.ask.Union(t.self)
		}
		if t.invalid != nil {
			t.invalid.comesTo(&t.op)
		}
	}
	if e.rec != nil {
		e.rec.stacks[t.ID] = e.modelStack() // also of the step, once it is taken
		e.rec.left(t)
	}
	if e.starting {
		t.pause()
	} else {
		e.pick(t)
	}
	if e.next != t {
		t.handOver()
	}
	t.begin()
	if c := op.Cell; c != nil && c.obj.live != e.epoch && op.Mode&(Reads|Writes|Blocks) != Blocks {
		t.touchDead(c.obj)
	}
}

// Begin names the step with which an agent starts a piece of work. The step has
// been taken already, when the idle agent was chosen.
func (t *Thread) Begin(op Op) {
	t.op = op
	if t.exec.tso && op.drains() {
		t.DrainStores() // of the last piece: who was idle could not wait for them
	}
	if t.exec.shown {
		if rec := t.exec.rec; rec != nil {
			rec.stacks[t.ID] = t.exec.modelStack()
		}
		t.show()
	}
	if op.Cell != nil {
		t.mix(op.Cell.ID()) // which piece of work it is: the queue no longer tells
	}
	if c := op.Cell; c != nil && c.obj.live != t.exec.epoch {
		t.touchDead(c.obj)
	}
}

// handOver passes control to e.next and returns when t is to go on.
//
// A coroutine of package iter can only be resumed by a call and can only give
// control back to that caller. So the coroutines that are inside such a call
// form a chain, from Runner.Run to the one that runs now. A thread outside the
// chain is resumed directly, one switch instead of the two that going through
// Run would cost; to reach one inside, everybody above it pauses, and it finds
// its call returned.
func (t *Thread) handOver() {
	e := t.exec
	for e.next != t {
		if n := e.next; n != nil && !n.chained {
			n.resumeNow()
		} else {
			t.pause()
		}
	}
}

func (t *Thread) resumeNow() {
	t.chained = true
	t.resume()
}

// pause gives control back to whoever resumed t.
func (t *Thread) pause() {
	t.chained = false
	t.yield(struct{}{})
	if t.exec.unwinding {
		panic(unwind{})
	}
}

// begin does the bookkeeping of a step of t that has just been chosen.
func (t *Thread) begin() {
	e := t.exec
	e.steps++
	e.asked = 0
	t.advance()
	if e.shown {
		if e.foot != nil {
			e.foot.begin(t)
		}
		t.show()
		if t.invalid != nil {
			t.invalid.begins(t)
		}
	}
}

func (t *Thread) touchDead(o *Object) {
	if o.exec != t.exec || o.freed.Thread == nil {
		panic("schedule: " + t.op.Verb + " touches " + o.kind + ", which was never allocated: " +
			"what no cache allocates needs Exec.Static, in each execution")
	}
	if t.op.Mode&Frees != 0 {
		t.Fail(DoubleFree, o, o.freed, "")
	}
	t.Fail(UseAfterFree, o, o.freed, "")
}

// Touch fails as a step on o would if o has been freed, for operations that
// touch memory besides the cell they name (a list neighbour, the tail of an
// unlock).
func (t *Thread) Touch(o *Object) {
	if !o.Live() {
		t.touchDead(o)
	}
}

// Choose returns one of n alternatives, 0 to n-1, as the schedule says: whether
// an allocation fails, which of several ready callbacks runs. The first
// alternative should be the calm one. It is no step; the answer counts as
// observed.
func (t *Thread) Choose(n int) int {
	e := t.exec
	e.asked++
	e.asking = true
	d := t.choose(n)
	e.asking = false
	return d
}

func (t *Thread) choose(n int) int {
	d := t.exec.choose(n)
	t.mix(uint64(d))
	if rec := t.exec.rec; rec != nil && n > 1 {
		rec.chosen(d)
	}
	return d
}

// Means says for reports what the last choice of the step means, as in "it chooses text". The same
// number has to mean the same in every execution, since explanations compare the numbers. Not of
// what an agent chooses before it says what it begins.
func (t *Thread) Means(text string) {
	rec := t.exec.rec
	if rec == nil || rec.starting {
		return
	}
	if ev, n := rec.current(), t.exec.asked; n > 0 {
		ev.Means = append(ev.Means, make([]string, max(0, n-len(ev.Means)))...)
		ev.Means[n-1] = text
	}
}

// Fail ends the execution with a failure at the current step of t. The other
// party is who made it one, if anybody. It does not return.
func (t *Thread) Fail(k Kind, o *Object, other Party, note string) {
	e := t.exec
	e.failure = Failure{Kind: k, Party: Party{t, e.steps}, Op: t.op, Obj: o, Other: other, Note: note}
	e.outcome = Fail
	if e.rec != nil {
		e.rec.failed = e.modelStack()
	}
	e.foot.fail()
	e.unwind()
}

// Warn is Fail for a rule after whose violation the kernel warns and goes on, which
// is one of the [Warnings]: it returns if the runner has muted the kind
// ([Runner.Mute]), and the caller goes on as the kernel does.
func (t *Thread) Warn(k Kind, o *Object, other Party, note string) {
	if !Warnings.Has(k) {
		panic("schedule: " + k.String() + " is none of the Warnings")
	}
	if !t.exec.mute.Has(k) {
		t.Fail(k, o, other, note)
	}
}

// Now returns the current step of t, to be remembered and named in a later
// failure.
func (t *Thread) Now() Party { return Party{t, t.exec.steps} }

// launch makes the coroutine that runs the functions of t, one after the other,
// in this and all later executions.
func (t *Thread) launch() {
	e := t.exec
	t.resume, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		for {
			t.run()
			for e.next != nil && !e.next.chained {
				e.next.resumeNow()
			}
			t.chained = false
			if !yield(struct{}{}) {
				return
			}
		}
	})
}

// run calls the function of t, or lets an agent do one piece of work, and
// decides who goes on.
func (t *Thread) run() {
	defer t.recover()
	e := t.exec
	if t.agent != nil {
		t.startWork()
		t.agent.Run(t)
	} else {
		t.body(t)
	}
	t.checkExit()
	if t.agent != nil {
		t.endWork()
	} else {
		t.finish()
		t.forget(placeFinished)
	}
	if !e.starting {
		e.pick(t)
	}
}

func (t *Thread) finish() {
	t.state = finished
	if f := t.exec.foot; f != nil {
		f.touch(finishedKey+uint64(t.ID), true)
	}
	if t.invalid != nil {
		t.invalid.shut()
	}
	t.shut()
}

// shut takes t out of those that could be enabled.
func (t *Thread) shut() {
	e := t.exec
	e.free, e.ask = e.free.Minus(t.self), e.ask.Minus(t.self)
}

// checkExit runs the checks of [Exec.AtExit].
func (t *Thread) checkExit() {
	for _, x := range t.exec.exits {
		x.check(t)
	}
}

// startWork takes the step with which an idle agent begins. What it begins it
// says itself, with Begin.
func (t *Thread) startWork() {
	if f := t.exec.foot; f != nil {
		f.begin(t)
	}
	t.exec.steps++
	t.exec.asked = 0
	t.state = parked
	if rec := t.exec.rec; rec != nil {
		rec.starting = true
	}
	t.SignalHandled()
	if t.invalid != nil {
		t.invalid.open()
	}
	if t.handler {
		t.exec.processOn(t.cpu.stores)
		t.under, t.cpu.handler = t.cpu.handler, t
		t.exec.interrupts++
	}
	t.advance()
}

// endWork makes the agent idle again. Nothing of what it knew lives on.
func (t *Thread) endWork() {
	t.state = idle
	t.shut()
	if t.sleeper == nil || t.sleeper.Pending() {
		t.exec.ask = t.exec.ask.Union(t.self)
	}
	if t.invalid != nil {
		t.invalid.shut()
	}
	if t.handler {
		t.exec.processOn(t.cpu.stores)
		t.cpu.handler = t.under
		t.exec.interrupts--
	}
	t.forget(placeIdle)
}

// recover ends an abandoned run of t, and keeps a panic of the model for
// [Runner.Run] to raise: that is our own bug, not the kernel's.
func (t *Thread) recover() {
	v := recover()
	if v == nil {
		return
	}
	e := t.exec
	if _, ok := v.(unwind); !ok && e.crash == nil {
		e.crash = newCrash(t.Name, v)
		e.outcome = Invalid
	}
	t.finish()
	e.next = nil
}
