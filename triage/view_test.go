package triage

import (
	"slices"
	"testing"
)

// at returns the text of a slot after a step.
func (v *view) at(step int, group, label string) string {
	for _, g := range v.Groups {
		for _, s := range g.Slots {
			if g.Name != group || s.Label != label {
				continue
			}
			text := v.Start[s.ID]
			for _, updates := range v.Steps[:step+1] {
				for _, u := range updates {
					if u.Slot == s.ID {
						text = u.Text
					}
				}
			}
			return text
		}
	}
	return "no such slot"
}

// TestView has two readers of one semaphore, of whom one takes a pointer away and frees.
func TestView(t *testing.T) {
	it := &Interleaving{
		Threads: []Thread{{Name: "A", State: "finished"}, {Name: "B", State: "enabled"}},
		Objects: []Object{
			{Name: "mm", Static: true, Cells: []Cell{
				{Path: "sem"}, {Path: "slot", Pointer: true}, {Path: "never"},
				{Path: "ref", Part: "count"}, {Path: "ref", Part: "percpu"}, {Path: "ref"},
			}},
			{Name: "ctx", Cells: []Cell{{Path: "users"}}},
			{Name: "rcu", Static: true, Internal: true, Cells: []Cell{{Path: "waits"}}},
		},
		Initial: []Change{{0, 1, "ctx"}, {0, 4, "7"}, {0, 5, "1"}},
		Steps: []Step{
			{Thread: 0, Verb: "down_read", Object: "mm->sem", Changes: []Change{{0, 0, "1"}}},
			{Thread: 1, Verb: "down_read", Object: "mm->sem", Changes: []Change{{0, 0, "2"}}},
			{Thread: 0, Verb: "up_read", Object: "mm->sem", Changes: []Change{{0, 0, "1"}}},
			{Thread: 1, Verb: "write", Object: "mm->slot", Stack: []string{"kill"},
				Changes: []Change{{0, 1, "NULL"}, {0, 3, "4294967296"}}},
			{Thread: 1, Verb: "kfree", Object: "ctx", Freed: []string{"ctx"},
				Changes: []Change{{0, 3, "2"}}},
			{Thread: 1, Verb: "up_read", Object: "mm->sem", Changes: []Change{{0, 0, "0"}}},
		},
	}
	for i := range it.Steps {
		s := &it.Steps[i]
		s.Step = i + 1
		it.Rows = append(it.Rows, Row{Thread: s.Thread, Step: s.Step, Text: s.Verb})
	}
	it.live()
	it.Sections = findSections(it.Steps)
	it.hold()
	v := newView(it)
	for _, test := range []struct {
		step               int
		group, label, want string
	}{
		{0, "A", "does", "nothing yet"},
		{1, "A", "does", "runs"},
		{1, "A", "holds", "mm->sem"},
		{3, "A", "holds", "nothing"},
		{4, "A", "does", "finished"},
		{4, "B", "does", "in kill"},
		{0, "mm", "sem", "not held"},
		{1, "mm", "sem", "held by A"},
		{2, "mm", "sem", "held by A, B"},
		{3, "mm", "sem", "held by B"},
		{6, "mm", "sem", "not held"},
		{3, "mm", "slot", "ctx"},
		{4, "mm", "slot", "NULL"},
		{4, "mm", "ref", "count 0, percpu 7"}, // and nothing of how it queues
		{6, "mm", "ref", "count 2, percpu 7"},
		{0, "mm", "never", "no such slot"},
		{0, "rcu", "waits", "no such slot"},
		{3, "ctx", "is", "allocated"},
		{4, "ctx", "is", "unlinked, step 4"},
		{5, "ctx", "is", "freed, step 5"},
	} {
		if got := v.at(test.step, test.group, test.label); got != test.want {
			t.Errorf("after step %d %s %s is %q, want %q",
				test.step, test.group, test.label, got, test.want)
		}
	}
}

// TestBuffered: a step says of its own store that it waits, and of others what waits after it; what
// drains has said it in its row.
func TestBuffered(t *testing.T) {
	const buffer = "store buffer of kill"
	for _, test := range []struct {
		step    Step
		waiting string
		want    []string
	}{
		{Step{Verb: "write", Object: "ctx->a", Stored: true}, "ctx->b <- 1, ctx->a <- 2",
			[]string{"waits in the store buffer of kill"}},
		{Step{Verb: "smp_mb"}, "nothing", []string{"store buffer of kill: nothing"}},
		{Step{Verb: "atomic_inc", Object: "ctx->b", Stored: true}, "nothing",
			[]string{"store buffer of kill: nothing"}},
		{Step{Verb: "drains", Object: "ctx->a", Stored: true}, "ctx->a <- 3", nil},
		{Step{Verb: "smp_wmb"}, "ctx->a <- 3, smp_wmb", nil},
	} {
		if got := buffered(&test.step, buffer, test.waiting); !slices.Equal(got, test.want) {
			t.Errorf("%s with %q: got %q, want %q", test.step.Verb, test.waiting, got, test.want)
		}
	}
}

// TestBlocked: who waits is blocked until it has what it waits for, and not until it takes it; and
// again if somebody else does.
func TestBlocked(t *testing.T) {
	it := &Interleaving{
		Threads: []Thread{{Name: "A", State: "finished"}, {Name: "B", State: "finished"}},
		Steps: []Step{
			{Thread: 1, Verb: "lock_is"}, {Thread: 0, Verb: "read", Blocked: []int{1}},
			{Thread: 0, Verb: "unlock"}, {Thread: 0, Verb: "lock", Blocked: []int{1}},
			{Thread: 0, Verb: "unlock"}, {Thread: 0, Verb: "read"}, {Thread: 1, Verb: "lock"},
		},
	}
	for i := range it.Steps {
		s := &it.Steps[i]
		s.Step = i + 1
		it.Rows = append(it.Rows, Row{Thread: s.Thread, Step: s.Step, Text: s.Verb})
		if i == 0 {
			it.Rows = append(it.Rows, Row{Thread: 1, Note: true, Text: "blocked: lock a"})
		}
	}
	v := newView(it)
	for step, want := range []string{"nothing yet", "runs", "blocked: lock a", "can go on: lock a",
		"blocked: lock a", "can go on: lock a", "can go on: lock a", "runs"} {
		if got := v.at(step, "B", "does"); got != want {
			t.Errorf("after step %d B %s, want %s", step, got, want)
		}
	}
}
