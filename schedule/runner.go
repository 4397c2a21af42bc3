package schedule

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// A Runner runs executions of one program, one after the other, and keeps what
// they can share: once warm, a run allocates nothing. It belongs to one
// goroutine; make one for each core. Close it when done, or its coroutines
// stay.
type Runner struct {
	// MaxSteps ends an execution that takes more steps as [Invalid]. 0 means
	// [DefaultMaxSteps].
	MaxSteps int
	// Mute is the set of kinds after which executions go on, as a kernel does
	// after a WARN. Only failures raised by [Thread.Warn] can be muted.
	Mute Kinds
	// Wide computes 128 bits of state hash instead of 64.
	Wide bool
	// Watch, if not nil, is shown every step.
	Watch Watcher
	// Memo, if not nil, remembers what was run, so that it need not be run again. One that
	// has served another runner forgets what it knew of that.
	Memo *Memo
	// Loads, if not nil, is what is known when the runner begins, and it adds to that; see
	// there. Other runners of the program may do so too, in the same goroutine.
	Loads *Loads
	// Footprints, if not nil, keeps what each step of the last execution has used. It
	// takes about three times as long.
	Footprints *Footprints

	program Program
	begin   func(*Exec)
	exec    Exec
	loads   Loads // unless they are shared
	bytes   ByteReader
	tape    TapeReader
}

// A Watcher is shown every step of an execution.
type Watcher interface {
	// Step is called with the thread of a step when the step has been chosen and named
	// ([Thread.Op]) and before it is taken. If it returns false the execution is
	// [Abandoned].
	Step(t *Thread) bool
}

// A LoadWatcher is a [Watcher] that is shown what loads have read where they may read an old value
// ([Exec.ReorderLoads]).
type LoadWatcher interface {
	Watcher
	// Loaded is called within the step that loads, when it has. If it returns false the execution is
	// [Abandoned].
	Loaded(t *Thread, l Loading) bool
}

// A Loading is what a load has read, told by steps: 0 is none.
type Loading struct {
	Cell   *Cell
	Over   int // that has written over what was read; 0: none
	Came   int // that has written what was read; 0: not known
	Passed int // the load before it that has seen something newer than what was read

	Old          bool // what was read is not what is in memory
	Older, Newer bool // there was something older, or newer, that it could have read instead
}

// showLoad shows a load to whoever wants to see it.
func (e *Exec) showLoad(t *Thread, l Loading) {
	e.loaded++
	if w, ok := e.watch.(LoadWatcher); ok && !w.Loaded(t, l) {
		e.outcome = Abandoned
		e.unwind()
	}
}

// A WatcherFunc is a function as a [Watcher].
type WatcherFunc func(t *Thread) bool

// Step implements [Watcher].
func (f WatcherFunc) Step(t *Thread) bool { return f(t) }

// show shows the step to whoever wants to see it.
func (t *Thread) show() {
	e := t.exec
	if e.foot != nil && t.op.Cell != nil {
		t.op.Cell.obj.Live() // that is looked at
	}
	if e.rec != nil {
		e.rec.begin(t)
	}
	if e.onStep != nil {
		e.onStep(t)
	}
	if e.watch != nil && !e.watch.Step(t) {
		e.outcome = Abandoned
		e.unwind()
	}
}

// A Crash is a panic of model code: a bug of the model or of this project, not of the kernel.
// [Runner.Run] panics with it.
type Crash struct {
	Program string
	Thread  string // empty: before the first step
	Tape    Tape   // the decisions up to there
	Value   any
	Place   string // innermost line of a model: "(*system).boot, variants.go:131"; may be empty
	Stack   []byte
}

// newCrash returns the crash of a panic that has just been recovered.
func newCrash(thread string, value any) *Crash {
	return &Crash{Thread: thread, Value: value, Place: modelPlace(), Stack: debug.Stack()}
}

