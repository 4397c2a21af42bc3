package lockdep_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/completion"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/cpumask"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/interrupt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/seqlock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/smp"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// locks is what the threads of the table take.
type locks struct {
	schedule.Object
	a, b, c, g mutex.Mutex
	s, t, u    spin.Lock
	l          [3]spin.Lock
	r, q       rwsem.Sem
	done       [2]completion.Completion
	w          workqueue.Work
	ws         [2]workqueue.Work
	seq        seqlock.Lock

	irq, softirq interrupt.Irq
	head         rcu.Head
	f            smp.Func
	mask         cpumask.Mask
}

// A locking is what a thread does.
type locking func(v *locks, t *schedule.Thread)

// A lock is one of locks, and how it is taken.
type lock func(v *locks) (down, up func(t *schedule.Thread))

func a(v *locks) (down, up func(t *schedule.Thread)) { return v.a.Lock, v.a.Unlock }
func b(v *locks) (down, up func(t *schedule.Thread)) { return v.b.Lock, v.b.Unlock }
func c(v *locks) (down, up func(t *schedule.Thread)) { return v.c.Lock, v.c.Unlock }
func g(v *locks) (down, up func(t *schedule.Thread)) { return v.g.Lock, v.g.Unlock }

func s(v *locks) (down, up func(t *schedule.Thread))    { return v.s.Lock, v.s.Unlock }
func sIrq(v *locks) (down, up func(t *schedule.Thread)) { return v.s.LockIrq, v.s.UnlockIrq }
func sBh(v *locks) (down, up func(t *schedule.Thread))  { return v.s.LockBh, v.s.UnlockBh }
func u(v *locks) (down, up func(t *schedule.Thread))    { return v.u.Lock, v.u.Unlock }
func uIrq(v *locks) (down, up func(t *schedule.Thread)) { return v.u.LockIrq, v.u.UnlockIrq }
func l0(v *locks) (down, up func(t *schedule.Thread))   { return v.l[0].Lock, v.l[0].Unlock }
func l1(v *locks) (down, up func(t *schedule.Thread))   { return v.l[1].Lock, v.l[1].Unlock }

func irqs(*locks) (down, up func(t *schedule.Thread)) {
	return preempt.LocalIrqDisable, preempt.LocalIrqEnable
}
func section(*locks) (down, up func(t *schedule.Thread)) { return rcu.ReadLock, rcu.ReadUnlock }

func read(v *locks) (down, up func(t *schedule.Thread))   { return v.r.DownRead, v.r.UpRead }
func write(v *locks) (down, up func(t *schedule.Thread))  { return v.r.DownWrite, v.r.UpWrite }
func readQ(v *locks) (down, up func(t *schedule.Thread))  { return v.q.DownRead, v.q.UpRead }
func writeQ(v *locks) (down, up func(t *schedule.Thread)) { return v.q.DownWrite, v.q.UpWrite }

// try takes a lock by its trylock, and gives it back if that was possible.
func try(of func(v *locks) *spin.Lock) lock {
	return func(v *locks) (down, up func(t *schedule.Thread)) {
		down = func(t *schedule.Thread) { of(v).Trylock(t) }
		up = func(t *schedule.Thread) {
			if lockdep.Holds(t, of(v).Cell()) {
				of(v).Unlock(t)
			}
		}
		return down, up
	}
}

// tryIrq is the trylock of s that turns interrupts off.
func tryIrq(v *locks) (down, up func(t *schedule.Thread)) {
	down = func(t *schedule.Thread) { v.s.TrylockIrq(t) }
	up = func(t *schedule.Thread) {
		if lockdep.Holds(t, v.s.Cell()) {
			v.s.UnlockIrq(t)
		}
	}
	return down, up
}

func ofS(v *locks) *spin.Lock { return &v.s }
func ofT(v *locks) *spin.Lock { return &v.t }

// nested takes locks, each while it holds those before, and gives the last back first.
func nested(all ...lock) locking {
	return func(v *locks, t *schedule.Thread) {
		for _, l := range all {
			down, _ := l(v)
			down(t)
		}
		for _, l := range slices.Backward(all) {
			_, up := l(v)
			up(t)
		}
	}
}

// together has a thread for each.
func together(all ...locking) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[locks](p, "v")
		for i, f := range all {
			p.Thread(fmt.Sprintf("P%d", i), func(t *schedule.Thread) { f(v, t) })
		}
	}
}

