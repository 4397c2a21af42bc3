// Package timer is struct timer_list (include/linux/timer.h): functions that a softirq calls
// when their time has come.
//
// Time is not modelled: a timer that is pending expires before any step, or never. The program
// says how many do at most in an execution ([Boot]).
//
// Steps: Setup, Mod and DelSync one each, the last enabled while the function does not run. A
// timer that expires starts with one step of the softirq, which takes it off its wheel, so that
// its function may arm it again. That the function has returned is no step.
//
// The function runs with softirqs off, so it may not sleep.
//
// Misuse: setting up a timer that is pending is [schedule.ListCorrupt], since it forgets that it
// is on a wheel (CONFIG_DEBUG_OBJECTS_TIMERS: "init active"). Arming one that was not set up is
// [schedule.BugOn], the BUG_ON(!timer->function) of mod_timer() up to 6.1. DelSync in the function
// itself waits for ever: [schedule.Deadlock]. A timer in memory that is freed while it is pending
// stays on its wheel: when it expires, that is a [schedule.UseAfterFree] of the softirq.
// (CONFIG_DEBUG_OBJECTS_FREE would say so at once.)
//
// Not modelled: timers of several CPUs, whose functions run at once (there is one softirq); what
// mod_timer() and del_timer_sync() return; del_timer(); timer_shutdown(); timers of interrupts,
// and hrtimers. DelSync of a timer that was not set up finds it not pending, as in 4.3; in 4.0.5 it
// waits for ever in lock_timer_base().
package timer

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/fifo"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Timer is a struct timer_list. It calls one function all its life.
type Timer struct {
	state schedule.Cell `flags:"set up,pending,running"`
	entry fifo.Entry
	fn    func(t *schedule.Thread)
}

// The bits of the state.
const (
	isSetUp = 1 << iota
	isPending
	isRunning // it is base->running_timer, whatever is done to its own memory
)

// Entry returns the timer's place among those that are pending.
func (tm *Timer) Entry() *fifo.Entry { return &tm.entry }

// Init sets the function. It belongs in the constructor of the object.
func (tm *Timer) Init(fn func(t *schedule.Thread)) { tm.fn = fn }

type state struct {
	schedule.Object
	left    schedule.Cell // how many may still expire
	pending fifo.Queue[*Timer]
	softirq softirq
	booted  bool
	bound   bool
}

var facility = schedule.NewFacility[state]()

func (s *state) Reset(e *schedule.Exec) {
	if !s.bound {
		s.bound = true
		s.Bind(s, "timers")
		s.SetPrivate()
	}
	facility.Static(e, &s.Object)
	s.pending.Reset()
	s.booted = false
}

// Boot creates the softirq that calls timers, n at most in an execution. A program that arms one
// calls it when it begins.
func Boot(e *schedule.Exec, n int) {
	s := facility.Of(e)
	s.booted = true
	s.left.Set(uint64(n))
	s.softirq.s = s
	s.softirq.thread = e.Agent("timers", &s.softirq)
}

// Setup is init_timer() and setting the function, or timer_setup() since 4.14.
func (tm *Timer) Setup(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "init_timer", Cell: &tm.state, Mode: schedule.PlainWrite})
	if tm.state.Value()&isPending != 0 {
		t.Fail(schedule.ListCorrupt, tm.state.Object(), schedule.Party{},
			"initializes a timer that is pending")
	}
	tm.state.Set(tm.state.Value()&isRunning | isSetUp)
}

// Mod is mod_timer(), to some time in the future.
func (tm *Timer) Mod(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "mod_timer", Cell: &tm.state, Mode: schedule.RMWFull})
	if tm.state.Value()&isSetUp == 0 {
		t.Fail(schedule.BugOn, tm.state.Object(), schedule.Party{}, "the timer has no function")
	}
	if tm.state.Value()&isPending != 0 {
		return
	}
	s := facility.Of(t.Exec())
	s.check(tm)
	tm.state.Set(tm.state.Value() | isPending)
	s.pending.PushTo(t, 1, tm)
	s.softirq.thread.Rouse()
}

// check panics if a model has forgotten what comes before the use of a timer.
func (s *state) check(tm *Timer) {
	switch {
	case !s.booted:
		panic("timer: mod_timer before Boot")
	case tm.fn == nil:
		panic("timer: " + tm.state.Name() + " is used before its Init")
	}
}

// DelSync is del_timer_sync(), or timer_delete_sync() since 6.2: when it returns, the timer is not
// pending and its function does not run, unless somebody has armed it since.
func (tm *Timer) DelSync(t *schedule.Thread) {
	t.Await(schedule.Op{Verb: "del_timer_sync", Cell: &tm.state,
		Mode: schedule.RMWFull | schedule.Blocks}, tm)
	if tm.state.Value()&isPending != 0 {
		tm.state.Set(tm.state.Value() &^ isPending)
		s := facility.Of(t.Exec())
		s.pending.Remove(t, s.pending.Index(tm))
	}
}

// Open is the gate of DelSync. A timer in freed memory can be deleted at once: the step then
// finds out.
func (tm *Timer) Open(*schedule.Thread) bool {
	return tm.state.Value()&isRunning == 0 || !tm.state.Object().Live()
}

// Pending is timer_pending() without a step, for fingerprints.
func (tm *Timer) Pending() bool { return tm.state.Value()&isPending != 0 }

// Running reports whether the function runs, without a step, for fingerprints.
func (tm *Timer) Running() bool { return tm.state.Value()&isRunning != 0 }

// softirq is the agent that calls the functions of timers.
type softirq struct {
	s      *state
	thread *schedule.Thread
}

// Pending implements [schedule.Sleeper].
func (a *softirq) Pending() bool { return a.s.pending.Len() > 0 }

// Ready implements [schedule.Agent].
func (a *softirq) Ready(t *schedule.Thread) bool {
	a.s.pending.Look(t)
	return a.s.pending.Len() > 0 && a.s.left.Value() > 0
}

// Run has one of the timers that are pending expire; the schedule says which.
func (a *softirq) Run(t *schedule.Thread) {
	s := a.s
	s.pending.Look(t)
	i := t.Choose(s.pending.Len())
	tm := s.pending.At(i)
	s.pending.Remove(t, i)
	s.left.Set(s.left.Value() - 1)
	preempt.BhDisable(t)
	lockdep.SoftirqEnter(t)
	t.Begin(schedule.Op{Verb: "__run_timers", Cell: &tm.state, Mode: schedule.RMWFull})
	tm.state.Set(tm.state.Value()&^isPending | isRunning)
	tm.fn(t)
	tm.state.Set(tm.state.Value() &^ isRunning) // whoever waits for this run goes on
	lockdep.SoftirqExit(t)
	preempt.BhEnable(t)
}
