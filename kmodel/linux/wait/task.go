package wait

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A State is the state of a task, or, to a wake-up, the states from which it wakes.
type State uint64

// The states.
const (
	TaskRunning         State = 0
	TaskInterruptible   State = 1
	TaskUninterruptible State = 2
	TaskNormal                = TaskInterruptible | TaskUninterruptible

	sigpending = 4 // TIF_SIGPENDING, which is in the same cell
)

// maxTasks is which threads may sleep: so many, from the first on. Each has a cell, cells cost
// time in every execution, and no model needs half of these.
const maxTasks = 16

// tasks holds the state of every task, which waking changes from outside.
type tasks struct {
	schedule.Object
	state [maxTasks]schedule.Cell
	own   [maxTasks]State // what each has set last: a function of what it has done
	bound bool
}

var facility = schedule.NewFacility[tasks]()

func (s *tasks) Reset(e *schedule.Exec) {
	if !s.bound {
		s.bound = true
		s.Bind(s, "current")
		s.SetOnStack() // its entries are
	}
	facility.Static(e, &s.Object)
	clear(s.own[:])
}

// of returns the cell of a thread.
func (s *tasks) of(t *schedule.Thread) *schedule.Cell {
	if t.ID >= maxTasks {
		panic(fmt.Sprintf("wait: thread %d (%s) may not sleep: threads 0 to %d may; "+
			"create it sooner", t.ID, t.Name, maxTasks-1))
	}
	return &s.state[t.ID]
}

// set is t that sets its own state.
func (s *tasks) set(t *schedule.Thread, state State) {
	s.own[t.ID] = state
	s.change(t.ID, state)
}

// change changes the state of a task, and leaves the signal.
func (s *tasks) change(id int, state State) {
	c := &s.state[id]
	c.Set(c.Value()&sigpending | uint64(state))
}

// wake is try_to_wake_up(): it reports whether the task was in one of the states.
func (s *tasks) wake(id int, mode State) bool {
	if State(s.state[id].Value())&mode == 0 {
		return false
	}
	s.change(id, TaskRunning)
	return true
}

// SetCurrentState is set_current_state(), or, to run again, __set_current_state().
func SetCurrentState(t *schedule.Thread, state State) {
	s := facility.Of(t.Exec())
	op := schedule.Op{
		Verb: "set_current_state", Cell: s.of(t), Mode: schedule.Writes | schedule.Barrier,
	}
	if state == TaskRunning {
		op.Verb, op.Mode = "__set_current_state", schedule.WriteOnce
	}
	t.Step(op)
	s.set(t, state)
}

// Schedule is schedule(): sleep until woken, if the thread is about to sleep. It reports false
// if a signal came instead, or is pending. None ends it in TASK_UNINTERRUPTIBLE.
func Schedule(t *schedule.Thread) bool {
	preempt.MightSleep(t, "schedule")
	s := facility.Of(t.Exec())
	c := s.of(t)
	mode, own := schedule.Marked|schedule.Blocks, s.own[t.ID]
	if own == TaskInterruptible {
		mode |= schedule.Interruptible
	}
	t.Await(schedule.Op{Verb: "schedule", Cell: c, Mode: mode}, s)
	woken := t.ObserveBool(c.Value() == uint64(TaskRunning) || own == TaskUninterruptible)
	s.set(t, TaskRunning) // a signal has the thread run too
	return woken
}

// Open is the gate of Schedule.
func (s *tasks) Open(t *schedule.Thread) bool {
	v := s.state[t.ID].Value()
	return State(v)&TaskNormal == TaskRunning || v == sigpending|uint64(TaskInterruptible)
}

// SendSignal is send_sig() of a signal that another thread does not ignore: it is pending
// from then on, and wakes the thread if that is in TASK_INTERRUPTIBLE.
func SendSignal(t, to *schedule.Thread) {
	s := facility.Of(t.Exec())
	c := s.of(to)
	t.Step(schedule.Op{Verb: "send_sig", Cell: c, Mode: schedule.RMWFull})
	c.Set(c.Value() | sigpending)
	s.wake(to.ID, TaskInterruptible)
}

// SignalPending is signal_pending(current).
func SignalPending(t *schedule.Thread) bool {
	c := facility.Of(t.Exec()).of(t)
	t.Step(schedule.Op{Verb: "signal_pending", Cell: c, Mode: schedule.ReadOnce})
	return t.ObserveBool(t.Load(c)&sigpending != 0 || t.Interrupted())
}

// signalPendingState is signal_pending_state(), as a part of a step of t.
func signalPendingState(t *schedule.Thread, state State) bool {
	return state == TaskInterruptible &&
		(t.Interrupted() || facility.Of(t.Exec()).state[t.ID].Value()&sigpending != 0)
}