// inTurn has a thread for each, which waits for the one before to have done all.
func inTurn(all ...locking) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[locks](p, "v")
		for i, f := range all {
			p.Thread(fmt.Sprintf("P%d", i), func(t *schedule.Thread) {
				if i > 0 {
					v.done[i-1].WaitForCompletion(t)
				}
				f(v, t)
				if i+1 < len(all) {
					v.done[i].Complete(t)
				}
			})
		}
	}
}

// interrupted has a thread for each, and an interrupt on the CPU of the first.
func interrupted(irq locking, all ...locking) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[locks](p, "v")
		p.Interrupted("P0", func(t *schedule.Thread) { all[0](v, t) },
			p.Irq(func(t *schedule.Thread) { irq(v, t) }))
		for _, f := range all[1:] {
			p.Thread("P1", func(t *schedule.Thread) { f(v, t) })
		}
	}
}

func nothing(*locks, *schedule.Thread) {}

// irqsOn turns interrupts on while it holds s.
func irqsOn(v *locks, t *schedule.Thread) {
	preempt.LocalIrqDisable(t)
	v.s.Lock(t)
	preempt.LocalIrqEnable(t)
	v.s.Unlock(t)
}

// called has an interrupt, or softirq, that may come on the CPU of P0, which takes nothing.
func called(
	boot func(*schedule.Exec, string, *interrupt.Irq, *schedule.Thread, int), irq, other locking,
) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[locks](p, "v")
		v.irq.Init(func(t *schedule.Thread) { irq(v, t) })
		p.Agents(func(e *schedule.Exec) {
			p0 := e.Go("P0", func(t *schedule.Thread) { nested(irqs)(v, t) })
			boot(e, "irq", &v.irq, p0, 1)
		})
		p.Thread("P1", func(t *schedule.Thread) { other(v, t) })
	}
}

// callback has RCU call a function that takes s, and a thread do something besides.
func callback(other locking) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[locks](p, "v")
		v.head.Init(func(t *schedule.Thread) { nested(s)(v, t) })
		p.Begin(func(e *schedule.Exec) { rcu.Boot(e, rcu.Merged) })
		p.Thread("P0", func(t *schedule.Thread) {
			rcu.Call(t, &v.head)
			other(v, t)
		})
	}
}

// softirqsOn turns softirqs on while it holds s.
func softirqsOn(v *locks, t *schedule.Thread) {
	preempt.LocalBhDisable(t)
	v.s.Lock(t)
	preempt.LocalBhEnable(t)
	v.s.Unlock(t)
}

// sent has P0 call a function on a CPU that is idle, which takes s, and then take s itself.
func sent(p *litmus.Program) {
	v := litmus.Static[locks](p, "v")
	v.f.Init(func(t *schedule.Thread, _ int) { nested(s)(v, t) })
	p.Begin(func(*schedule.Exec) { v.mask.Init(0b10) })
	p.Agents(func(e *schedule.Exec) {
		smp.Place(e, e.Go("P0", func(t *schedule.Thread) {
			preempt.Disable(t)
			smp.CallFunctionMany(t, &v.mask, &v.f, 0, true)
			preempt.Enable(t)
			nested(s)(v, t)
		}), 0)
		smp.Boot(e, 2)
	})
}

// An orderTest is a row, and what is reported of it.
type orderTest struct {
	litmus.Test
	reports []string
}

const (
	abba = lockdep.Circular + ": locks->a -> locks->b -> locks->a"
	used = lockdep.Inconsistent + ": locks->s"
)

// never makes a row that cannot deadlock.
func never(name string, build func(*litmus.Program), counts string, reports ...string) orderTest {
	return orderTest{litmus.Test{Name: name, Build: build, Bad: schedule.Deadlock,
		Verdict: litmus.Never, Counts: counts}, reports}
}

// sometimes makes a row that can.
func sometimes(name string, build func(*litmus.Program), counts string, reports ...string) orderTest {
	row := never(name, build, counts, reports...)
	row.Verdict = litmus.Sometimes
	return row
}

