// Package lockdep keeps what each thread holds: locks and read-side critical
// sections, in the order in which it took them (include/linux/lockdep.h).
//
// The primitives report to it; models have no need to. It is a failure
// ([schedule.LockRule]) to take what one holds already, to release what one
// does not hold, and to finish while holding anything.
//
// Not modelled: the order in which locks are taken, and in what context, interrupts on or off
// (no lock classes yet).
package lockdep

import "github.com/kschedfuzz/kschedfuzz/schedule"

// maxHeld is the most a thread may hold at a time. No model needs half of it.
const maxHeld = 16

// A Held is one thing that a thread holds.
type Held struct {
	Cell *schedule.Cell // the lock
	Verb string         // how it was taken, "spin_lock"
	At   schedule.Party // the step that took it
}

// The list of a thread is a function of what the thread has done, so it is no
// part of the state and needs no cells.
type state struct {
	held [schedule.MaxThreads][maxHeld]Held
	n    [schedule.MaxThreads]int
}

var facility = schedule.NewFacility[state]()

func (s *state) Reset(e *schedule.Exec) {
	clear(s.n[:e.Width()])
	e.AtExit(checkExit)
}

// Acquire records that the current step of t has taken c.
func Acquire(t *schedule.Thread, c *schedule.Cell, verb string) {
	s := facility.Of(t.Exec())
	n := s.n[t.ID]
	if n == maxHeld {
		panic("lockdep: " + t.Name + " holds too much to keep a list of")
	}
	s.held[t.ID][n] = Held{c, verb, t.Now()}
	s.n[t.ID]++
}

// Recursive fails if t holds c already: it would wait for itself for ever. To
// be called before the step that would wait.
func Recursive(t *schedule.Thread, c *schedule.Cell) {
	if h := find(t, c); h != nil {
		t.Fail(schedule.LockRule, c.Object(), h.At, "takes a lock that it holds")
	}
}

// Release records that the current step of t gives c back. The last taken goes
// first.
func Release(t *schedule.Thread, c *schedule.Cell) {
	s := facility.Of(t.Exec())
	held := s.held[t.ID][:s.n[t.ID]]
	for i := len(held) - 1; i >= 0; i-- {
		if held[i].Cell == c {
			copy(held[i:], held[i+1:])
			s.n[t.ID]--
			return
		}
	}
	t.Fail(schedule.LockRule, c.Object(), schedule.Party{}, "releases what it does not hold")
}

// Holds reports whether t holds c.
func Holds(t *schedule.Thread, c *schedule.Cell) bool { return find(t, c) != nil }

func find(t *schedule.Thread, c *schedule.Cell) *Held {
	s := facility.Of(t.Exec())
	for i := s.n[t.ID] - 1; i >= 0; i-- {
		if h := &s.held[t.ID][i]; h.Cell == c {
			return h
		}
	}
	return nil
}

// All returns what t holds, the oldest first. The slice is lockdep's own.
func All(t *schedule.Thread) []Held {
	s := facility.Of(t.Exec())
	return s.held[t.ID][:s.n[t.ID]]
}

func checkExit(t *schedule.Thread) {
	if held := All(t); len(held) > 0 {
		h := held[len(held)-1]
		t.Fail(schedule.LockRule, h.Cell.Object(), h.At, "returns while holding it")
	}
}
