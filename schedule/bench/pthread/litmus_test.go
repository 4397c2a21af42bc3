package pthread_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// vars is what the threads of the table share.
type vars struct {
	schedule.Object
	m, n     pthread.Mutex
	c        pthread.Cond
	x, y     pthread.Int
	r        [2]pthread.Int
	children [2]pthread.Thread
	p        pthread.Ptr[*node]
	node     node
}

type node struct {
	schedule.Object
	v pthread.Int
}

// A body is what a thread of the table does.
type body func(v *vars, t *schedule.Thread)

// A litmus is one row: threads, a condition that must not hold at the end, and how many
// executions there are of each outcome. The comment above it says why.
type litmus struct {
	name     string
	threads  []body
	children []body // declared, and created by threads
	exists   func(v *vars) bool
	counts   string
}

func (l litmus) program() schedule.Program {
	return schedule.Program{Name: l.name, New: func() func(*schedule.Exec) {
		v := new(vars)
		v.Bind(v, "v")
		v.node.Bind(&v.node, "node")
		var bodies []func(*schedule.Thread)
		for _, b := range l.threads {
			bodies = append(bodies, func(t *schedule.Thread) { b(v, t) })
		}
		for i, b := range l.children {
			v.children[i].Declare(func(t *schedule.Thread) { b(v, t) })
		}
		end := func(e *schedule.Exec) {
			if l.exists != nil && l.exists(v) {
				e.FailAtEnd(schedule.LostUpdate, &v.Object, schedule.Party{}, "")
			}
		}
		return func(e *schedule.Exec) {
			e.Static(&v.Object, 0)
			e.Static(&v.node.Object, 0)
			v.p.Init(&v.node)
			e.AtEnd(end)
			for i, b := range bodies {
				e.Go(fmt.Sprintf("P%d", i), b)
			}
			for i := range l.children {
				v.children[i].Prepare(e, fmt.Sprintf("child%d", i))
			}
		}
	}}
}

func inc(v *vars, t *schedule.Thread) {
	v.m.Lock(t)
	v.x.Inc(t, 1)
	v.m.Unlock(t)
}

// wins counts how often it is the first.
func wins(v *vars, t *schedule.Thread) {
	if v.x.Exchange(t, 1) == 0 {
		v.r[0].Init(v.r[0].Peek() + 1)
	}
	if v.y.CompareAndSwap(t, 0, 1) {
		v.r[1].Init(v.r[1].Peek() + 1)
	}
}

// waits waits until x is set, as one must.
func waits(v *vars, t *schedule.Thread) {
	v.m.Lock(t)
	for v.x.Read(t) == 0 {
		v.c.Wait(t, &v.m)
	}
	v.m.Unlock(t)
}

// sleeps waits, without looking.
func sleeps(v *vars, t *schedule.Thread) {
	v.m.Lock(t)
	v.c.Wait(t, &v.m)
	v.m.Unlock(t)
}

// sets sets x and wakes with wake, under the mutex.
func sets(wake func(*pthread.Cond, *schedule.Thread)) body {
	return func(v *vars, t *schedule.Thread) {
		v.m.Lock(t)
		v.x.Write(t, 1)
		wake(&v.c, t)
		v.m.Unlock(t)
	}
}

var (
	signal    = (*pthread.Cond).Signal
	broadcast = (*pthread.Cond).Broadcast
)