var orderTests = []orderTest{
	never("AB-AB", together(nested(a, b), nested(a, b)), "14 pass"),
	sometimes("AB-BA", together(nested(a, b), nested(b, a)), "38 pass, 2 deadlock", abba),
	// They never run at once.
	never("AB-BA+turns", inTurn(nested(a, b), nested(b, a)), "1 pass", abba),
	// One task alone: it is enough that the order was there.
	never("AB-BA+alone", inTurn(func(v *locks, t *schedule.Thread) {
		nested(a, b)(v, t)
		nested(b, a)(v, t)
	}), "1 pass", abba),
	// With a gate it cannot deadlock. The kernel reports it, since it knows of pairs only.
	never("AB-BA+gate", together(nested(g, a, b), nested(g, b, a)), "20 pass", abba),
	never("AB-BC-CA+turns", inTurn(nested(a, b), nested(b, c), nested(c, a)), "1 pass",
		lockdep.Circular+": locks->a -> locks->b -> locks->c -> locks->a"),
	// The dependency a -> c is known by those on the way.
	never("ABC-CA+turns", inTurn(nested(a, b, c), nested(c, a)), "1 pass",
		lockdep.Circular+": locks->a -> locks->b -> locks->c -> locks->a"),
	// A failure ends it, also where P0 has gone for b and P1 comes before.
	{litmus.Test{Name: "AB+fails", Build: together(nested(a, b), func(v *locks, t *schedule.Thread) {
		v.g.Unlock(t)
	}), Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "7 lock-rule"}, nil},
	never("AB-BC-AC", inTurn(nested(a, b), nested(b, c), nested(a, c)), "1 pass"),

	// Who does not wait waits for nobody, but may be waited for.
	never("TRY-to", inTurn(nested(s, try(ofT)), nested(try(ofT), s)), "1 pass"),
	never("TRY-from", inTurn(nested(try(ofT), s), nested(s, u), nested(u, s)), "1 pass",
		lockdep.Circular+": locks->s -> locks->u -> locks->s"),
	// u was taken with both held. What the trylock took does not depend on s, so both lead to u.
	never("TRY-between", inTurn(nested(s, try(ofT), u), nested(u, s)), "1 pass",
		lockdep.Circular+": locks->s -> locks->u -> locks->s"),

	// A reader waits behind a writer who waits: there need be none in the program.
	never("RW+read-read", inTurn(nested(read, readQ), nested(readQ, read)), "1 pass",
		lockdep.Circular+": locks->q -> locks->r -> locks->q"),
	never("RW+read-write", inTurn(nested(read, writeQ), nested(readQ, write)), "1 pass",
		lockdep.Circular+": locks->q -> locks->r -> locks->q"),
	never("RW+same-order", inTurn(nested(read, writeQ), nested(write, readQ)), "1 pass"),
	// The second waits behind a writer who has come between.
	never("RW+twice", inTurn(nested(read, read)), "1 pass",
		lockdep.Recursive+": locks->r -> locks->r"),
	never("RW+twice+between", inTurn(nested(read, a, read)), "1 pass",
		lockdep.Recursive+": locks->r -> locks->r"),

	// Two of one class, in either order: as if they had an annotation.
	never("NEST", inTurn(nested(l0, l1), nested(l1, l0)), "1 pass"),
	// A third lock between the two: neither.
	never("NEST+between", inTurn(nested(l0, u, l1)), "1 pass"),
	// What was taken before the second of a class leads on too.
	never("NEST+further", inTurn(nested(l0, l1, u), nested(u, l0)), "1 pass",
		lockdep.Circular+": locks->l[*] -> locks->l[*]/1 -> locks->u -> locks->l[*]"),
	// The first is dropped, and the second may be anybody's first.
	sometimes("NEST+hand", together(func(v *locks, t *schedule.Thread) {
		v.l[0].Lock(t)
		v.l[1].Lock(t)
		v.l[0].Unlock(t)
		nested(u)(v, t)
		v.l[1].Unlock(t)
	}, nested(u, l1)), "15 pass, 4 deadlock",
		lockdep.Circular+": locks->l[*] -> locks->l[*]/1 -> locks->u -> locks->l[*]"),
	// Who has taken three, dropped two and takes another is as deep as before.
	never("NEST+deep", inTurn(func(v *locks, t *schedule.Thread) {
		for i := range v.l {
			v.l[i].Lock(t)
		}
		v.l[0].Unlock(t)
		v.l[1].Unlock(t)
		nested(l0, u)(v, t)
		v.l[2].Unlock(t)
	}, nested(u, l1)), "1 pass", lockdep.Circular+
		": locks->l[*] -> locks->l[*]/1 -> locks->l[*]/2 -> locks->u -> locks->l[*]"),

	// The handler is on the CPU of P0, P1 on another. On that of P0, P1 would deadlock.
	never("IRQ+irqs-on", interrupted(nested(s), nothing, nested(s)), "4 pass", used),
	sometimes("IRQ+irqs-on+same-cpu", interrupted(nested(s), nested(s)), "2 pass, 1 deadlock", used),
	never("IRQ+irqs-off", interrupted(nested(s), nested(sIrq)), "2 pass"),
	never("IRQ+irqs-off-elsewhere", interrupted(nested(s), nothing, nested(sIrq)), "4 pass"),
	// It was taken with interrupts off.
	never("IRQ+irqs-on-later", interrupted(nested(s), nothing, irqsOn), "9 pass", used),
	// A handler that does not wait is no danger, but who does not wait is in danger.
	never("IRQ+try", interrupted(nested(try(ofS)), nothing, nested(s)), "6 pass"),
	never("IRQ+irqs-on-try", interrupted(nested(s), nothing, nested(try(ofS))), "5 pass", used),

	// P1 has s and waits for u, which P0 has, where the handler waits for s.
	sometimes("IRQ+inversion", interrupted(nested(s), nested(u), nested(sIrq, u)),
		"34 pass, 3 deadlock", lockdep.Inversion+": locks->s -> locks->u"),
	never("IRQ+inversion+elsewhere", interrupted(nested(s), nothing, func(v *locks, t *schedule.Thread) {
		nested(sIrq, u)(v, t)
		nested(u)(v, t)
	}), "35 pass", lockdep.Inversion+": locks->s -> locks->u"),
	never("IRQ+both-off", interrupted(nested(s), nested(uIrq), nested(sIrq, u)), "57 pass"),

	// The second of a class is held with interrupts on, and the handler may want that one.
	sometimes("IRQ+nested", interrupted(nested(l1), func(v *locks, t *schedule.Thread) {
		v.l[0].LockIrq(t)
		v.l[1].Lock(t)
		v.l[0].UnlockIrq(t)
		v.l[1].Unlock(t)
	}), "2 pass, 1 deadlock", lockdep.Inversion+": locks->l[*] -> locks->l[*]/1"),

	// If the first is wrong itself, what it leads to is no news.
	never("IRQ+irqs-on+further", interrupted(nested(s), nothing, nested(s, u)), "6 pass", used),
	never("IRQ+irqs-off-try", interrupted(nested(s), nothing, nested(tryIrq)), "5 pass"),
	never("IRQ+boot", called(interrupt.Boot, nested(s), nested(s)), "15 pass", used),
	never("IPI", sent, "1 pass", used),

	// The same of softirqs. Interrupts off keep them away too.
	never("BH+softirqs-on", called(interrupt.BootSoftirq, nested(s), nested(s)), "15 pass", used),
	never("BH+softirqs-off", called(interrupt.BootSoftirq, nested(s), nested(sBh)), "15 pass"),
	never("BH+irqs-off", called(interrupt.BootSoftirq, nested(s), nested(sIrq)), "15 pass"),
	never("BH+softirqs-on-later", called(interrupt.BootSoftirq, nested(s), softirqsOn), "65 pass", used),
	never("BH+inversion", called(interrupt.BootSoftirq, nested(s), func(v *locks, t *schedule.Thread) {
		nested(sBh, u)(v, t)
		nested(u)(v, t)
	}), "137 pass", lockdep.Inversion+": locks->s -> locks->u"),
	// Softirqs off do not keep interrupts away.
	never("BH+irq", called(interrupt.Boot, nested(s), nested(sBh)), "15 pass", used),
	never("RCU+callback", callback(nested(s)), "4 pass", used),
	never("RCU+callback+softirqs-off", callback(nested(sBh)), "4 pass"),

	// Sections of RCU are not in the way, neither of dependencies nor of interrupts.
	never("RCU+between", inTurn(nested(s, section, u), nested(u, s)), "1 pass",
		lockdep.Circular+": locks->s -> locks->u -> locks->s"),
	never("RCU+around", inTurn(nested(section, s, section), nested(s, section)), "1 pass"),
	never("RCU+irqs", inTurn(nested(section, irqs)), "1 pass"),
}

