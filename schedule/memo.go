package schedule

// A Memo remembers what the steps of a program have led to, by state, so that an execution
// is looked up instead of run for as long as it does, in the same states, what executions
// before it have done. In a small program most are, from end to end.
//
// Whoever decides and watches is asked and shown the same as if everything were run, and the
// result is the same, so that the same seed takes the same decisions. A failure is always run,
// since a report asks for more than is kept. What is not kept is neither shown: the cell of an
// operation has its identity, path and kind and no value, and the number in its object's name
// may be another's; State and Memory are those of the last decision, also in the middle of a
// step; Interrupted and what CPU returns are of an execution before. An Epoch may be skipped,
// or go up within an execution.
//
// A Memo is for programs that begin with threads, not with choices: of others it remembers
// nothing. It rests on the promise that all rests on which goes by states, see hash.go: where
// a program keeps something outside cells it may show executions that there are not, and
// hide others. If that shows, it panics.
//
// Where the way is not known any more the execution is run, from the beginning: it takes the
// same decisions once more, which nobody is asked for or shown, and goes on from there, and
// what it does is remembered. Where that does not pay, since nearly every state is new, most
// executions are run without a look: see lookedUp.
type Memo struct {
	limit   int // of nodes
	graph   memoGraph
	before  []memoEvent // what the threads are before the first step
	runner  *Runner     // that they are of
	mute    Kinds
	credit  int
	useless bool
	looked  int

	// The execution under way.
	edge    uint32  // that it is on; 0: nothing is remembered of the rest
	stepped *Thread // takes a step of which the end has not been seen
	steps   int     // that were seen to begin

	// While it is run.
	chooser Chooser
	watch   Watcher
	way     []uint8 // the decisions to take once more
	state   uint64  // in which the last of them was taken
	fresh   []memoEvent
	known   int // nodes when it began
}

// DefaultMemo is how many decisions a [Memo] keeps at most unless it is told otherwise: 5 to
// 8 MiB, and up to 60 if a program has a hundred threads.
const DefaultMemo = 1 << 15

// maxMemo is as many as there are numbers for their edges, if all have 255.
const maxMemo = 1 << 24

// NewMemo returns a Memo of at most so many decisions, and no more than 1<<24. In the models of
// the kernel one takes 140 to 260 bytes, where much happens from one to the next up to 900, and
// with a hundred threads 200 to 1,700.
func NewMemo(decisions int) *Memo {
	m := &Memo{limit: min(decisions, maxMemo)}
	m.forget(nil)
	return m
}

// LookedUp returns how many executions were looked up, from their beginnings to their ends.
func (m *Memo) LookedUp() int { return m.looked }

// Len returns how many decisions are kept, and ends of executions.
func (m *Memo) Len() int { return len(m.graph.nodes) - 1 }

// forget makes m as it was at first, for executions of r.
func (m *Memo) forget(r *Runner) {
	*m = Memo{limit: m.limit, runner: r, credit: startCredit, looked: m.looked}
	m.graph.init()
	if r != nil {
		m.mute = r.Mute
	}
}

// What an execution earns. One that is looked up takes from a tenth to two thirds of the time,
// the sampler's included, and one that is run in vain after a look, all of whose decisions are
// new, more than twice as long, since all of that is kept. So it costs as much as the other
// earns, or less if less was new, which says that soon nothing will be. The others, which had
// no look, pay for one try in 32.
const (
	lookedUp    = 1 << 10
	inVain      = lookedUp / 16 // what it costs at least
	plainlyRun  = lookedUp / 32
	startCredit = 96 * lookedUp
)

// run runs an execution of r, by what is known as far as that goes.
func (m *Memo) run(r *Runner, c Chooser) Result {
	if m.runner != r || m.mute != r.Mute {
		m.forget(r)
	}
	if m.credit <= 0 || m.useless {
		m.credit += plainlyRun
		return r.run(c)
	}
	e := &r.exec
	m.edge, m.stepped, m.steps = firstEdge, nil, 0
	m.way, m.fresh = m.way[:0], m.fresh[:0] // also of one that has panicked
	if m.graph.edges[firstEdge].to != 0 {
		r.reset(c)
		if m.lookUp(e) {
			if e.outcome == Pass {
				m.looked++
			}
			m.credit = min(m.credit+lookedUp, startCredit)
			return e.result()
		}
		m.way, m.state = append(m.way, e.taken...), e.lo
	}
	return m.runOn(r, c)
}