var litmusTests = []litmus{{
	// One holder at a time: either is first.
	name: "INC+mutexes", threads: []body{inc, inc},
	exists: func(v *vars) bool { return v.x.Peek() != 2 },
	counts: "2 pass",
}, {
	// Two reads, two writes: only the two orders without overlap add up.
	name: "INC+plain", threads: []body{
		func(v *vars, t *schedule.Thread) { v.x.Inc(t, 1) },
		func(v *vars, t *schedule.Thread) { v.x.Inc(t, 1) },
	},
	exists: func(v *vars) bool { return v.x.Peek() != 2 },
	counts: "2 pass, 4 lost-update",
}, {
	name: "INC+atomics", threads: []body{
		func(v *vars, t *schedule.Thread) { v.r[0].Init(v.x.Add(t, 1)) },
		func(v *vars, t *schedule.Thread) { v.r[1].Init(v.x.Add(t, 1)) },
	},
	exists: func(v *vars) bool { return v.r[0].Peek()+v.r[1].Peek() != 3 },
	counts: "2 pass",
}, {
	// One of two exchanges gets the 0, and one of two compare-and-swaps finds it.
	name: "XCHG+CAS", threads: []body{wins, wins},
	exists: func(v *vars) bool { return v.r[0].Peek() != 1 || v.r[1].Peek() != 1 },
	counts: "6 pass",
}, {
	// Both have their first lock in 2 of 6 beginnings, whoever was first.
	name: "ABBA", threads: []body{
		func(v *vars, t *schedule.Thread) {
			v.m.Lock(t)
			v.n.Lock(t)
			v.n.Unlock(t)
			v.m.Unlock(t)
		},
		func(v *vars, t *schedule.Thread) {
			v.n.Lock(t)
			v.m.Lock(t)
			v.m.Unlock(t)
			v.n.Unlock(t)
		},
	},
	counts: "4 pass, 2 deadlock",
}, {
	name: "LOCK+lock", threads: []body{func(v *vars, t *schedule.Thread) {
		v.m.Lock(t)
		v.m.Lock(t)
	}},
	counts: "1 deadlock",
}, {
	// Whoever finishes with a mutex held keeps it.
	name: "LOCK+exit", threads: []body{
		func(v *vars, t *schedule.Thread) { v.m.Lock(t) },
		func(v *vars, t *schedule.Thread) { v.m.Lock(t) },
	},
	counts: "2 deadlock",
}, {
	name: "UNLOCK+free", threads: []body{func(v *vars, t *schedule.Thread) { v.m.Unlock(t) }},
	counts: "1 lock-rule",
}, {
	name: "WAIT+unlocked", threads: []body{func(v *vars, t *schedule.Thread) { v.c.Wait(t, &v.m) }},
	counts: "1 lock-rule",
}, {
	// The waiter looks first and waits; or it looks last and does not. In the first
	// case it has the mutex again when the other has given it back.
	name: "WAIT+signal", threads: []body{waits, sets(signal)},
	counts: "2 pass",
}, {
	// The wake-up that comes before the waiter waits is lost. If it has read 0, the lock and
	// the wait fall among the write and the wake-up in 6 ways, and in 3 the wake-up is last.
	// If it has read 1, the wake-up comes before that or after it.
	name: "WAIT+lost", threads: []body{
		func(v *vars, t *schedule.Thread) {
			if v.x.Read(t) == 0 {
				sleeps(v, t)
			}
		},
		func(v *vars, t *schedule.Thread) {
			v.x.Write(t, 1)
			v.c.Signal(t)
		},
	},
	counts: "5 pass, 3 deadlock",
}, {
	// A signal wakes one of two. If both have waited, which of them is a choice, and the
	// other waits for ever: 2 orders of beginning to wait, times 2. If the signal comes
	// when one waits, the other does not wait; if first of all, nobody does.
	name: "WAIT+signal+2", threads: []body{waits, waits, sets(signal)},
	counts: "6 pass, 4 deadlock",
}, {
	// As above, but both are woken: where both have waited, and where the second would
	// begin when the first is woken, either has the mutex first.
	name: "WAIT+broadcast+2", threads: []body{waits, waits, sets(broadcast)},
	counts: "10 pass",
}, {
	// A thread that has not been created takes no step.
	name:     "CREATE",
	threads:  []body{func(v *vars, t *schedule.Thread) { v.x.Write(t, 1); v.children[0].Create(t) }},
	children: []body{func(v *vars, t *schedule.Thread) { v.r[0].Init(v.x.Read(t)) }},
	exists:   func(v *vars) bool { return v.r[0].Peek() == 0 },
	counts:   "1 pass",
}, {
	name:     "CREATE+never",
	threads:  []body{func(v *vars, t *schedule.Thread) { v.x.Write(t, 1) }},
	children: []body{func(v *vars, t *schedule.Thread) { v.x.Read(t) }},
	counts:   "1 deadlock",
}, {
	// The first step waits for the creation and for the mutex, which the creator holds.
	name: "CREATE+locked",
	threads: []body{func(v *vars, t *schedule.Thread) {
		v.m.Lock(t)
		v.children[0].Create(t)
		v.x.Write(t, 1)
		v.m.Unlock(t)
	}},
	children: []body{func(v *vars, t *schedule.Thread) { v.m.Lock(t); v.r[0].Init(v.x.Read(t)); v.m.Unlock(t) }},
	exists:   func(v *vars) bool { return v.r[0].Peek() == 0 },
	counts:   "1 pass",
}, {
	// Joined is finished; what the creator does before that comes anywhere.
	name: "JOIN",
	threads: []body{func(v *vars, t *schedule.Thread) {
		v.children[0].Create(t)
		v.y.Write(t, 1)
		v.children[0].Join(t)
		v.r[0].Init(v.x.Read(t))
	}},
	children: []body{func(v *vars, t *schedule.Thread) { v.x.Write(t, 1); v.x.Write(t, 2) }},
	exists:   func(v *vars) bool { return v.r[0].Peek() != 2 },
	counts:   "3 pass",
}, {
	name: "FREE+read", threads: []body{
		func(v *vars, t *schedule.Thread) { pthread.Free(t, &v.node) },
		func(v *vars, t *schedule.Thread) { v.p.Read(t).v.Read(t) },
	},
	counts: "1 pass, 2 use-after-free",
}, {
	name: "FREE+free", threads: []body{
		func(v *vars, t *schedule.Thread) { pthread.Free(t, &v.node) },
		func(v *vars, t *schedule.Thread) { pthread.Free(t, &v.node) },
	},
	counts: "2 double-free",
}, {
	name: "NULL", threads: []body{
		func(v *vars, t *schedule.Thread) { v.p.Write(t, nil) },
		func(v *vars, t *schedule.Thread) { pthread.Dereference(t, v.p.Read(t)) },
	},
	counts: "1 pass, 1 kernel-bug",
}}

