package triage

import (
	"cmp"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

const (
	// spanLimit is the most setup decisions that are deleted at once: a thread
	// of four calls with one argument each takes nine.
	spanLimit = 12
	// trimLimit is the most decisions that a thread's part of the schedule is
	// shortened by when it has lost a call.
	trimLimit = 64
	// searchNodes is the most nodes of a search for a schedule in a workload that
	// the old schedule does not carry over to. Two calls against each other have
	// fewer with two preemptions.
	searchNodes = 2_000
)

// A shape is what the setup decisions come to: a workload.
type shape struct {
	setup   schedule.Tape // all setup decisions, zeros at the end included
	threads []schedule.ThreadInfo
	tasks   int // threads that are not agents
	calls   int
}

// size compares workloads by threads, then calls.
func (w shape) size(o Measure) int {
	return cmp.Or(cmp.Compare(w.tasks, o.Threads), cmp.Compare(w.calls, o.Calls))
}

// A shaper is a chooser that takes setup decisions only, and abandons the
// execution at the first other one.
type shaper struct {
	setup schedule.TapeReader
	taken schedule.Tape
}

// Choose implements [schedule.Chooser].
func (s *shaper) Choose(e *schedule.Exec, n int) int {
	if subjectOf(e) != setup {
		return -1
	}
	d := s.setup.Choose(e, n)
	s.taken = append(s.taken, uint8(d))
	return d
}

// shape returns the workload that setup stands for, read leniently.
func (m *minimizer) shape(setup schedule.Tape) shape {
	c := new(shaper)
	c.setup.Reset(setup)
	m.r.Run(c)
	return m.shapeOf(c.taken)
}

// shapeOf returns the workload that has just been run as far as its setup.
func (m *minimizer) shapeOf(setup schedule.Tape) shape {
	w := shape{setup: setup, calls: m.r.Exec().Calls()}
	for _, t := range m.r.Exec().Threads() {
		w.threads = append(w.threads, schedule.ThreadInfo{Name: t.Name, Agent: t.IsAgent()})
		if !t.IsAgent() {
			w.tasks++
		}
	}
	return w
}

// workload proposes smaller workloads, and simpler ones of the same size. The
// rest of the tape means something else in each, so three ways of getting a
// schedule for it are tried, the cheap ones for all of them first.
func (m *minimizer) workload() bool {
	if m.first() == 0 {
		return false
	}
	old := m.shape(setupOf(m.best.log))
	candidates := m.shapes(old)
	for _, w := range candidates {
		if m.stopped() {
			return false
		}
		if m.carry(old, w) {
			return true
		}
	}
	for _, f := range []func(old, w shape) bool{m.carryTrimmed, m.searchIn} {
		for _, w := range candidates {
			if m.stopped() {
				return false
			}
			if w.size(m.best.Measure) < 0 && f(old, w) {
				return true
			}
		}
	}
	return false
}

// others searches the workloads near the final one and of its size for a
// smaller schedule: it matters which calls race. It comes after exact, which
// has made the limit as low as it can be, and costs most.
func (m *minimizer) others() bool {
	x := m.exacts[string(setupOf(m.best.log))]
	if m.first() == 0 || !x.complete || x.states > searchNodes {
		return false
	}
	old := m.shape(setupOf(m.best.log))
	for _, w := range m.shapes(old) {
		if m.stopped() {
			return false
		}
		if w.size(m.best.Measure) == 0 && m.searchIn(old, w) {
			return true
		}
	}
	return false
}

// shapes returns the workloads near old that are no larger, the smallest first.
func (m *minimizer) shapes(old shape) []shape {
	var out []shape
	seen := map[string]bool{string(old.setup): true}
	add := func(setup schedule.Tape, same bool) {
		if seen[string(setup)] {
			return
		}
		seen[string(setup)] = true
		// What was proposed may be read as something else: digits that are
		// missing are 0, and those that are too many are not asked for.
		w := m.shape(setup)
		if string(w.setup) != string(setup) {
			if seen[string(w.setup)] {
				return
			}
			seen[string(w.setup)] = true
		}
		size := w.size(m.best.Measure)
		if size < 0 || size == 0 && same {
			out = append(out, w)
		}
	}
	for i := range old.setup {
		add(old.setup[:i], true)
		for d := range m.best.log[i].n {
			s := slices.Clone(old.setup)
			s[i] = d
			add(s, true)
			// A smaller number of things, and one of them deleted: a count of
			// calls lowered by one, and the digits of a call taken out. Without
			// the second half the last call goes, whichever matters.
			if d != 0 && d+1 != old.setup[i] {
				continue
			}
			for at := i + 1; at < len(s) && d < old.setup[i]; at++ {
				for n := 1; n <= spanLimit && at+n <= len(s); n++ {
					add(slices.Delete(slices.Clone(s), at, at+n), false)
				}
			}
		}
		for n := 1; n <= spanLimit && i+n <= len(old.setup); n++ {
			add(slices.Delete(slices.Clone(old.setup), i, i+n), false)
			// Two things exchanged: which thread makes which calls.
			for k := 1; k <= spanLimit && i+n+k <= len(old.setup); k++ {
				s := old.setup
				add(slices.Concat(s[:i], s[i+n:i+n+k], s[i:i+n], s[i+n+k:]), true)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b shape) int {
		return cmp.Or(cmp.Compare(a.tasks, b.tasks),
			cmp.Compare(a.calls, b.calls), shortlex(a.setup, b.setup))
	})
	return out
}

// carry proposes w with the old schedule: its digits as they are, and its order
// of threads.
func (m *minimizer) carry(old, w shape) bool {
	rest := digits(m.best.log[m.first():])
	if m.proposeTape(slices.Concat(w.setup, rest)) {
		return true
	}
	for _, ids := range renumberings(old, w) {
		o := renumbered(m.best.log, ids)
		o.setup.Reset(w.setup)
		if m.propose(o) {
			return true
		}
	}
	return false
}

// carryTrimmed proposes w with the old order of threads, less what one thread
// did first: that may have been the call that is gone.
func (m *minimizer) carryTrimmed(old, w shape) bool {
	for _, ids := range renumberings(old, w) {
		for id := range w.threads {
			for k := 1; k <= trimLimit && !m.stopped(); k++ {
				o := renumbered(m.best.log, ids)
				o.setup.Reset(w.setup)
				if !o.trim(int8(id), k) {
					break
				}
				if m.propose(o) {
					return true
				}
			}
		}
	}
	return false
}

// searchIn searches w for a schedule, and does so in vain once only: the search
// depends on nothing but w and, in a workload of the same size, the limit, which
// never rises.
func (m *minimizer) searchIn(_, w shape) bool {
	name := string(w.setup)
	if m.barren[name] {
		return false
	}
	s := &search{m: m, setup: w.setup}
	if w.size(m.best.Measure) == 0 {
		limit := costOf(m.best.Measure)
		s.limit = &limit
	}
	out := s.run(searchNodes)
	m.runs += out.spent
	m.pass.Tries += out.spent
	if out.tape != nil && m.proposeTape(out.tape) {
		return true
	}
	m.barren[name] = true
	return false
}

// renumberings returns the ways in which the threads of old can become those of
// w: the new number of each old one, -1 if it is gone. Nothing says which task
// is gone, so there is a way for each; and if none is, two may have changed
// places.
func renumberings(old, w shape) [][]int8 {
	order := make([]int, old.tasks) // the new place of each old task
	for i := range order {
		order[i] = i
	}
	var out [][]int8
	switch w.tasks {
	case old.tasks:
		out = append(out, renumbering(old, w, order))
		for i := range order {
			for j := i + 1; j < len(order); j++ {
				order[i], order[j] = order[j], order[i]
				out = append(out, renumbering(old, w, order))
				order[i], order[j] = order[j], order[i]
			}
		}
	case old.tasks - 1:
		for gone := range order {
			out = append(out, renumbering(old, w, slices.Insert(slices.Clone(order), gone, -1)))
		}
	default:
		out = append(out, renumbering(old, w, order))
	}
	return out
}

// renumbering matches tasks as order says, and agents by name.
func renumbering(old, w shape, order []int) []int8 {
	var tasks []int8 // of w
	agents := map[string]int8{}
	for id, t := range w.threads {
		if t.Agent {
			agents[t.Name] = int8(id)
		} else {
			tasks = append(tasks, int8(id))
		}
	}
	ids := make([]int8, len(old.threads))
	task := 0
	for i, t := range old.threads {
		ids[i] = -1
		if id, ok := agents[t.Name]; t.Agent && ok {
			ids[i] = id
		}
		if !t.Agent {
			if to := order[task]; to >= 0 && to < len(tasks) {
				ids[i] = tasks[to]
			}
			task++
		}
	}
	return ids
}

// renumbered returns the order of log with its threads renumbered.
func renumbered(log []decision, ids []int8) *order {
	o := orderOf(log)
	for i, id := range o.seq {
		o.seq[i] = ids[id] // -1 is skipped
	}
	return o
}

// trim takes the first k decisions for thread id out. It reports whether there
// were as many.
func (o *order) trim(id int8, k int) bool {
	for i := 0; i < len(o.seq) && k > 0; i++ {
		if o.seq[i] == id {
			o.seq[i] = -1
			k--
		}
	}
	return k == 0
}