// modelPlace returns the innermost line on the stack that is a model's own.
func modelPlace() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		name, ours := strings.CutPrefix(f.Function, module+"kmodel/")
		ours = ours && !strings.HasPrefix(name, "internal/") && !strings.HasPrefix(name, "program.")
		if ours && !strings.Contains(f.Function, primitives) {
			dot := strings.LastIndexByte(name, '/') + 1
			_, fn, _ := strings.Cut(name[dot:], ".")
			return fmt.Sprintf("%s, %s:%d", fn, filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// Error says what has panicked, where, what may have been forgotten, and the stack.
func (c *Crash) Error() string {
	where := "thread " + c.Thread
	if c.Thread == "" {
		where = "before the first step"
	}
	if c.Place != "" {
		where += ", in " + c.Place
	}
	return fmt.Sprintf("%s: tape %q: %s: panic in model code, a bug of the model or of kschedfuzz, "+
		"not of the kernel: %v%s\n%s", c.Program, c.Tape.String(), where, c.Value, c.hint(), c.Stack)
}

// hint says what it is most often if a pointer is nil.
func (c *Crash) hint() string {
	if _, fault := c.Value.(runtime.Error); !fault {
		return ""
	}
	for _, fn := range []string{"schedule.(*Cell).", "schedule.(*Thread).Await("} {
		if bytes.Contains(c.Stack, []byte(fn)) {
			return " (if a cell is touched: has its object a Bind and a Static, or a Global?)"
		}
	}
	return " (if a pointer is nil: is every cache made, and does its constructor set what its " +
		"objects embed, such as *system?)"
}

// NewRunner returns a runner for p. It panics with a [Crash] if the program's New does.
func NewRunner(p Program) *Runner {
	defer func() {
		if v := recover(); v != nil {
			c := newCrash("", v)
			c.Program = p.Name
			panic(c)
		}
	}()
	return &Runner{program: p, begin: p.New()}
}

// Program returns the program that r runs.
func (r *Runner) Program() Program { return r.program }

// Close ends the coroutines of r. r must not be used again.
func (r *Runner) Close() {
	for _, t := range r.exec.pool {
		t.stop()
	}
	r.exec.pool = nil
}

// Run runs one execution, with the decisions of c.
func (r *Runner) Run(c Chooser) Result {
	m := r.Memo
	if m == nil || r.Wide || r.Footprints != nil || r.exec.rec != nil || r.exec.rmo {
		return r.run(c)
	}
	res := m.run(r, c)
	if r.exec.rmo { // its states are not always the same
		m.forget(r)
	}
	return res
}

func (r *Runner) run(c Chooser) Result {
	e := &r.exec
	r.reset(c)
	r.runReset()
	for e.again { // with the decisions that it has taken
		way := &again{append(Tape(nil), e.taken...), e.steps, e.loaded, c, e.watch}
		r.reset(way)
		if e.watch != nil {
			e.watch = way
		}
		if e.rec != nil {
			e.rec = newRecorder(e)
		}
		r.runReset()
	}
	return e.result()
}

// runReset runs the execution that has been prepared.
func (r *Runner) runReset() {
	e := &r.exec
	r.start()
	for e.next != nil {
		e.next.resumeNow()
	}
	if e.rec != nil {
		e.rec.finish(e)
	}
	if e.foot != nil {
		e.foot.finish()
	}
	r.abandon()
	if e.crash != nil {
		panic(r.crash())
	}
}

// result returns what the execution came to.
func (e *Exec) result() Result {
	return Result{
		Outcome: e.outcome, Reason: e.reason, Failure: e.failure,
		Steps: e.steps, Decisions: len(e.taken),
		Preemptions: e.preemptions, Switches: e.switches,
	}
}

// crash returns the crash of the execution with all that is known of it.
func (r *Runner) crash() *Crash {
	c := r.exec.crash
	c.Program, c.Tape = r.program.Name, append(Tape(nil), r.exec.taken...)
	return c
}

// RunBytes is Run with the lenient [ByteReader].
func (r *Runner) RunBytes(in []byte) Result {
	r.bytes.Reset(in)
	return r.Run(&r.bytes)
}

// RunTape is Run with a [TapeReader].
func (r *Runner) RunTape(s Tape) Result {
	r.tape.Reset(s)
	return r.Run(&r.tape)
}

// LoadsKnown returns how many [Loads] are known. A state is told from others by the same means as
// long as that does not change.
func (r *Runner) LoadsKnown() int {
	if r.Loads != nil {
		return r.Loads.Len()
	}
	return r.loads.Len()
}

// Taken returns the decisions of the last execution in canonical form: the tape
// that repeats it. The slice is the runner's own, until the next run.
func (r *Runner) Taken() Tape { return Tape(r.exec.taken).Canonical() }

// Exec returns the runner's execution, the last one once Run has returned.
func (r *Runner) Exec() *Exec { return &r.exec }

func (r *Runner) reset(c Chooser) {
	e := &r.exec
	e.epoch++
	e.chooser = c
	e.threads = e.pool[:0]
	e.next, e.last, e.running, e.calm, e.enabled = nil, nil, nil, nil, Set{}
	e.outcome, e.reason, e.failure, e.crash = Invalid, "", Failure{}, nil
	e.unwinding, e.asked, e.asking = false, 0, false
	e.maxSteps = r.MaxSteps
	if e.maxSteps == 0 {
		e.maxSteps = DefaultMaxSteps
	}
	e.steps, e.loaded, e.preemptions, e.switches = 0, 0, 0, 0
	e.free, e.ask, e.interrupts = Set{}, Set{}, 0
	e.taken = e.taken[:0]
	e.digest, e.lo, e.hi, e.wide, e.mute = 0, 0, 0, r.Wide, r.Mute
	e.boots, e.setups, e.calls, e.known = 0, 0, 0, false
	e.watch, e.foot, e.onStep = r.Watch, r.Footprints, nil
	e.spying = spiesNone
	if e.rec != nil || e.foot != nil {
		e.spying = spiesAll
	}
	e.shown = e.spying == spiesAll || e.watch != nil
	e.tso, e.pso, e.rmo, e.again = false, false, false, false
	e.view, e.draining, e.was = nil, nil, nil
	if e.loads = r.Loads; e.loads == nil {
		e.loads = &r.loads
	}
	if e.foot != nil {
		e.foot.reset()
		e.interrupts = 1 << 30 // never 0
	}
	e.heap, e.static = e.heap[:0], e.static[:0]
	e.exits, e.ends = e.exits[:0], e.ends[:0]
}

// start begins the program and brings every thread to its first step.
func (r *Runner) start() {
	e := &r.exec
	e.starting = true
	defer func() { e.starting = false }()
	if !r.setup() {
		return
	}
	if e.tso {
		threads := e.threads
		e.bootStores()
		if e.rmo {
			e.bootInvalid(threads)
		}
	}
	for i := 0; i < len(e.threads); i++ {
		t := e.threads[i]
		if t.sleeper != nil && t.sleeper.Pending() { // queued before the first step
			t.Rouse()
		}
		if t.agent == nil {
			t.resumeNow()
			if e.outcome != Invalid || e.crash != nil {
				return
			}
		}
	}
	defer func() { // a gate, or the chooser, may panic
		if v := recover(); v != nil {
			e.crash, e.next = newCrash("", v), nil
		}
	}()
	e.pick(nil)
}

// setup runs the program's begin function. It reports false if a chooser
// abandoned the execution there.
func (r *Runner) setup() (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, abandoned := v.(unwind); !abandoned {
				r.exec.crash = newCrash("", v)
				panic(r.crash())
			}
			ok = false
		}
	}()
	r.begin(&r.exec)
	return true
}

// abandon takes every thread that is inside a function out of it, so that the
// next execution finds all coroutines at their root.
func (r *Runner) abandon() {
	e := &r.exec
	e.unwinding = true
	for _, t := range e.threads {
		if t.state == parked {
			t.resumeNow()
		}
	}
	e.unwinding = false
}