var allTests = slices.Concat(orderTests, mapTests)

func plain() (rows []litmus.Test) {
	for _, row := range allTests {
		rows = append(rows, row.Test)
	}
	return rows
}

func TestOrderOutcomes(t *testing.T) { litmus.Run(t, plain()) }

func TestOrderContract(t *testing.T) { litmus.Contract(t, plain()) }

var ctx = context.Background()

// searches are ways to look at all executions.
var searches = []struct {
	name string
	run  func(p schedule.Program)
}{
	{"exhaustive", func(p schedule.Program) { exhaust(p, 1, explore.Unbounded) }},
	{"two workers", func(p schedule.Program) { exhaust(p, 2, explore.Unbounded) }},
	{"by class", func(p schedule.Program) { explore.Classes(ctx, p, explore.Options{}) }},
	{"unreduced", func(p schedule.Program) {
		explore.Unreduced(ctx, p, explore.Options{Bound: explore.Unbounded})
	}},
	{"one preemption", func(p schedule.Program) { exhaust(p, 1, 1) }},
	{"random, looked up", func(p schedule.Program) {
		r := schedule.NewRunner(p)
		defer r.Close()
		r.Memo = schedule.NewMemo(schedule.DefaultMemo)
		c := chooser{rand.New(rand.NewPCG(1, 2))}
		for range 300 {
			r.Run(c)
		}
	}},
}

