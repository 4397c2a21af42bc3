package triage

import (
	"slices"
	"testing"
)

func TestSections(t *testing.T) {
	steps := func(list ...Step) []Step {
		for i := range list {
			list[i].Step = i + 1
		}
		return list
	}
	for _, test := range []struct {
		name  string
		steps []Step
		want  []Section
	}{
		{"nested", steps(
			Step{Verb: "mutex_lock", Object: "a"}, Step{Verb: "spin_lock_irq", Object: "b"},
			Step{Verb: "spin_unlock_irq", Object: "b"}, Step{Verb: "mutex_unlock", Object: "a"},
			Step{Verb: "mutex_unlock (tail)", Object: "a"},
		), []Section{
			{Sort: lockSection, Name: "a", From: 1, To: 4},
			{Sort: lockSection, Name: "b", From: 2, To: 3, Atomic: true},
		}},
		{"two readers", steps(
			Step{Verb: "rcu_read_lock"}, Step{Verb: "rcu_read_lock", Thread: 1},
			Step{Verb: "rcu_read_unlock"},
		), []Section{
			{Sort: readerSection, Name: "rcu_read_lock", From: 1, To: 3, Atomic: true},
			{Sort: readerSection, Name: "rcu_read_lock", Thread: 1, From: 2, Atomic: true},
		}},
		{"handed over", steps(
			Step{Verb: "call_rcu_sched", Object: "ctx->users"},
			Step{Verb: "rcu callback", Object: "ctx->users", Thread: 1},
		), []Section{{Sort: graceSection, Name: "ctx->users", From: 1, To: 2}}},
		{"synchronize", steps(
			Step{Verb: "synchronize_rcu"}, Step{Verb: "synchronize_rcu ends"},
		), []Section{{Sort: graceSection, Name: "synchronize_rcu", From: 1, To: 2}}},
		{"queued", steps(
			Step{Verb: "down_write", Object: "s", Value: "-1", Stored: true},
			Step{Verb: "down_read", Object: "s", Thread: 1, Value: "1"},
			Step{Verb: "up_write", Object: "s"},
			Step{Verb: "rwsem_down_read_failed", Object: "s", Thread: 1, Value: "1", Stored: true},
			Step{Verb: "down_read", Object: "s", Value: "2", Stored: true},
			Step{Verb: "up_read", Object: "s", Thread: 1},
			Step{Verb: "down_write", Object: "s", Thread: 1, Value: "1"},
		), []Section{
			{Sort: lockSection, Name: "s", From: 1, To: 3},
			{Sort: lockSection, Name: "s", Thread: 1, From: 4, To: 6},
			{Sort: lockSection, Name: "s", From: 5},
		}},
		{"ends without a step", steps(
			Step{Verb: "local_irq_disable", IrqsOff: true}, Step{Verb: "read", Thread: 1},
			Step{Verb: "write", IrqsOff: true}, Step{Verb: "smp_mb"}, Step{Verb: "read"},
		), []Section{{Sort: irqSection, Name: "local_irq_disable", From: 1, To: 4, Atomic: true}}},
		{"not taken", steps(
			Step{Verb: "mutex_trylock", Object: "a", Value: "0"}, Step{Verb: "csd_lock_wait"},
			Step{Verb: "mutex_unlock", Object: "b"},
		), nil},
	} {
		if got := findSections(test.steps); !slices.Equal(got, test.want) {
			t.Errorf("%s: got  %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

// TestLives has an object that is found by one pointer, loses it, is counted down and
// freed, and one that only the first leads to.
func TestLives(t *testing.T) {
	it := &Interleaving{
		Objects: []Object{
			{Name: "mm", Static: true, Cells: []Cell{{Path: "slot", Pointer: true}}},
			{Name: "ctx", Cells: []Cell{{Path: "next", Pointer: true}}},
			{Name: "ctx2"},
		},
		Initial: []Change{{0, 0, "ctx"}, {1, 0, "ctx2"}},
		Steps: []Step{
			{Step: 1, Verb: "write", Changes: []Change{{0, 0, "NULL"}}},
			{Step: 2, Verb: "write", Changes: []Change{{0, 0, "ctx"}}},
			{Step: 3, Verb: "write", Changes: []Change{{0, 0, "NULL"}}},
			{Step: 4, Verb: "refcount_dec_and_test", Object: "ctx->users", Value: "0"},
			{Step: 5, Verb: "refcount_dec_and_test", Object: "ctx->users", Value: "1"},
			{Step: 6, Verb: "kfree", Object: "ctx", Freed: []string{"ctx"}},
		},
	}
	it.live()
	ctx, second := it.Objects[1], it.Objects[2]
	if ctx.Unlinked != 3 || ctx.CountZero != 5 || ctx.Count != "users" || ctx.Freed != 6 {
		t.Errorf("ctx: %+v", ctx)
	}
	if second.Unlinked != 6 || second.Freed != 0 {
		t.Errorf("ctx2: %+v", second) // what pointed to it is freed
	}
}
