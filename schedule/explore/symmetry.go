package explore

import (
	"fmt"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Symmetry says that some threads of a program run the same code on the same things, so
// that it makes no difference which of them is where. Of states that differ only so,
// n! for n such threads, a search then keeps one.
//
// The numbers of a report are the same but for those of nodes and edges, and of runs and
// steps: an execution of the kept state stands for one of each of the others, with as many
// preemptions, switches and steps, so counting paths still counts all executions. The
// categories of exchangeable threads are one, and those of deadlocks. Of minimal witnesses only
// preemptions, switches and steps are minimal: which of several tapes it is depends on names.
//
// Nobody checks the claim while searching. Compare with a search without it, for as many
// threads as that can do: see the tests of kmodel/protocol.
//
// (Ip and Dill, Better verification through symmetry, Formal Methods in System Design 9,
// 1996, where the threads are a scalarset. There the model checker sorts the state; here the
// program does, since only it knows which cells belong to which thread.)
type Symmetry struct {
	// New makes an instance of the program, like [schedule.Program.New], which it
	// replaces, and what looks at its states. It is called for each worker, and while
	// others are at work: instances must have nothing in common that is written to.
	New func() (begin func(*schedule.Exec), canonical Canonical)
	// Class returns the lowest number of the threads that a thread may be exchanged
	// with.
	Class func(thread int) int
}

// Canonical is a function of [Symmetry]. It returns the hash of the state at hand in 128 bits
// such that states have the same hash if, and but for chance only if, exchanging threads makes
// one the other. That includes last, a thread or nil: it is the thread that took the last
// step, if it is enabled. Where the program has a Choose, it includes which thread is asking.
//
// And it returns a number for each thread, by which the exchange is told: of two states with
// one hash, a thread of the one is exchanged with that of the other which has its number. The
// slice is the function's own, and valid until it is called again. So the alternatives of a
// decision have an order which is that of all states that one is kept for, and an execution
// that comes to a known state by another way goes on there.
type Canonical func(e *schedule.Exec, last *schedule.Thread) (hash schedule.State, numbers []uint8)

// keyOf returns the key of the decision that e has come to, up to symmetry.
func (w *worker) keyOf(e *schedule.Exec) key {
	if w.canonical == nil {
		return keyOf(e)
	}
	s, _ := w.canonical(e, lastEnabled(e))
	if e.Enabled().Empty() {
		s.Hi++ // a Choose, as in the other keyOf
	}
	return key{s.Lo, s.Hi}
}

// lastEnabled returns the thread that took the last step, if it is enabled.
func lastEnabled(e *schedule.Exec) *schedule.Thread {
	if last := e.Last(); last != nil && e.Enabled().Has(last.ID) {
		return last
	}
	return nil
}

// decision returns the decision, of n, that is alternative alt of the state at hand. With
// symmetry the threads that are not running are in the order of their numbers.
func (w *worker) decision(e *schedule.Exec, alt uint8, n int) int {
	first := 0
	if e.Running() != nil {
		first = 1
	}
	if w.canonical == nil || e.Enabled().Empty() || int(alt) < first {
		return int(alt)
	}
	_, numbers := w.canonical(e, lastEnabled(e))
	place := func(d int) int {
		mine, place := numbers[e.Alternative(d).ID], first
		for other := first; other < n; other++ {
			its := numbers[e.Alternative(other).ID]
			if its < mine || its == mine && other < d {
				place++
			}
		}
		return place
	}
	d := first
	for place(d) != int(alt) {
		d++
	}
	return d
}

// category returns the category of res, up to symmetry.
func (w *worker) category(res schedule.Result) Category {
	c := CategoryOf(res)
	switch {
	case w.canonical == nil || c.Thread < 0:
	case c.Kind == schedule.Deadlock:
		// It is called by the first of those who wait, which may wait for something else where
		// threads are exchanged.
		c = Category{Outcome: c.Outcome, Kind: c.Kind, Thread: -1}
	default:
		c.Thread = w.opt.Symmetry.Class(c.Thread)
	}
	return c
}

// alike reports whether e, with n alternatives, can be the same decision as a node.
func (w *worker) alike(e *schedule.Exec, nd *node, n int) bool {
	set := e.Enabled()
	if w.canonical != nil {
		return int(nd.n) == n && set.Empty() == (nd.enabled == 0)
	}
	return int(nd.n) == n && nd.enabled == fold(set)
}

// witnesses returns that of each ending. With symmetry the tapes of the graph are of
// alternatives; those that run are found by running them, which ends the search if one does
// not end as the graph says: the report says so.
func (s *search) witnesses(r *Report) []Witness {
	var out []Witness
	for _, end := range s.known {
		out = append(out, end.witness)
	}
	if s.opt.Symmetry == nil || r.Stop == Unsound || r.Stop == BadCheckpoint {
		return out
	}
	w := s.newWorker()
	defer w.runner.Close()
	for i := range out {
		tape, res := w.walk(out[i].Tape)
		c := s.known[i].Category
		if w.category(res) != c || res.Steps != out[i].Steps || res.Switches != out[i].Switches {
			r.Stop, r.Err = Unsound, fmt.Errorf("no execution ends in %v as the graph says: "+
				"the program is not as symmetric as it claims", c)
		}
		out[i].Tape = tape
	}
	return out
}

// walk takes the given alternatives, and then calmly to the end. It returns the tape of that.
func (w *worker) walk(alternatives schedule.Tape) (schedule.Tape, schedule.Result) {
	w.tape, w.pos = alternatives, 0
	res := w.runner.Run(walker{w})
	return slices.Clone(w.runner.Taken()), res
}

// A walker is the chooser of walk.
type walker struct{ *worker }

func (w walker) Choose(e *schedule.Exec, n int) int {
	alt := uint8(0)
	if w.pos < len(w.tape) {
		alt = w.tape[w.pos]
		w.pos++
	}
	if int(alt) >= n {
		return -1
	}
	return w.decision(e, alt, n)
}
