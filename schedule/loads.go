package schedule

import (
	"cmp"
	"slices"
)

// Loads are what threads of a program are known to load where loads pass loads
// ([Exec.ReorderLoads]): an invalidate queue has no more than what its thread loads. The rest would
// make states differ, most of them, by what nobody looks at. Nobody has written down what a thread
// loads. So an execution in which one loads something new begins again, with the same decisions, and
// the hash of a state is another from then on: who goes by states starts anew when [Loads.Len] has
// changed. The zero value is what is known at first: nothing.
type Loads struct {
	n     int
	kinds map[layout][]Set // by number of the cell: who loads it
}

// A layout is that of objects of a kind, with so many cells.
type layout struct {
	kind  string
	cells int
}

// Len returns how many pairs there are of a thread and what it loads.
func (l *Loads) Len() int { return l.n }

// A Loaded is that a thread loads a cell of objects of a kind.
type Loaded struct {
	Kind         string
	Cells        int // how many they have
	Cell, Thread int // by number
}

// All returns them, in order.
func (l *Loads) All() (all []Loaded) {
	for like, cells := range l.kinds {
		for i, who := range cells {
			for ; !who.Empty(); who = who.Rest() {
				all = append(all, Loaded{like.kind, like.cells, i, who.First()})
			}
		}
	}
	slices.SortFunc(all, func(a, b Loaded) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Cells, b.Cells),
			cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Thread, b.Thread))
	})
	return all
}

// Add adds what All has returned. What is out of range is left out.
func (l *Loads) Add(all []Loaded) {
	for _, a := range all {
		if a.Cells <= maxCells && 0 <= a.Cell && a.Cell <= a.Cells && 0 <= a.Thread && a.Thread < MaxThreads {
			l.add(&l.of(layout{a.Kind, a.Cells})[a.Cell], SetOf(a.Thread))
		}
	}
}

// of returns who loads what is in objects of a kind.
func (l *Loads) of(like layout) []Set {
	cells := l.kinds[like]
	if cells == nil {
		if l.kinds == nil {
			l.kinds = map[layout][]Set{}
		}
		cells = make([]Set, like.cells+1)
		l.kinds[like] = cells
	}
	return cells
}

func (l *Loads) add(who *Set, thread Set) {
	if !who.Intersects(thread) {
		*who = who.Union(thread)
		l.n++
	}
}

// knows is called when t loads c. If that is new, the execution ends, to begin again.
func (t *Thread) knows(c *Cell) {
	if who := &c.obj.loaders[c.num]; !who.Intersects(t.self) {
		e := t.exec
		e.loads.add(who, t.self)
		e.outcome, e.again = Invalid, true
		e.unwind()
	}
}

// again is what takes the decisions of an execution that begins again, and shows what has not been
// shown.
type again struct {
	tape  Tape
	steps int
	loads int
	Chooser
	Watcher
}

// Choose implements [Chooser].
func (a *again) Choose(e *Exec, n int) int {
	if len(a.tape) > 0 {
		d := a.tape[0]
		a.tape = a.tape[1:]
		return int(d)
	}
	return a.Chooser.Choose(e, n)
}

// Step implements [Watcher].
func (a *again) Step(t *Thread) bool {
	if a.steps > 0 {
		a.steps--
		return true
	}
	return a.Watcher.Step(t)
}

// Loaded implements [LoadWatcher].
func (a *again) Loaded(t *Thread, l Loading) bool {
	if a.loads > 0 {
		a.loads--
		return true
	}
	w, ok := a.Watcher.(LoadWatcher)
	return !ok || w.Loaded(t, l)
}
