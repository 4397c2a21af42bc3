package triage_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A story is a failure of a trace made by hand: what the thread did last, and
// what the other party did.
type story struct {
	kind   schedule.Kind
	fn     string // kernel function of the failing step; "": a primitive's alone
	verb   string
	note   string
	other  string // kernel function of the other party's step, "": nobody
	atEnd  bool   // no step failed
	booted bool   // the object was there from the start
	stack  bool   // the object is on a stack
	global bool   // the object is a global variable
	agent  bool   // took the failing step
}

const primitive = "kmodel/linux/percpu"

// trace tells the story of ctx2->users: a second context, so that numbers of
// objects would show.
func (s story) trace() *schedule.Trace {
	ctx := new(toyCtx)
	ctx.Bind(ctx, "ctx")
	if s.global {
		ctx.SetGlobal()
	}
	if s.stack {
		ctx.SetOnStack()
	}
	threads := []*schedule.Thread{{ID: 0, Name: "io_submit"}, {ID: 1, Name: "kworker"}}
	failing := 0
	if s.agent {
		failing = 1
	}
	stack := func(fn string) []schedule.Frame {
		out := []schedule.Frame{{Package: primitive, Func: "Get"}}
		if fn != "" {
			out = append(out, schedule.Frame{Package: "kmodel/fs/aio", Func: fn})
		}
		return out
	}
	tr := &schedule.Trace{
		Threads: []schedule.ThreadInfo{{Name: "io_submit"}, {Name: "kworker", Agent: true}},
		Events: []schedule.Event{
			{Step: 1, Thread: 1, Verb: "kfree", Object: "ctx2", Stack: stack(s.other)},
			{Step: 2, Thread: failing, Verb: s.verb, Object: "ctx2->users", Stack: stack(s.fn)},
			{Step: 3, Thread: 1, Verb: "work runs", Stack: stack(s.other)},
		},
	}
	f := schedule.Failure{Kind: s.kind, Obj: &ctx.Object, Note: s.note}
	if !s.atEnd {
		f.Party = schedule.Party{Thread: threads[failing], Step: 2}
		f.Op = schedule.Op{Verb: s.verb, Cell: &ctx.users}
	}
	if s.other != "" && !s.booted {
		f.Other = schedule.Party{Thread: threads[1], Step: 1}
		if s.kind == schedule.Leak {
			tr.AllocStack = stack(s.other)
		}
	}
	tr.Result = schedule.Result{Outcome: schedule.Fail, Failure: f, Steps: len(tr.Events)}
	return tr
}