// lookUp takes an execution as far as it is known, and reports whether that is to its end.
func (m *Memo) lookUp(e *Exec) bool {
	e.threads = e.pool[:len(m.before)]
	for _, ev := range m.before {
		t := e.threads[ev.thread]
		t.state, t.op = ev.state, m.graph.ops[ev.op]
	}
	e.known = true
	for {
		edge := &m.graph.edges[m.edge]
		if edge.to == 0 || e.steps+int(edge.steps) >= e.maxSteps {
			return false
		}
		if e.watch == nil {
			m.skip(e, edge)
		} else if !m.play(e, m.graph.events[edge.first:][:edge.n]) {
			e.outcome = Abandoned
			return true
		}
		nd := &m.graph.nodes[edge.to]
		e.lo, e.memory = nd.state, nd.memory
		if nd.n == 0 {
			e.outcome = Pass
			return true
		}
		d := 0
		if nd.enabled.Empty() {
			e.running, e.calm, e.enabled = nil, nil, Set{}
			d = e.decide(int(nd.n))
		} else {
			d = e.decideThread(nd.enabled, e.last)
		}
		if d < 0 {
			return true
		}
		m.edge = nd.first + e.rank(d)
	}
}

// skip has what an edge comes to happen, all at once.
func (m *Memo) skip(e *Exec, edge *memoEdge) {
	for _, ev := range m.graph.events[edge.first+edge.n:][:edge.threads] {
		t := e.threads[ev.thread]
		t.state = ev.state
		if ev.named {
			t.op = m.graph.ops[ev.op]
		}
	}
	e.steps += int(edge.steps)
	e.switches += int(edge.switches)
	if edge.taker != nobody && e.last != nil && e.last.ID != int(edge.taker) {
		e.switches++
	}
	if edge.last != nobody {
		e.last, m.stepped = e.threads[edge.last], nil
	}
	if edge.within != nobody {
		m.stepped = e.threads[edge.within]
	}
}

// play has events happen, one by one, and shows the steps. It reports false if the watcher has
// seen enough.
func (m *Memo) play(e *Exec, events []memoEvent) bool {
	for i := range events {
		ev := &events[i]
		t := e.threads[ev.thread]
		if ev.what.begins() {
			if e.last != nil && e.last != t {
				e.switches++
			}
			e.steps++
			m.stepped = t
		}
		if ev.what == passes && !e.watch.Step(t) {
			return false
		}
		if ev.named {
			t.op = m.graph.ops[ev.op]
		}
		t.state = ev.state
		if (ev.what == takes || ev.what == says) && !e.watch.Step(t) {
			return false
		}
		if ev.what.ends() {
			e.last, m.stepped = t, nil
		}
	}
	return true
}

// runOn runs an execution, which goes on where it has come to by being looked up.
func (m *Memo) runOn(r *Runner, c Chooser) Result {
	e := &r.exec
	m.chooser, m.watch, m.known = c, r.Watch, m.Len()
	r.Watch = nil
	if len(m.way) == 0 {
		r.Watch = m
	}
	defer func() { r.Watch, m.chooser, m.watch = m.watch, nil, nil }()
	res := r.run(m)
	if res.Outcome == Pass && m.follow(e) && m.graph.edges[m.edge].to == 0 {
		m.settle()
		m.lead(memoNode{state: e.lo, memory: e.Memory()})
	}
	m.credit -= inVain
	if m.Len() >= m.limit {
		m.credit -= lookedUp
	} else {
		m.credit -= lookedUp * (m.Len() - m.known) / (len(e.taken) + 1)
	}
	return res
}

// Choose implements [Chooser], for an execution that is run.
func (m *Memo) Choose(e *Exec, n int) int {
	if i := len(e.taken); i < len(m.way) {
		if i == len(m.way)-1 {
			m.check(e, m.state)
			e.watch, e.shown, m.steps = m, true, e.steps
		}
		return int(m.way[i])
	}
	if e.starting && e.enabled.Empty() { // the threads are up to the choice
		m.useless, m.edge = true, 0
	}
	first := m.arrive(e, n)
	d := m.chooser.Choose(e, n)
	if first != 0 && d >= 0 && d < n {
		m.edge = first + e.rank(d)
	}
	return d
}

