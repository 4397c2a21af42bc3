package percpu_test

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type traced struct {
	schedule.Object
	users percpu.Ref
}

// TestTrace: a trace has the words of a primitive for its flags and its bias, and its names for
// its words, but none for how it is queued.
func TestTrace(t *testing.T) {
	r := schedule.NewRunner(schedule.Program{Name: "kill", New: func() func(*schedule.Exec) {
		o := new(traced)
		o.Bind(o, "ctx")
		o.users.Ctor(percpu.V318, func(*schedule.Thread) {})
		return func(e *schedule.Exec) {
			e.Static(&o.Object, 0)
			o.users.Init()
			e.Go("io_destroy", o.users.Kill)
			rcu.Boot(e, rcu.Split)
		}
	}})
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	var kill []string
	for i := range tr.Events {
		if text := tr.Events[i].Text(); len(text) > 0 && len(kill) < 9 {
			kill = append(kill, text)
		}
	}
	want := []string{
		"percpu_ref_kill: read mode ctx->users = 0", "percpu_ref_kill ctx->users <- dead",
		"percpu_ref_kill: read mode ctx->users = dead", "percpu_ref_kill ctx->users <- atomic|dead",
		"percpu_ref_get: mode ctx->users = atomic|dead", "percpu_ref_get ctx->users <- bias+2",
		"call_rcu_sched ctx->users",
		"percpu_ref_put: mode ctx->users = atomic|dead", "percpu_ref_put ctx->users = 0 (now bias+1)",
	}
	if !slices.Equal(kill, want) {
		t.Errorf("got %q, want %q", kill, want)
	}
	if want := []schedule.Change{{Value: "bias+1"}}; !slices.Equal(tr.Initial, want) {
		t.Errorf("before the first step %v, want %v", tr.Initial, want)
	}
	var parts []string
	for _, c := range tr.Objects[0].Cells {
		parts = append(parts, c.Path+" "+c.Part)
	}
	want = []string{
		"users count", "users percpu", "users mode", "users ended", "users ", "users rcu.wait",
	}
	if !slices.Equal(parts, want) {
		t.Errorf("cells %q, want %q", parts, want)
	}
}

// TestTraceWaits: whom a callback waits for is in the words of its cell.
func TestTraceWaits(t *testing.T) {
	o := new(traced)
	r := schedule.NewRunner(schedule.Program{Name: "kill", New: func() func(*schedule.Exec) {
		o.Bind(o, "ctx")
		o.users.Ctor(percpu.V318, func(*schedule.Thread) {})
		return func(e *schedule.Exec) {
			e.Static(&o.Object, 0)
			o.users.Init()
			e.Go("reader", o.users.Get)
			e.Go("io_destroy", o.users.Kill)
			rcu.Boot(e, rcu.Split)
		}
	}})
	defer r.Close()
	tr, err := r.Replay(schedule.Tape{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	var waits []string
	for _, ev := range tr.Events {
		for _, ch := range ev.Changes {
			if ch.Object == 0 && tr.Objects[0].Cells[ch.Cell].Part == "rcu.wait" {
				waits = append(waits, ch.Value)
			}
		}
	}
	if want := []string{"reader", "0"}; !slices.Equal(waits, want) {
		t.Errorf("waits for %q, want %q", waits, want)
	}
}
