package kmodel_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// inverted are the variants whose order of locks can deadlock, with the report: those in which
// threads that wait for locks do.
var inverted = map[string]string{
	"mm/list_lru@P6-abba": lockdep.Circular +
		": list_lrus_mutex -> memcg_cache_ids_sem -> list_lrus_mutex",
	"fs/aio_poll@posted-v5": lockdep.Circular +
		": kioctx->ctx_lock -> sighand_struct->signalfd_wqh -> kioctx->ctx_lock",
}

// TestLockdep looks at the order of locks in all programs: those that are small are exhausted,
// of the others some executions are run. What is reported is seen where nothing deadlocks.
func TestLockdep(t *testing.T) {
	most, runs := 2000, 150
	if testing.Short() {
		most, runs = 100, 15
	}
	exhausted, found := 0, map[string]int{}
	for _, p := range kmodel.Programs() {
		var o lockdep.Order
		if all(p, &o, most) {
			exhausted++
		} else {
			some(t, p, &o, runs)
		}
		variant := p.Object + "@" + p.Variant
		for _, r := range o.Reports() {
			if r.String() != inverted[variant] {
				t.Errorf("%s: %s", p.Name(), r)
				continue
			}
			found[variant]++
			for _, f := range r.Facts {
				passes(t, p, f)
			}
		}
	}
	for variant := range inverted {
		if found[variant] == 0 {
			t.Errorf("%s: nothing is reported", variant)
		}
	}
	if exhausted < most/10 {
		t.Errorf("%d programs exhausted", exhausted)
	}
}

// TestLockdepSoftirq has a packet be a softirq to lockdep, in a program without timers.
func TestLockdepSoftirq(t *testing.T) {
	p, err := kmodel.Find("net/packet/af_packet/fanout-vs-fanout@4.14")
	if err != nil {
		t.Fatal(err)
	}
	var o lockdep.Order
	some(t, p, &o, 15)
	got := map[string]bool{}
	for _, f := range o.Facts() {
		if f.Kind == lockdep.UsedInSoftirq {
			got[f.To] = true
		}
	}
	if want := map[string]bool{"packet_sock->sk_receive_queue": true}; !maps.Equal(got, want) {
		t.Errorf("softirqs take %v, want %v", got, want)
	}
}

// all exhausts p, if that takes no more than so many nodes.
func all(p program.Program, o *lockdep.Order, most int) bool {
	if p.Workload {
		return false
	}
	r := explore.Last(explore.Exhaust(context.Background(), lockdep.Watched(p.Schedule(), o),
		explore.Options{Bound: explore.Unbounded, MaxNodes: most}))
	return r.Complete()
}

// some runs random executions of p.
func some(t *testing.T, p program.Program, o *lockdep.Order, runs int) {
	t.Helper()
	s, err := sample.New("pct3", 1)
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(lockdep.Watched(p.Schedule(), o))
	defer r.Close()
	for range sample.Run(context.Background(), r, s) {
		if runs--; runs == 0 {
			return
		}
	}
}

// passes runs the witness of a fact of a program that deadlocks. It need not.
func passes(t *testing.T, p program.Program, f lockdep.Fact) {
	t.Helper()
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	if res := r.RunTape(f.Tape); res.Outcome == schedule.Fail && res.Failure.Kind == schedule.Deadlock {
		t.Errorf("%s: tape %s: %s -> %s is seen in a deadlock", p.Name(), f.Tape, f.From, f.To)
	}
}

