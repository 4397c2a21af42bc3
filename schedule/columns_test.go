package schedule_test

import (
	"strings"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// The programs here are as small as a race with all that a picture has to show
// can be: a lookup that a destroy overtakes, with the freeing left to a worker.

type ringCtx struct {
	Object
	users Cell
}

type ringTable struct {
	Object
	slot   Ptr[*ringCtx]
	lock   Cell
	queued Cell
}

// ring is the program: one lookup against one destroy.
type ring struct {
	table ringTable
	ctx   ringCtx
}

func (r *ring) Open(*Thread) bool  { return r.table.lock.Value() == 0 }
func (r *ring) Ready(*Thread) bool { return r.table.queued.Value() != 0 }

// Run is the worker.
func (r *ring) Run(t *Thread) {
	t.Begin(Op{Verb: "work runs", Cell: &r.table.queued, Mode: RMW})
	r.table.queued.Set(0)
	r.freeCtx(t)
}

func (r *ring) freeCtx(t *Thread) {
	t.Step(Op{Verb: "kfree", Cell: r.ctx.Self(), Mode: Writes | Frees})
	t.Free(&r.ctx.Object)
}

func (r *ring) lookupCtx(t *Thread) {
	t.Step(Op{Verb: "rcu_dereference", Cell: &r.table.slot.Cell, Mode: ReadOnce})
	c := r.table.slot.Get()
	t.Observe(r.table.slot.Value())
	if c == nil {
		return
	}
	t.Step(Op{Verb: "percpu_ref_get", Cell: &c.users, Mode: RMW})
	c.users.Set(c.users.Value() + 1)
}

func (r *ring) killCtx(t *Thread) {
	t.Await(Op{Verb: "spin_lock", Cell: &r.table.lock, Mode: LockOp}, r)
	r.table.lock.Set(1)
	t.Step(Op{Verb: "rcu_assign_pointer", Cell: &r.table.slot.Cell, Mode: WriteOnce | Release})
	r.table.slot.Put(nil)
	t.Step(Op{Verb: "spin_unlock", Cell: &r.table.lock, Mode: UnlockOp})
	r.table.lock.Set(0)
	t.Step(Op{Verb: "schedule_work", Cell: &r.table.queued, Mode: RMW})
	r.table.queued.Set(1)
}

func (r *ring) ioSubmit(t *Thread) { r.lookupCtx(t) }

func (r *ring) exitAio(t *Thread) {
	r.lookupCtx(t)
	r.killCtx(t)
}

// stuckCtx takes the lock and ends without giving it back.
func (r *ring) stuckCtx(t *Thread) {
	t.Await(Op{Verb: "spin_lock", Cell: &r.table.lock, Mode: LockOp}, r)
	r.table.lock.Set(1)
}

// ringProgram returns the program in which the given bodies run.
func ringProgram(bodies func(r *ring, e *Exec)) Program {
	return Program{Name: "ring", New: func() func(*Exec) {
		r := new(ring)
		r.table.Bind(&r.table, "mm")
		r.ctx.Bind(&r.ctx, "ctx")
		return func(e *Exec) {
			e.Static(&r.table.Object, 0)
			e.AllocBoot(&r.ctx.Object, 0)
			r.table.slot.Put(&r.ctx)
			bodies(r, e)
		}
	}}
}

func race(r *ring, e *Exec) {
	e.Agent("kworker", r)
	e.Go("io_submit", r.ioSubmit)
	e.Go("idle", func(*Thread) {})
	e.Go("io_destroy", r.killCtx)
}

// leak forgets the context: it leaves the table without being freed.
func leak(r *ring, e *Exec) {
	e.Go("io_destroy", func(t *Thread) {
		t.Step(Op{Verb: "cond_resched"})
		t.Step(Op{Verb: "rcu_assign_pointer", Cell: &r.table.slot.Cell, Mode: WriteOnce | Release})
		r.table.slot.Put(nil)
	})
}

func stuck(r *ring, e *Exec) {
	e.Go("io_setup", r.stuckCtx)
	e.Go("io_submit", r.ioSubmit)
	e.Go("io_destroy", r.killCtx)
}

// twice has one context destroyed by two tasks, so that one waits for the other.
func twice(r *ring, e *Exec) {
	e.Go("io_destroy", r.killCtx)
	e.Go("exit_aio", r.exitAio)
	e.Agent("kworker", r)
}

// crowd has more threads than a page has room for columns of their own.
func crowd(r *ring, e *Exec) {
	names := []string{"io_submit", "io_getevents", "io_cancel", "io_pgetevents", "io_uring_enter"}
	for _, name := range names {
		e.Go(name, r.ioSubmit)
	}
	e.Go("io_destroy", r.killCtx)
	e.Agent("kworker", r)
}

func TestColumns(t *testing.T) {
	for _, test := range []struct {
		name   string
		bodies func(*ring, *Exec)
		tape   string
		width  int
		want   string
	}{
		{"use-after-free", race, "01", 100, `
     io_submit                  io_destroy                 [kworker]
     lookup_ctx()
  1    rcu_dereference mm->slot = ctx
       -- preempted --
                                kill_ctx()
  2                               spin_lock mm->lock
  3                               rcu_assign_pointer mm->slot <- NULL
  4                               spin_unlock mm->lock
  5                               schedule_work mm->queued <- 1
  6                                                          work runs mm->queued <- 0
                                                           free_ctx()
  7                                                        * kfree ctx
  8  * percpu_ref_get ctx->users
       -- use-after-free --
`},
		{"narrow", race, "01", 60, `
     io_submit
            io_destroy
                   [kworker]
     lookup_ctx()
  1    rcu_dereference mm->slot = ctx
       -- preempted --
            kill_ctx()
  2           spin_lock mm->lock
  3           rcu_assign_pointer mm->slot <- NULL
  4           spin_unlock mm->lock
  5           schedule_work mm->queued <- 1
  6                  work runs mm->queued <- 0
                   free_ctx()
  7                * kfree ctx
  8  * percpu_ref_get ctx->users
       -- use-after-free --
`},
		{"fold", race, "01", 40, `
     io_submit
         io_destroy
             [kworker]
     lookup_ctx()
  1    rcu_dereference mm->slot = ctx
       -- preempted --
         kill_ctx()
  2        spin_lock mm->lock
  3        rcu_assign_pointer mm->slot
               <- NULL
  4        spin_unlock mm->lock
  5        schedule_work mm->queued <- 1
  6            work runs mm->queued <- 0
             free_ctx()
  7          * kfree ctx
  8  * percpu_ref_get ctx->users
       -- use-after-free --
`},
		{"pass", race, "", 100, `
     io_submit                  io_destroy                 [kworker]
     lookup_ctx()
  1    rcu_dereference mm->slot = ctx
  2    percpu_ref_get ctx->users <- 1
                                kill_ctx()
  3                               spin_lock mm->lock
  4                               rcu_assign_pointer mm->slot <- NULL
  5                               spin_unlock mm->lock
  6                               schedule_work mm->queued <- 1
  7                                                          work runs mm->queued <- 0
                                                           free_ctx()
  8                                                          kfree ctx
`},
		{"blocked", twice, "01", 100, `
     io_destroy                 exit_aio                   [kworker]
     kill_ctx()
  1    spin_lock mm->lock
       -- preempted --
                                lookup_ctx()
  2                               rcu_dereference mm->slot = ctx
  3                               percpu_ref_get ctx->users <- 1
                                  -- blocked: spin_lock mm->lock --
  4    rcu_assign_pointer mm->slot <- NULL
  5    spin_unlock mm->lock
  6    schedule_work mm->queued <- 1
                                kill_ctx()
  7                               spin_lock mm->lock
  8                               rcu_assign_pointer mm->slot <- NULL
  9                               spin_unlock mm->lock
 10                               schedule_work mm->queued <- 1
 11                                                          work runs mm->queued <- 0
                                                           free_ctx()
 12                                                          kfree ctx
`},
		{"leak", leak, "", 100, `
     io_destroy
  1    cond_resched
  2    rcu_assign_pointer mm->slot <- NULL
     -- at the end: memory-leak ctx --
`},
		{"deadlock", stuck, "", 100, `
     io_setup                   io_submit                  io_destroy
     stuck_ctx()
  1    spin_lock mm->lock
                                lookup_ctx()
  2                               rcu_dereference mm->slot = ctx
  3                               percpu_ref_get ctx->users <- 1
                                                             -- blocked for ever: spin_lock
                                                                 mm->lock --
`},
		{"crowd", crowd, "01", 100, `
     io_submit
              io_getevents
                       io_cancel
                                io_pgetevents
                                         io_uring_enter
                                                  io_destroy
                                                           [kworker]
     lookup_ctx()
  1    rcu_dereference mm->slot = ctx
       -- preempted --
              io_submit()
              lookup_ctx()
  2             rcu_dereference mm->slot = ctx
  3             percpu_ref_get ctx->users <- 1
  4    percpu_ref_get ctx->users <- 2
                       io_submit()
                       lookup_ctx()
  5                      rcu_dereference mm->slot = ctx
  6                      percpu_ref_get ctx->users <- 3
                                io_submit()
                                lookup_ctx()
  7                               rcu_dereference mm->slot = ctx
  8                               percpu_ref_get ctx->users <- 4
                                         io_submit()
                                         lookup_ctx()
  9                                        rcu_dereference mm->slot = ctx
 10                                        percpu_ref_get ctx->users <- 5
                                                  kill_ctx()
 11                                                 spin_lock mm->lock
 12                                                 rcu_assign_pointer mm->slot <- NULL
 13                                                 spin_unlock mm->lock
 14                                                 schedule_work mm->queued <- 1
 15                                                          work runs mm->queued <- 0
                                                           free_ctx()
 16                                                          kfree ctx
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkColumns(t, test.bodies, test.tape, test.width, test.want)
		})
	}
}

func checkColumns(t *testing.T, bodies func(*ring, *Exec), tape string, width int, want string) {
	t.Helper()
	r := NewRunner(ringProgram(bodies))
	defer r.Close()
	s, err := Parse(tape)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := r.Replay(s)
	if err != nil {
		t.Error(err)
	}
	var out strings.Builder
	if err := tr.WriteColumns(&out, width); err != nil {
		t.Fatal(err)
	}
	if got := "\n" + out.String(); got != want {
		t.Errorf("tape %s:\ngot%s\nwant%s", tape, got, want)
	}
}

// TestColumnsKeepNames draws every picture at many widths: no word is ever broken, and
// from a width on that has room for the longest everything is on the page.
func TestColumnsKeepNames(t *testing.T) {
	for name, bodies := range map[string]func(*ring, *Exec){
		"race": race, "twice": twice, "stuck": stuck, "crowd": crowd, "leak": leak,
	} {
		r := NewRunner(ringProgram(bodies))
		defer r.Close()
		tr, err := r.Replay(Tape{0, 1})
		if err != nil {
			tr, err = r.Replay(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		for width := 1; width <= 140; width++ {
			var out strings.Builder
			if err := tr.WriteColumns(&out, width); err != nil {
				t.Fatal(err)
			}
			words := map[string]bool{}
			for _, w := range strings.Fields(out.String()) {
				words[strings.TrimPrefix(w, "*")] = true
			}
			for _, ev := range tr.Events {
				if !words[strings.Fields(ev.Verb)[0]] || ev.Object != "" && !words[ev.Object] {
					t.Errorf("%s, width %d: step %d is not there in full:\n%s", name, width, ev.Step, out.String())
				}
			}
			for _, line := range strings.Split(out.String(), "\n") {
				if width >= 80 && len(line) > width {
					t.Errorf("%s: %d wide, page is %d: %q", name, len(line), width, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s, width %d: blanks at the end of %q", name, width, line)
				}
			}
		}
	}
}

// TestColumnsDetails draws single steps.
func TestColumnsDetails(t *testing.T) {
	kernel := []Frame{{Package: "kmodel/fs/aio", Func: "ioSubmit"}}
	for _, test := range []struct {
		event Event
		want  string
	}{
		{Event{Verb: "READ_ONCE", Object: "x", Value: "1"}, "READ_ONCE x = 1"},
		{Event{Verb: "WRITE_ONCE", Object: "x", Value: "NULL", Stored: true}, "WRITE_ONCE x <- NULL"},
		{Event{Verb: "smp_mb"}, "smp_mb"},
		// What is returned and what is left, unless these are the same.
		{Event{Verb: "atomic_dec_and_test", Object: "n", Value: "0", Now: "2"},
			"atomic_dec_and_test n = 0 (now 2)"},
		{Event{Verb: "atomic_xchg", Object: "n", Value: "0", Now: "1"}, "atomic_xchg n = 0 (now 1)"},
		{Event{Verb: "atomic_inc_return", Object: "n", Value: "3", Now: "3"}, "atomic_inc_return n = 3"},
		{Event{Verb: "spin_trylock", Object: "l", Value: "1", Now: "2"}, "spin_trylock l = 1"},
		{Event{Verb: "percpu_ref_put", Object: "r", Value: "0", Now: "4294967297"}, "percpu_ref_put r = 0"},
		// What a primitive keeps in its words is not the kernel's.
		{Event{Verb: "spin_lock", Object: "l", Value: "3", Stored: true, Mode: LockOp}, "spin_lock l"},
		{Event{Verb: "spin_unlock", Object: "l", Value: "0", Stored: true}, "spin_unlock l"},
		{Event{Verb: "call_rcu", Object: "r", Value: "4294967297", Stored: true}, "call_rcu r"},
		{Event{Verb: "atomic_dec", Object: "n", Value: "-1", Stored: true}, "atomic_dec n <- -1"},
		// Choices other than the calm one, and what is freed along the way.
		{Event{Verb: "kmalloc", Choices: []int{0, 2}}, "kmalloc (choice 2)"},
		{Event{Verb: "kfree", Object: "mm", Freed: []string{"mm", "ctx"}}, "kfree mm (frees ctx)"},
	} {
		test.event.Step, test.event.Preempted, test.event.Stack = 1, -1, kernel
		tr := &Trace{Threads: []ThreadInfo{{Name: "io_submit"}}, Events: []Event{test.event}}
		tr.Result = Result{Outcome: Invalid, Reason: StepLimit}
		var out strings.Builder
		if err := tr.WriteColumns(&out, 100); err != nil {
			t.Fatal(err)
		}
		want := "     io_submit\n     io_submit()\n  1    " + test.want + "\n     -- stopped: step limit --\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	}
}