// A chooser takes random decisions.
type chooser struct{ *rand.Rand }

// Choose implements [schedule.Chooser].
func (c chooser) Choose(_ *schedule.Exec, n int) int { return c.IntN(n) }

func exhaust(p schedule.Program, workers, bound int) explore.Report {
	return explore.Last(explore.Exhaust(ctx, p, explore.Options{Bound: bound, Workers: workers}))
}

// TestOrder looks at each row in all ways, which must come to the same, and runs each
// witness.
func TestOrder(t *testing.T) {
	for _, row := range allTests {
		t.Run(row.Name, func(t *testing.T) {
			var want []lockdep.Fact
			for i, search := range searches {
				var o lockdep.Order
				search.run(lockdep.Watched(row.Schedule(), &o))
				facts := o.Facts()
				if i == 0 {
					want = without(facts)
					reports(t, &o, row.reports)
				}
				if got := without(facts); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %v, want %v", search.name, got, want)
				}
				for _, f := range facts {
					witness(t, row.Schedule(), f)
				}
				names(t, &o)
			}
		})
	}
}

// names looks at the names of all classes: there are none but those of locks.
func names(t *testing.T, o *lockdep.Order) {
	t.Helper()
	all := o.Classes()
	for _, f := range o.Facts() {
		all = append(all, f.To)
		if f.Kind == lockdep.Dependency {
			all = append(all, f.From)
		}
	}
	for _, name := range all {
		if !strings.HasPrefix(strings.TrimPrefix(name, "(work_completion)(&"), "locks->") {
			t.Errorf("a class is called %q", name)
		}
	}
}

// without returns facts without their witnesses.
func without(facts []lockdep.Fact) (out []lockdep.Fact) {
	for _, f := range facts {
		f.Witness = lockdep.Witness{}
		out = append(out, f)
	}
	return out
}

func reports(t *testing.T, o *lockdep.Order, want []string) {
	t.Helper()
	var got []string
	for _, r := range o.Reports() {
		got = append(got, r.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("reports %q, want %q", got, want)
	}
}

// witness runs the tape of a fact, which must show it, and no shorter one with the same
// digits would.
func witness(t *testing.T, p schedule.Program, f lockdep.Fact) {
	t.Helper()
	var o lockdep.Order
	r := schedule.NewRunner(lockdep.Watched(p, &o))
	defer r.Close()
	tr, err := r.Replay(f.Tape)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(without(o.Facts()), func(g lockdep.Fact) bool {
		return reflect.DeepEqual(without([]lockdep.Fact{f})[0], g)
	}) {
		t.Errorf("tape %s does not show %v %s -> %s", f.Tape, f.Kind, f.From, f.To)
	}
	if len(f.Describe(tr)) == 0 {
		t.Error("nothing is said of it")
	}
}

// TestWatched holds executions that are watched against those that are not: they are the same.
func TestWatched(t *testing.T) {
	for _, row := range allTests {
		var o lockdep.Order
		got, want := exhaust(lockdep.Watched(row.Schedule(), &o), 1, explore.Unbounded),
			exhaust(row.Schedule(), 1, explore.Unbounded)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: watched %+v, else %+v", row.Name, got, want)
		}
	}
}

