package triage

// An exact answer for one workload.
type exact struct {
	outcome
	limit cost
	done  bool
}

// exact looks for the smallest schedule of the workload outright, and keeps
// what it can certify. The search is bounded by the best execution so far: only
// what is not larger is looked at. One that was complete stays right when the
// bound falls, and one with the same bound would come to the same.
func (m *minimizer) exact() bool {
	name := string(setupOf(m.best.log))
	x := m.exacts[name]
	limit := costOf(m.best.Measure)
	if !x.done || !x.complete && x.limit != limit {
		s := &search{m: m, setup: setupOf(m.best.log), limit: &limit}
		x = exact{s.run(m.opt.Nodes), limit, true}
		m.runs += x.spent
		m.roundEnd += x.spent // it has a budget of its own
		m.pass.Tries += x.spent
		m.exacts[name] = x
	}
	changed := x.tape != nil && m.proposeTape(x.tape)
	m.certify(x)
	return changed
}

// certify writes the certificate for best from what a search of its workload
// came to.
func (m *minimizer) certify(x exact) {
	c := Certificate{
		Preemptions: m.best.Preemptions,
		Bound:       min(x.bound, m.best.Preemptions-1),
		Smallest:    x.complete,
		States:      x.states,
		Executions:  x.spent,
		Elsewhere:   x.elsewhere,
		Workload:    m.first() > 0,
	}
	switch {
	case x.complete:
		c.Stop = "complete"
	case m.ctx.Err() != nil:
		c.Stop = "cancelled"
	default:
		c.Stop = "out of budget"
	}
	m.cert = c
}