// check panics if an execution that has taken the same decisions as one before is in another
// state.
func (m *Memo) check(e *Exec, want uint64) {
	if e.lo != want {
		panic("schedule: after the same decisions the state is another: what does it depend on " +
			"that is in no cell, and differs from execution to execution?")
	}
}

// Step implements [Watcher], for an execution that is run.
func (m *Memo) Step(t *Thread) bool {
	switch t.exec.steps {
	case m.steps:
		m.note(t, says)
	case m.steps + 1:
		m.begun(t, takes)
	default:
		m.edge = 0 // an agent has taken a step and not said so
	}
	return m.watch == nil || m.watch.Step(t)
}

// begun is told that t has begun a step.
func (m *Memo) begun(t *Thread, what what) {
	if m.before == nil {
		m.begin(t.exec)
	}
	m.settle()
	m.note(t, what)
	m.stepped, m.steps = t, t.exec.steps
}

// begin notes what the threads are before the first step, or as it begins.
func (m *Memo) begin(e *Exec) {
	for _, t := range e.threads {
		ev := memoEvent{thread: uint8(t.ID), state: t.state}
		if t.agent == nil {
			ev.op = m.graph.number(t.op)
		} else {
			ev.op, ev.state = m.graph.number(Op{}), idle // also one that has begun to work
		}
		m.before = append(m.before, ev)
	}
}

// settle notes what the thread that took the last step is before its next.
func (m *Memo) settle() {
	if m.stepped != nil {
		m.note(m.stepped, rests)
		m.stepped = nil
	}
}

// note notes what becomes of t, unless it is known, or nothing is remembered.
func (m *Memo) note(t *Thread, what what) {
	if m.edge == 0 || m.graph.edges[m.edge].to != 0 {
		return
	}
	ev := memoEvent{what: what, thread: uint8(t.ID), state: t.state}
	if what == says || what == takes && t.agent != nil || what == rests && t.state == parked {
		ev.named, ev.op = true, m.graph.number(t.op)
	}
	if n := len(m.fresh); n > 0 && what == rests {
		if before := &m.fresh[n-1]; before.what == takes && !before.named && before.thread == ev.thread {
			ev.what = passes
			*before = ev
			return
		}
	}
	m.fresh = append(m.fresh, ev)
}

// follow notes that a step is over, or goes on in Choose, and reports whether what follows is
// remembered.
func (m *Memo) follow(e *Exec) bool {
	if m.edge == 0 {
		return false
	}
	if m.before == nil {
		m.begin(e)
	}
	choose := e.next != nil && e.enabled.Empty()
	if choose && e.steps == m.steps+1 { // of an agent that does not say yet what it is
		m.begun(e.next, starts)
	}
	if e.steps != m.steps { // an agent has taken one and not said so
		m.edge = 0
		return false
	}
	if !choose {
		m.settle()
	}
	return true
}

// arrive returns the first edge of the decision that an execution has come to, 0 if it is not
// remembered.
func (m *Memo) arrive(e *Exec, n int) uint32 {
	if !m.follow(e) {
		return 0
	}
	if to := m.graph.edges[m.edge].to; to != 0 {
		nd := &m.graph.nodes[to]
		m.check(e, nd.state)
		return nd.first
	}
	return m.lead(memoNode{state: e.lo, memory: e.Memory(), enabled: e.enabled, n: uint8(n)})
}

// lead has the edge that the execution is on lead to a node, by what has happened on it. It
// returns the first edge of the node; if there is no room for it, 0.
func (m *Memo) lead(nd memoNode) uint32 {
	to := m.graph.find(nd)
	if to == 0 {
		if m.Len() >= m.limit {
			m.edge = 0
			return 0
		}
		to = m.graph.add(nd)
	}
	m.graph.edges[m.edge] = m.graph.record(to, m.fresh)
	m.fresh = m.fresh[:0]
	return m.graph.nodes[to].first
}