// TestWatchedAllocates has executions that show nothing new allocate no more than others.
func TestWatchedAllocates(t *testing.T) {
	for _, row := range allTests {
		var o lockdep.Order
		allocs := func(p schedule.Program) float64 {
			r := schedule.NewRunner(p)
			defer r.Close()
			return testing.AllocsPerRun(10, func() { r.RunTape(nil) })
		}
		if got, want := allocs(lockdep.Watched(row.Schedule(), &o)), allocs(row.Schedule()); got > want {
			t.Errorf("%s: %v allocations an execution, else %v", row.Name, got, want)
		}
	}
}

// TestDescribe looks at what is said of one fact of each kind. The functions are those
// of this file.
func TestDescribe(t *testing.T) {
	for _, test := range []struct {
		name, tape string
		kind       lockdep.FactKind
		want       string
	}{
		{"AB-BA+turns", "", lockdep.Dependency,
			"P0 takes locks->b in lock() (step 2), holding locks->a since lock() (step 1)"},
		{"TRY-from", "", lockdep.Dependency,
			"P1 takes locks->u in lock() (step 8), holding locks->s since lock() (step 7)"},
		{"AB-BA", "01", lockdep.Dependency, // and waits for ever
			"P0 takes locks->b in lock() (where it waits), holding locks->a since lock() (step 1)"},
		{"AB+fails", "01", lockdep.Dependency, // and another fails just then
			"P0 takes locks->b in lock() (its next step), holding locks->a since lock() (step 1)"},
		{"RW+twice", "", lockdep.Recursion,
			"P0 takes locks->r in down_read() (step 2), holding it since down_read() (step 1)"},
		{"IRQ+irqs-on", "", lockdep.UsedInHardirq,
			"irq takes locks->s in lock() (step 2), handling an interrupt"},
		{"IRQ+irqs-on", "", lockdep.HardirqsEnabled,
			"P1 takes locks->s in lock() (step 4), interrupts on"},
		{"IRQ+irqs-on-later", "", lockdep.HardirqsEnabled,
			"P1 turns interrupts on in irqs_on() (step 6), holding locks->s since irqs_on() (step 5)"},
		{"RCU+callback", "", lockdep.UsedInSoftirq,
			"softirq takes locks->s in lock() (step 5), handling a softirq"},
		{"RCU+callback", "", lockdep.SoftirqsEnabled,
			"P0 takes locks->s in lock() (step 2), softirqs on"},
		{"BH+softirqs-on-later", "", lockdep.SoftirqsEnabled,
			"P1 turns softirqs on in softirqs_on() (step 5), holding locks->s since softirqs_on() (step 4)"},
		{"WORK+flush", "", lockdep.Dependency, "kworker takes locks->a in lock() (step 3), " +
			"running (work_completion)(&locks->w) since process_one_work() (step 2)"},
		{"WORK+chain", "", lockdep.Dependency, "kworker waits for (work_completion)(&locks->ws[*]) in " +
			"flush_first() (step 8), running (work_completion)(&locks->w) since process_one_work() (step 7)"},
		{"WORK+class", "", lockdep.Recursion, "kworker waits for (work_completion)(&locks->ws[*]) in " +
			"flush_second() (step 3), running it since process_one_work() (step 2)"},
		{"IRQ+irqs-on-try", "", lockdep.HardirqsEnabled,
			"P1 takes locks->s in trylock() (step 4), interrupts on"},
	} {
		i := slices.IndexFunc(allTests, func(row orderTest) bool { return row.Name == test.name })
		p := allTests[i].Schedule()
		var o lockdep.Order
		r := schedule.NewRunner(lockdep.Watched(p, &o))
		tape, err := schedule.Parse(test.tape)
		if err != nil {
			t.Fatal(err)
		}
		r.RunTape(tape)
		facts := o.Facts()
		f := facts[slices.IndexFunc(facts, func(f lockdep.Fact) bool { return f.Kind == test.kind })]
		tr, err := r.Replay(tape)
		if got := f.Describe(tr); got != test.want || err != nil {
			t.Errorf("%s: %q, want %q; %v", test.name, got, test.want, err)
		}
		r.Close()
	}
}
