package sample

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
)

// TestForget: a sampler that has forgotten decides as a new one with the same randomness,
// whatever it ran before, and allocates nothing.
func TestForget(t *testing.T) {
	runner := func(name string) *schedule.Runner {
		p, err := bench.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(p.Schedule(bench.Threads))
		t.Cleanup(r.Close)
		return r
	}
	before, after := runner("CS.reorder_20"), runner("CS.reorder_100")
	type forgetter interface {
		Sampler
		Forget()
	}
	for _, test := range []struct {
		name     string
		old, new forgetter
		same     func(old, new Sampler)
	}{
		{"surw", NewSURW(1), NewSURW(2), func(old, new Sampler) {
			new.(*SURW).chance = old.(*SURW).chance
		}},
		{"rf", NewReadsFrom(1), NewReadsFrom(2), func(old, new Sampler) {
			new.(*ReadsFrom).chance = old.(*ReadsFrom).chance
		}},
		{"surw-demote", NewSURWDemote(1), NewSURWDemote(2), func(old, new Sampler) {
			new.(*SURW).chance = old.(*SURW).chance
		}},
		{"rf-demote", NewReadsFromDemote(1), NewReadsFromDemote(2), func(old, new Sampler) {
			new.(*ReadsFrom).chance = old.(*ReadsFrom).chance
		}},
		{"pct3", NewPCT(1, 3), NewPCT(2, 3), func(old, new Sampler) {
			o, n := old.(*PCT), new.(*PCT)
			if int(o.k) != o.last || o.last == 0 {
				t.Fatalf("pct3: executions of %d steps are expected, the last had %d", o.k, o.last)
			}
			// What a new one does not have, it has not learnt from executions.
			n.chance, n.k, n.threads, n.priority = o.chance, o.k, o.threads, o.priority
		}},
	} {
		for range 100 {
			Once(before, test.old)
		}
		test.old.Forget()
		test.same(test.old, test.new)
		executions := 200
		if testing.Short() {
			executions = 40
		}
		for i := range executions {
			Once(after, test.old)
			got := after.Taken().String()
			if Once(after, test.new); got != after.Taken().String() {
				t.Fatalf("%s: execution %d is %s, want %s", test.name, i, got, after.Taken())
			}
		}
		if n := testing.AllocsPerRun(executions, func() { test.old.Forget(); Once(after, test.old) }); n != 0 {
			t.Errorf("%s: %v allocations an execution", test.name, n)
		}
	}
}

// TestQLearningLimit: no more states are kept than that, and those that are not are decided.
func TestQLearningLimit(t *testing.T) {
	p, err := bench.Find("CS.reorder_10")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Main1))
	defer r.Close()
	q, all := NewQLearning(1), NewQLearning(1)
	q.Limit(100)
	for range 200 {
		Once(r, q)
		Once(r, all)
	}
	if n := len(q.states); n < 30 || n > 100 || len(q.values) > 400 || len(all.states) < 1000 {
		t.Errorf("%d states, %d values; %d states without a limit", n, len(q.values), len(all.states))
	}
}