// TestStories: what is told of each kind, in the trace of [story], without the sentence on
// preemptions.
func TestStories(t *testing.T) {
	const silent = " No check of the kernel reports it."
	for _, test := range []struct {
		story story
		want  string
	}{
		{
			story{kind: schedule.UseAfterFree, fn: "lookupIoctx", verb: "read", other: "freeIoctx"},
			"io_submit touches ctx in lookup_ioctx() (read ctx2->users, step 2) " +
				"after [kworker] has freed it in free_ioctx() (step 1).",
		},
		{
			story{
				kind: schedule.UseAfterFree, fn: "freeIoctx", verb: "read", other: "freeIoctx",
				agent: true,
			},
			"[kworker] touches ctx in free_ioctx() (read ctx2->users, step 2) " +
				"after it has freed it in free_ioctx() (step 1).",
		},
		{
			story{kind: schedule.UseAfterFree, verb: "complete", other: "ioDestroy", stack: true},
			"io_submit touches ctx (complete ctx2->users, step 2) " +
				"after [kworker] has left its stack frame in io_destroy() (step 1). " +
				"No check of the kernel is made for it; one may see what has come in its place.",
		},
		{
			story{kind: schedule.DoubleFree, fn: "freeIoctx", verb: "kfree", other: "killIoctx"},
			"io_submit frees ctx in free_ioctx() (kfree ctx2->users, step 2) " +
				"after [kworker] has freed it in kill_ioctx() (step 1).",
		},
		{
			story{kind: schedule.OutOfBounds, fn: "listLruAdd", verb: "read"},
			"io_submit goes beyond the end of ctx in list_lru_add() (read ctx2->users, step 2).",
		},
		{
			story{
				kind: schedule.OutOfBounds, fn: "cleanupNet", verb: "list_del_rcu",
				note: "a head is taken for a net",
			},
			"io_submit goes outside of ctx in cleanup_net() (list_del_rcu ctx2->users, step 2): " +
				"a head is taken for a net.",
		},
		{
			story{
				kind: schedule.RefResurrect, fn: "getCtx", verb: "percpu_ref_get", other: "putCtx",
			},
			"io_submit takes ctx->users up from 0 in get_ctx() (percpu_ref_get ctx2->users, step 2) " +
				"after [kworker] has dropped the last reference in put_ctx() (step 1)." + silent,
		},
		{
			story{kind: schedule.RefUnderflow, fn: "putCtx", verb: "refcount_dec_and_test"},
			"io_submit drops ctx->users too often in put_ctx() " +
				"(refcount_dec_and_test ctx2->users, step 2).",
		},
		{
			story{kind: schedule.DoubleRelease, fn: "putCtx", verb: "percpu_ref_put", other: "putCtx"},
			"io_submit drops the last reference of ctx->users in put_ctx() " +
				"(percpu_ref_put ctx2->users, step 2) " +
				"after [kworker] has dropped it in put_ctx() (step 1)." + silent,
		},
		{
			story{kind: schedule.DoubleKill, fn: "killCtx", verb: "percpu_ref_kill", other: "killCtx"},
			"io_submit kills ctx->users in kill_ctx() (percpu_ref_kill ctx2->users, step 2) " +
				"after [kworker] has killed it in kill_ctx() (step 1).",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_del",
				note: "deletes what has been deleted",
			},
			"io_submit deletes what has been deleted in kill_ctx() (list_del ctx2->users, step 2).",
		},
		{
			story{
				kind: schedule.LockRule, fn: "killCtx", verb: "spin_lock",
				note: "takes a lock that it holds",
			},
			"io_submit breaks a rule in kill_ctx() (spin_lock ctx2->users, step 2): " +
				"takes a lock that it holds.",
		},
		{
			story{kind: schedule.BugOn, fn: "putCtx", verb: "read", note: "BUG_ON"},
			"io_submit comes to a failing assertion in put_ctx() (read ctx2->users, step 2): BUG_ON.",
		},
		{
			story{kind: schedule.LateMunmap, fn: "doMunmap", verb: "read", other: "exitMmap"},
			"io_submit changes the mappings in do_munmap() (read ctx2->users, step 2) " +
				"while [kworker] walks them in exit_mmap() (since step 1)." + silent,
		},
		{
			story{kind: schedule.StaleTLB, fn: "load", verb: "load", note: "cpu1", other: "unmap"},
			"cpu1 translates an address to ctx in load() (load ctx2->users, step 2) " +
				"after [kworker] has freed that page in unmap() (step 1)." + silent,
		},
		{
			story{kind: schedule.StrayWrite, fn: "write", verb: "write", note: "a file", other: "zap"},
			"io_submit changes ctx in write() (write ctx2->users, step 2) after [kworker] has " +
				"taken away what it may change in zap() (step 1): a file." + silent,
		},
		{
			story{kind: schedule.LostUpdate, atEnd: true, note: "an item of nobody"},
			"At the end ctx is not as it has to be: an item of nobody." + silent,
		},
		{
			story{kind: schedule.Leak, atEnd: true, booted: true},
			"Nothing points to ctx at the end, and nobody has freed it.",
		},
		{
			story{kind: schedule.Leak, atEnd: true, booted: true, note: "nobody has it"},
			"At the end nobody has freed ctx: nobody has it.",
		},
	} {
		told := triage.NewReport(test.story.trace(), triage.About{}).Story
		if len(told) < 2 || !strings.HasPrefix(told[1], "It takes ") {
			t.Errorf("%v: %q does not tell what it takes", test.story.kind, told)
			continue
		}
		got := strings.Join(append(told[:1:1], told[2:]...), " ")
		if got != test.want {
			t.Errorf("%v:\ngot  %s\nwant %s", test.story.kind, got, test.want)
		}
	}
}

// TestStoryPreemptions: how many, of whom, and where.
func TestStoryPreemptions(t *testing.T) {
	for _, test := range []struct {
		preempted []int // before each step, -1: nobody
		switches  int
		want      string
	}{
		{[]int{-1, -1, -1}, 0, "It takes no switch of threads."},
		{
			[]int{-1, -1, -1}, 2,
			"It takes no preemption: threads change only where one waits or has finished.",
		},
		{[]int{-1, 1, -1}, 2, "It takes 1 preemption: of [kworker] in free_ioctx() after step 1."},
		{
			[]int{0, 1, 0}, 2,
			"It takes 3 preemptions: of io_submit before its first step; " +
				"of [kworker] in free_ioctx() after step 1; of io_submit in get_ctx() after step 2.",
		},
	} {
		tr := story{kind: schedule.UseAfterFree, fn: "getCtx", verb: "read", other: "freeIoctx"}.trace()
		for i, p := range test.preempted {
			tr.Events[i].Preempted = p
		}
		tr.Result.Switches = test.switches
		if got := triage.NewReport(tr, triage.About{}).Story[1]; got != test.want {
			t.Errorf("%v: got %q, want %q", test.preempted, got, test.want)
		}
	}
	pass := schedule.Trace{Result: schedule.Result{Outcome: schedule.Pass}}
	if got := triage.NewReport(&pass, triage.About{}).Story; got != nil {
		t.Errorf("of an execution that passes: %q", got)
	}
}
