package explore

import (
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A visit is the chooser that goes where the tape of a worker leads and no further.
type visit struct {
	*worker
	arrived bool // at a decision behind the tape
	key     key  // of that decision
}

func (v *visit) Choose(e *schedule.Exec, n int) int {
	if v.pos == len(v.tape) {
		v.arrived, v.key = true, v.keyOf(e)
		return -1
	}
	alt := v.tape[v.pos]
	if v.pos++; int(alt) >= n {
		v.pos = len(v.tape) + 1 // not that far
		return -1
	}
	return v.decision(e, alt, n)
}

// visit goes where the tape of w leads. No other execution may be under way.
func (w *worker) visit() (visit, schedule.Result) {
	v := visit{worker: w}
	w.pos = 0
	res := w.runner.Run(&v)
	return v, res
}

// reaches reports whether a visit has come to the target of an edge.
func (w *worker) reaches(v visit, res schedule.Result, to uint32) bool {
	switch {
	case w.pos != len(w.tape):
		return false
	case to == unexpanded:
		return true // where it leads was not seen
	case to < terminal:
		return v.arrived && v.key == w.node(to).key
	}
	return !v.arrived && w.category(res) == w.endings[to&^terminal].Category
}

// leadsWhereItLed reports whether an edge does, run again.
func (w *worker) leadsWhereItLed(c claimed) bool {
	w.begin(c)
	v, res := w.visit()
	return w.reaches(v, res, w.edge(c).to)
}

// tapeTo returns a tape that leads to a node. It may be called while workers are under way, but
// with symmetry takes an instance of the program.
func (s *search) tapeTo(id uint32) schedule.Tape {
	w := s.newWorker()
	defer w.runner.Close()
	w.tape = s.path(nil, id)
	w.visit()
	return slices.Clone(w.runner.Taken())
}
