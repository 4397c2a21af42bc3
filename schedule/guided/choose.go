package guided

import "github.com/kschedfuzz/kschedfuzz/schedule"

// Choose implements [schedule.Chooser]. An execution that has come to where nothing is left
// to see goes on calmly to its end: to abandon it, which takes every thread out of what it
// is in, costs more.
func (en *Engine) Choose(e *schedule.Exec, n int) int {
	if en.repeats {
		return 0
	}
	if e.Enabled().Empty() && e.Steps() == 0 {
		en.workload = true
		en.choices = e.Decisions() + 1
	}
	if en.bursting() && en.burst.n > 0 && e.Decisions() < len(en.burst.setup) {
		return en.repeatSetup(e)
	}
	d, free := en.propose(e, n)
	if en.finished {
		return d
	}
	if en.workload && en.fresh == newest {
		en.blank = true
		return d
	}
	id, nd, fresh := en.graph.visit(keyOf(e), n, en.next(), &en.stock)
	if nd == nil {
		return en.take(d, place{})
	}
	en.tally.visits.add(id)
	if fresh {
		en.meet(e)
	}
	calm := calmRank(e)
	r := rank(d, calm)
	edge := en.graph.edge(nd, r)
	if en.mode != guidedMode {
		return en.take(d, place{nd, edge, id})
	}
	if how := en.arm.how; free && (how == seldom || how == backSeldom) {
		r = en.least(nd, n)
	} else if fresh || en.graph.open(nd, edge) {
		return en.take(d, place{nd, edge, id})
	} else {
		r = en.any(nd, n)
	}
	if r < 0 {
		en.repeats = true
		return 0
	}
	return en.take(decision(r, calm), place{nd, en.graph.edge(nd, r), id})
}

// next returns the node that the last edge led to before, nowhere if to none.
func (en *Engine) next() uint32 {
	if len(en.path) == 0 {
		return nowhere
	}
	last := &en.path[len(en.path)-1]
	if last.edge == nil {
		return nowhere
	}
	if to := last.edge.Load(); to != spent {
		return to // nowhere is untried
	}
	return nowhere
}

// meet counts a new decision, and its memory state.
func (en *Engine) meet(e *schedule.Exec) {
	en.fresh++
	entry, first := en.corpus.meet(e.Memory(), &en.spare)
	if entry != nowhere {
		en.tally.states.add(entry)
	}
	if first {
		en.news = append(en.news, found{entry, e.Decisions()})
	}
}

// take takes a decision.
func (en *Engine) take(d int, p place) int {
	en.path = append(en.path, p)
	return d
}

// propose returns the decision of the tapes that are to be followed, or that of the sampler,
// which is free then to be another.
func (en *Engine) propose(e *schedule.Exec, n int) (d int, free bool) {
	i := e.Decisions()
	switch {
	case i < len(en.way):
		d = int(en.way[i])
	case i < len(en.rest):
		d = int(en.rest[i])
	case en.mode != seedMode:
		return en.sampler.Choose(e, n), true
	}
	if d >= n {
		d %= n
	}
	return d, false
}

// any draws one of the edges of a node that are not spent; -1 if all are.
func (en *Engine) any(nd *node, n int) int {
	out, seen := -1, 0
	for r := range n {
		if en.graph.open(nd, en.graph.edge(nd, r)) {
			if seen++; en.below(seen) == 0 {
				out = r
			}
		}
	}
	return out
}

// least draws one of those of them that were followed least.
func (en *Engine) least(nd *node, n int) int {
	out, seen, fewest := -1, 0, uint32(0)
	for r := range n {
		edge := en.graph.edge(nd, r)
		if !en.graph.open(nd, edge) {
			continue
		}
		v := en.visits(edge.Load())
		if out < 0 || v < fewest {
			fewest, seen = v, 0
		}
		if v == fewest {
			if seen++; en.below(seen) == 0 {
				out = r
			}
		}
	}
	return out
}

// visits returns how often executions came to a node.
func (en *Engine) visits(id uint32) (n uint32) {
	for _, t := range en.members() {
		n += t.visits.of(id)
	}
	return n
}
