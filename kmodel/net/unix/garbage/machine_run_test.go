package garbage

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// counted is the machine as verify compares it.
func (m *machine) counted(bound int) verify.Machine[mSys, string] {
	return verify.Machine[mSys, string]{
		Threads: mThreads,
		Bound:   bound,
		Enabled: m.enabled,
		Rests:   func(s *mSys, me int) bool { return s.threads[me].n == 0 },
		Step: func(s mSys, me int, next func(mSys), end func(string)) {
			if s.threads[me].n == 0 && s.items.n == 2 && s.by[mItemGC] != s.by[mItemFput] {
				// Of several CPUs: either may come first.
				to := s
				to.items.of[0], to.items.of[1] = s.items.of[1], s.items.of[0]
				m.step(&to, me)
				next(to)
			}
			if how := m.step(&s, me); how != "" {
				end(how)
			} else {
				next(s)
			}
		},
		Stuck: func(s mSys, _ func(mSys), end func(string)) {
			for _, th := range s.threads {
				if th.n != 0 {
					end("deadlock")
					return
				}
			}
			end(m.end(&s))
		},
	}
}

// initial is how a program begins.
func (m *machine) initial(scenario string) mSys {
	s := mSys{highest: 2}
	m.calls, m.asks = [3][]func(*mSys, *mThread, uint8){}, mOfAll
	switch scenario {
	case "peek-vs-gc":
		m.sockets(&s, 4)
		m.inflight(&s, 1, 0, 1)
		m.inflight(&s, 2, 1, 0)
		m.closed(&s, 0)
		m.calls[0] = append(m.calls[0], mPeekCall(1), mCloseCall(1))
		m.calls[1] = append(m.calls[1], mCloseCall(2))
		m.calls[2] = append(m.calls[2], mCloseCall(3))
	case "sendmsg-vs-gc":
		m.sockets(&s, 3)
		m.pair(&s, 0, 1)
		m.calls[0] = append(m.calls[0], mSendCall(1, 0), mCloseCall(1))
		m.calls[1] = append(m.calls[1], mCloseCall(0), mCloseCall(2))
	case "close-vs-gc":
		m.sockets(&s, 3)
		m.inflight(&s, 1, 0, 0)
		m.calls[0] = append(m.calls[0], mCloseCall(1))
		m.calls[1] = append(m.calls[1], mCloseCall(0), mCloseCall(2))
	case "chord-vs-gc":
		m.sockets(&s, 4)
		m.inflight(&s, 1, 0, 1)
		m.inflight(&s, 2, 1, 2)
		m.inflight(&s, 3, 1, 0)
		m.inflight(&s, 4, 2, 1)
		m.closed(&s, 1)
		m.closed(&s, 2)
		m.calls[0] = append(m.calls[0], mCloseCall(0), mCloseCall(3))
	case "vertex-vs-gc":
		m.sockets(&s, 6)
		m.pair(&s, 1, 2)
		m.pair(&s, 3, 4)
		m.inflight(&s, 1, 5, 5)
		s.queue[0].add(2) // without a socket
		m.store(&s)
		s.cyclic, s.state, s.highest = 1, 2, s.index[5]
		m.calls[0] = append(m.calls[0], mSendCall(2, 0), mCloseCall(0))
		m.calls[1] = append(m.calls[1], mSendCall(4, 1), mCloseCall(1), mCloseCall(4))
	case "ring-vs-gc":
		m.sockets(&s, 6)
		m.pair(&s, 0, 2)
		m.inflight(&s, 1, 0, 1)
		m.inflight(&s, 2, 1, 0)
		m.inflight(&s, 3, 3, 3)
		m.closed(&s, 0)
		m.asks = mOfNone
		m.calls[0] = append(m.calls[0], mSendCall(2, 1))
		m.calls[1] = append(m.calls[1], mCloseCall(1), mCloseCall(4), mCloseCall(5))
	case "count-vs-gc":
		m.sockets(&s, 5)
		m.pair(&s, 0, 1)
		m.inflight(&s, 1, 3, 3)
		m.asks = 3
		m.calls[0] = append(m.calls[0], mSendCall(1, 0), mCloseCall(3))
		m.calls[1] = append(m.calls[1], mCloseCall(0), mCloseCall(2), mCloseCall(4))
	}
	for me := range m.calls {
		m.next(&s, me)
	}
	return s
}

func (m *machine) sockets(s *mSys, n uint8) {
	for u := range n {
		s.fd[u], s.count[u], s.refs[u] = u+1, 1, 1
	}
}

func (m *machine) pair(s *mSys, a, b uint8) {
	s.peer[a], s.peer[b], s.refs[a], s.refs[b] = b+1, a+1, 2, 2
}

func (m *machine) closed(s *mSys, u uint8) {
	s.fd[u] = 0
	s.count[u]--
}

// inflight has message msg with socket u in the queue of socket to.
func (m *machine) inflight(s *mSys, msg, u, to uint8) {
	s.msgs[msg] = mMsg{sock: u + 1, to: to + 1, inflight: true}
	if s.edges[u].n == 0 {
		m.vertex(s, u)
	}
	s.edges[u].add(msg)
	s.queue[to].add(msg)
	s.count[u]++
	s.tot++
	if s.edges[to].n > 0 {
		s.state = 1
	}
}

// machines has what the variants are.
var machines = map[string]machine{
	"6.17":     {},
	"6.18":     {init: true},
	"6.12.117": {init: true, peek: true, inWork: true, unlink: true},
	"6.18.24":  {init: true, count: true, peek: true},
	"6.18.38":  {init: true, count: true, peek: true, inWork: true},
	"7.0":      {init: true, count: true, peek: true, schedule: true},
	"7.1":      {init: true, count: true, peek: true, inWork: true, schedule: true},
	"m1":       {init: true, count: true, peek: true, inWork: true, schedule: true, oneIndex: true},
	"m2":       {init: true, count: true, peek: true, inWork: true, schedule: true, again: true},
	"m3":       {init: true, count: true, peek: true, inWork: true, schedule: true, always: true},
	"m4": {init: true, count: true, peek: true, inWork: true, schedule: true, oneIndex: true,
		again: true, always: true},
	"m5": {init: true, count: true, peek: true, inWork: true, schedule: true, section: true},
	"m6": {init: true, count: true, peek: true, inWork: true, schedule: true, unlink: true,
		again: true},
	"7.1.10": {init: true, count: true, peek: true, inWork: true, schedule: true, unlink: true},
}

// TestMachine compares the fixed programs with the machine: how they end, and the number of their
// executions with any number of preemptions, or with at most 3 or 2 if there are many states.
func TestMachine(t *testing.T) {
	agree := 0
	for _, p := range Programs() {
		if p.Workload {
			continue
		}
		m, bound := machines[p.Variant], explore.Unbounded
		switch p.Scenario {
		case "peek-vs-gc", "count-vs-gc":
			bound = 3
		case "ring-vs-gc":
			bound = 2
		}
		r := explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
			explore.Options{Bound: bound}))
		agree += m.counted(bound).Compare(t, r, m.initial(p.Scenario), func(e explore.Ending) string {
			if e.Outcome == schedule.Fail {
				return e.Kind.String()
			}
			return e.Outcome.String()
		})
	}
	t.Logf("%d numbers agree", agree)
}