// TestLockdepSearches has each way to look at all executions of the small programs come to the
// same order, and executions that are watched be the same as others.
func TestLockdepSearches(t *testing.T) {
	most := 300
	if testing.Short() {
		most = 30
	}
	compared := map[string]int{}
	for _, p := range kmodel.Programs() {
		if p.Workload {
			continue
		}
		opt := explore.Options{Bound: explore.Unbounded, MaxNodes: most}
		plain := explore.Last(explore.Exhaust(context.Background(), p.Schedule(), opt))
		if !plain.Complete() {
			continue
		}
		var exhausted lockdep.Order
		watched := explore.Last(
			explore.Exhaust(context.Background(), lockdep.Watched(p.Schedule(), &exhausted), opt))
		if !reflect.DeepEqual(watched, plain) {
			t.Errorf("%s: watched\n%+v, else\n%+v", p.Name(), watched, plain)
		}
		for _, search := range lockdepSearches {
			var o, whole lockdep.Order
			of, want := &whole, known(&exhausted)
			complete := search.run(lockdep.Watched(p.Schedule(), &o), opt)
			if search.whole != nil { // it does not come to everything
				complete = search.whole(lockdep.Watched(p.Schedule(), of), opt)
				want = known(of)
			}
			if !complete {
				continue
			}
			compared[search.name]++
			if got := known(&o); !slices.Equal(got, want) {
				t.Errorf("%s: %s: %v, want %v", p.Name(), search.name, got, want)
			}
		}
	}
	t.Log(compared)
	for _, search := range lockdepSearches {
		if compared[search.name] < most/8 {
			t.Errorf("%s: %d programs compared", search.name, compared[search.name])
		}
	}
}

// A lockdepSearch runs executions of a program of so few nodes, and reports whether these are all
// that it means to. It is to see what an exhaustive search does, or what whole does.
type lockdepSearch struct {
	name       string
	run, whole func(p schedule.Program, opt explore.Options) bool
}

var lockdepSearches = []lockdepSearch{
	{name: "two workers", run: exhausts(2, explore.Unbounded)},
	{name: "by class", run: func(p schedule.Program, opt explore.Options) bool {
		r := explore.Classes(context.Background(), p, opt)
		return r.Complete()
	}},
	{name: "unreduced", run: unreduced(explore.Unbounded)},
	{name: "one preemption", run: exhausts(1, 1), whole: unreduced(1)},
	{name: "guided", run: func(p schedule.Program, opt explore.Options) bool {
		return randomly(p, guided.New(1, guided.Options{}), nil) < lockdepRuns
	}},
	{
		name: "looked up",
		run: func(p schedule.Program, opt explore.Options) bool {
			memo := schedule.NewMemo(schedule.DefaultMemo)
			randomly(p, sample.NewPOS(1), memo)
			return memo.LookedUp() > 0
		},
		whole: func(p schedule.Program, opt explore.Options) bool {
			randomly(p, sample.NewPOS(1), nil)
			return true
		},
	},
}

// lockdepRuns is how many executions are run of a program, where not all are.
const lockdepRuns = 1000

// exhausts returns a search up to a bound.
func exhausts(workers, bound int) func(schedule.Program, explore.Options) bool {
	return func(p schedule.Program, opt explore.Options) bool {
		opt.Workers, opt.Bound = workers, bound
		r := explore.Last(explore.Exhaust(context.Background(), p, opt))
		return r.Stop == explore.Exhausted || r.Stop == explore.AtBound
	}
}

// unreduced returns a search without any reduction, of what has so few executions.
func unreduced(bound int) func(schedule.Program, explore.Options) bool {
	return func(p schedule.Program, opt explore.Options) bool {
		opt.Bound = bound
		n := 0
		for range explore.Executions(context.Background(), p, opt) {
			if n++; n == lockdepRuns {
				return false
			}
		}
		return true
	}
}

// randomly runs executions until a sampler has enough, and returns how many.
func randomly(p schedule.Program, s sample.Sampler, memo *schedule.Memo) (n int) {
	r := schedule.NewRunner(p)
	defer r.Close()
	r.Memo = memo
	engine, _ := s.(*guided.Engine)
	for range sample.Run(context.Background(), r, s) {
		if n++; n == lockdepRuns || engine != nil && engine.Complete() {
			break
		}
	}
	return n
}

// known returns what an order knows, without how it has come to know it.
func known(o *lockdep.Order) (out []string) {
	for _, f := range o.Facts() {
		out = append(out, f.Kind.String()+" "+f.From+" "+f.To)
	}
	return append(out, o.Classes()...)
}
