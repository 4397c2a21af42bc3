package triage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Smaller says what is known of the workloads that are smaller than a result's: of no more
// threads and no more calls, and of fewer threads or fewer calls.
type Smaller struct {
	Workloads int `json:"workloads"` // that are smaller
	// Excluded counts those of which all executions were searched, and none fails this way.
	Excluded int `json:"excluded"`
	States   int `json:"states"` // that the searches covered
	// Uncounted says that there are more than Workloads: they were too many to be counted.
	Uncounted bool `json:"uncounted,omitempty"`
}

// Complete reports whether no smaller workload fails this way.
func (s *Smaller) Complete() bool { return !s.Uncounted && s.Excluded == s.Workloads }

// String returns what is known, without what more and fewer mean: that is above.
func (s *Smaller) String() string {
	const smaller = "with fewer threads or calls"
	switch {
	case s.Complete() && s.Workloads == 0:
		return "no workload is smaller"
	case s.Complete():
		return fmt.Sprintf("no workload %s fails this way: %s, %s, complete",
			smaller, count(s.Workloads, "workload"), count(s.States, "state"))
	case s.Workloads == 0:
		return "whether a workload " + smaller + " fails this way was not looked at"
	case s.Uncounted:
		return fmt.Sprintf("of more than %s %s %d cannot fail this way (%s), the others are open",
			count(s.Workloads, "workload"), smaller, s.Excluded, count(s.States, "state"))
	}
	return fmt.Sprintf("of %s %s %d cannot fail this way (%s), the others are open",
		count(s.Workloads, "workload"), smaller, s.Excluded, count(s.States, "state"))
}

// smaller searches all smaller workloads, the smallest first, each without a bound, for an
// execution that fails the same way. Unlike workload, which proposes what is near, it leaves
// none out, so what it does not find is not there. It comes last: every workload that can
// be made smaller otherwise makes this cheaper.
func (m *minimizer) smaller() bool {
	if m.first() == 0 {
		return false
	}
	shapes, counted := m.smallerShapes()
	m.certified = Smaller{Workloads: len(shapes), Uncounted: !counted}
	for _, w := range shapes {
		out := m.exclude(w)
		m.certified.States += out.states
		if out.tape != nil && m.proposeTape(out.tape) {
			return true
		}
		if out.complete && out.tape == nil {
			m.certified.Excluded++
		}
	}
	return false
}

// exclude searches all executions of w, once. All smaller workloads together may take
// [Options.Nodes] states.
func (m *minimizer) exclude(w shape) outcome {
	name := string(w.setup)
	out, known := m.excluded[name]
	left := m.opt.Nodes - m.excluding
	if known || left <= 0 || m.err != nil || m.ctx.Err() != nil {
		return out
	}
	s := &search{m: m, setup: w.setup}
	out = s.run(left)
	m.excluding += out.states
	m.runs += out.spent
	m.roundEnd += out.spent // it has a budget of its own
	m.pass.Tries += out.spent
	m.excluded[name] = out
	return out
}

// A listing is the workloads that are smaller than one of so many threads and calls.
type listing struct {
	threads, calls int
	shapes         []shape // the smallest first
	all            bool
}

// smallerShapes returns the workloads that are smaller than best's, the smallest first. It
// reports false if there may be more: it looks at [Options.Nodes] workloads at most. They are
// listed again only once best has other threads or calls.
func (m *minimizer) smallerShapes() ([]shape, bool) {
	if l := &m.listed; l.threads != m.best.Threads || l.calls != m.best.Calls {
		*l = m.list()
	}
	return m.listed.shapes, m.listed.all
}

func (m *minimizer) list() listing {
	out := listing{threads: m.best.Threads, calls: m.best.Calls}
	l := &lister{calls: m.best.Calls}
	for n := 0; ; n++ {
		if n == m.opt.Nodes || m.ctx.Err() != nil {
			return out
		}
		l.taken, l.alternatives, l.over = l.taken[:0], l.alternatives[:0], false
		m.r.Run(l)
		if !l.over {
			if w := m.shapeOf(slices.Clone(l.taken)); w.tasks <= m.best.Threads &&
				w.calls <= m.best.Calls && w.size(m.best.Measure) < 0 {
				out.shapes = append(out.shapes, w)
			}
		}
		if !l.next() {
			break
		}
	}
	slices.SortStableFunc(out.shapes, func(a, b shape) int {
		return cmp.Or(cmp.Compare(a.tasks, b.tasks), cmp.Compare(a.calls, b.calls))
	})
	out.all = true
	return out
}

// A lister is a chooser that takes setup decisions, one workload after the other.
type lister struct {
	shaper
	calls        int // the most that are of interest
	alternatives []int
	over         bool // there are more calls
}

// Choose implements [schedule.Chooser]. Calls are counted as they are chosen, so what
// comes to too many is left as soon as it does.
func (l *lister) Choose(e *schedule.Exec, n int) int {
	if l.over = e.Calls() > l.calls; l.over {
		return -1
	}
	d := l.shaper.Choose(e, n)
	if d >= 0 {
		l.alternatives = append(l.alternatives, n)
	}
	return d
}

// next sets l to the next workload, and reports whether there is one.
func (l *lister) next() bool {
	i := len(l.taken) - 1
	for i >= 0 && int(l.taken[i])+1 >= l.alternatives[i] {
		i--
	}
	if i < 0 {
		return false
	}
	next := slices.Clone(l.taken[:i+1])
	next[i]++
	l.setup.Reset(next)
	return true
}
