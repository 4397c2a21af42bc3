package explore

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Symmetry says that some threads of a program run the same code on the same things, so
// that it makes no difference which of them is where. Of states that differ only so,
// n! for n such threads, a search then keeps one.
//
// The numbers of a report are the same but for those of nodes and edges, and of runs and
// steps: an execution of the kept state stands for one of each of the others, with as many
// preemptions, switches and steps, so counting paths still counts all executions. The
// categories of exchangeable threads are one. Of minimal witnesses only preemptions,
// switches and steps are minimal: which of several tapes it is depends on names.
//
// Nobody checks the claim while searching. Compare with a search without it, for as many
// threads as that can do: see the tests of kmodel/protocol.
//
// (Ip and Dill, Better verification through symmetry, Formal Methods in System Design 9,
// 1996, where the threads are a scalarset. There the model checker sorts the state; here the
// program does, since only it knows which cells belong to which thread.)
type Symmetry struct {
	// New makes an instance of the program, like [schedule.Program.New], which it
	// replaces. Canonical returns the hash of the state at hand in 128 bits such that
	// states have the same hash if, and but for chance only if, exchanging threads makes
	// one the other. That includes last, a thread or nil: it is the thread that took the
	// last step, if it is enabled. Where the program has a Choose, it includes which
	// thread is asking.
	New func() (begin func(*schedule.Exec), canonical Canonical)
	// Class returns the lowest number of the threads that a thread may be exchanged
	// with.
	Class func(thread int) int
}

// Canonical is a function of [Symmetry].
type Canonical func(e *schedule.Exec, last *schedule.Thread) schedule.State

// keyOf returns the key of the decision that e has come to, up to symmetry.
func (w *worker) keyOf(e *schedule.Exec) key {
	if w.canonical == nil {
		return keyOf(e)
	}
	last := e.Last()
	if last != nil && e.Enabled()>>last.ID&1 == 0 {
		last = nil
	}
	s := w.canonical(e, last)
	if e.Enabled() == 0 {
		s.Hi++ // a Choose, as in the other keyOf
	}
	return key{s.Lo, s.Hi}
}

// category returns the category of res, up to symmetry.
func (w *worker) category(res schedule.Result) Category {
	c := CategoryOf(res)
	if w.canonical != nil && c.Thread >= 0 {
		c.Thread = w.opt.Symmetry.Class(c.Thread)
	}
	return c
}

// alike reports whether e, with n alternatives, can be the same decision as a node.
func (w *worker) alike(e *schedule.Exec, nd *node, n int) bool {
	set := e.Enabled()
	if w.canonical != nil {
		return int(nd.n) == n && (set == 0) == (nd.enabled == 0)
	}
	return int(nd.n) == n && nd.enabled == fold(set)
}

// realize gives the endings of a level that has just been finished tapes that run. A
// minimal way through the graph is one of nodes, each kept for many states: which
// alternative leads on from the state at hand is found by trying.
func (s *search) realize(level int) error {
	if s.opt.Symmetry == nil {
		return nil
	}
	for i := range s.endings {
		if end := &s.endings[i]; int(end.level) == level {
			tape, ok := s.workers[0].realize(end.way)
			if !ok {
				return fmt.Errorf("no execution ends in %v as the graph says: "+
					"the program is not as symmetric as it claims", end.Category)
			}
			end.witness.Tape = tape
		}
	}
	return nil
}

func (w *worker) realize(way []claimed) (tape schedule.Tape, ok bool) {
	w.tape = w.tape[:0]
	goal := *w.edge(claimed{})
	for _, c := range way {
		nd := w.node(c.Node)
		ed := w.alternatives(nd)[c.Alt]
		goal.to = ed.to
		goal.steps += ed.steps
		goal.switches += ed.switches
		alts := [2]int{0, nd.calm()}
		if int(c.Alt) >= nd.calm() {
			alts = [2]int{nd.calm(), int(nd.n)}
		}
		if !w.extend(alts, goal) {
			return nil, false
		}
	}
	return append(schedule.Tape{}, w.tape...).Canonical(), true
}

// extend adds one of a range of alternatives to the tape, the first that leads to the
// goal: an edge from the beginning.
func (w *worker) extend(alts [2]int, goal edge) bool {
	w.tape = append(w.tape, 0)
	for alt := alts[0]; alt < alts[1]; alt++ {
		w.tape[len(w.tape)-1] = uint8(alt)
		v, res := w.visit()
		if w.reaches(v, res, goal.to) &&
			v.steps == int(goal.steps) && v.switches == int(goal.switches) {
			return true
		}
	}
	return false
}