func counts(r explore.Report) string {
	sums := map[string]uint64{}
	var order []string
	for _, e := range r.Endings {
		name := e.Outcome.String()
		if e.Outcome == schedule.Fail {
			name = e.Kind.String()
		}
		if sums[name] == 0 {
			order = append(order, name)
		}
		for _, n := range e.Executions {
			sums[name] += n
		}
	}
	var out []string
	for _, name := range order {
		out = append(out, fmt.Sprint(sums[name], " ", name))
	}
	return strings.Join(out, ", ")
}

// TestLitmus counts the executions of every row twice: with states merged and one by one.
func TestLitmus(t *testing.T) {
	for _, l := range litmusTests {
		t.Run(l.name, func(t *testing.T) {
			o := explore.Options{Bound: explore.Unbounded}
			r := explore.Last(explore.Exhaust(context.Background(), l.program(), o))
			if got := counts(r); got != l.counts || !r.Complete() {
				t.Errorf("%s, want %s (%s)", got, l.counts, r.Coverage())
			}
			if got := counts(explore.Unreduced(context.Background(), l.program(), o)); got != l.counts {
				t.Errorf("one by one: %s, want %s", got, l.counts)
			}
		})
	}
}

// TestStates earns the state hash: see [explore.CheckStates].
func TestStates(t *testing.T) {
	pairs := 0
	for _, l := range litmusTests {
		n, err := explore.CheckStates(l.program(), 50, 1)
		if err != nil {
			t.Error(err)
		}
		pairs += n
	}
	if pairs < 200 {
		t.Errorf("only %d pairs compared", pairs)
	}
}
