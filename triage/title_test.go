package triage_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

func TestTitles(t *testing.T) {
	for _, test := range []struct {
		story     story
		title     string
		signature string
	}{
		{
			story{
				kind: schedule.UseAfterFree,
				fn:   "lookupIoctx", verb: "percpu_ref_get", other: "freeIoctx",
			},
			"KASAN: use-after-free in lookup_ioctx",
			"v2 use-after-free lookup_ioctx free_ioctx",
		},
		{
			story{
				kind: schedule.DoubleFree,
				fn:   "freeIoctx", verb: "kfree", other: "ioctxAlloc",
			},
			"KASAN: double-free in free_ioctx",
			"v2 double-free free_ioctx ioctx_alloc",
		},
		{
			story{kind: schedule.OutOfBounds, fn: "cleanupNet", verb: "list_del_rcu", global: true},
			"KASAN: global-out-of-bounds in cleanup_net",
			"v2 out-of-bounds cleanup_net -",
		},
		{ // a local variable of a model is bound as a global one
			story{
				kind: schedule.OutOfBounds, fn: "inodeLruIsolate", verb: "spin_trylock",
				global: true, stack: true,
			},
			"KASAN: stack-out-of-bounds in inode_lru_isolate",
			"v2 out-of-bounds inode_lru_isolate -",
		},
		{
			story{kind: schedule.OutOfBounds, fn: "listLruAdd", verb: "read"},
			"KASAN: slab-out-of-bounds in list_lru_add",
			"v2 out-of-bounds list_lru_add -",
		},
		{
			story{
				kind: schedule.RefResurrect,
				fn:   "lookupIoctx", verb: "percpu_ref_get", other: "ioDestroy",
			},
			"percpu_ref ctx->users taken up from 0 in lookup_ioctx",
			"v2 refcount-resurrect lookup_ioctx -",
		},
		{
			story{
				kind: schedule.RefUnderflow,
				fn:   "ioDestroy", verb: "percpu_ref_put", other: "ioDestroy",
			},
			"percpu_ref ctx->users dropped too often in io_destroy",
			"v2 refcount-underflow io_destroy -",
		},
		{
			story{
				kind: schedule.DoubleRelease,
				fn:   "freeIoctxUsers", verb: "percpu_ref_put", other: "ioDestroy",
			},
			"percpu_ref ctx->users released twice in free_ioctx_users",
			"v2 double-release free_ioctx_users -",
		},
		{
			story{
				kind: schedule.DoubleKill,
				fn:   "killIoctx", verb: "percpu_ref_kill", other: "killIoctx",
			},
			"WARNING: percpu_ref_kill_and_confirm called more than once in kill_ioctx",
			"v2 double-kill kill_ioctx -",
		},
		{
			story{kind: schedule.DoubleRelease, fn: "putIoctx", verb: "atomic_dec_and_test"},
			"reference count ctx->users released twice in put_ioctx",
			"v2 double-release put_ioctx -",
		},
		{
			story{
				kind: schedule.SleepInAtomic,
				fn:   "resizeList", verb: "spin_lock", note: "kmalloc",
			},
			"BUG: sleeping function called from invalid context in resize_list",
			"v2 sleep-in-atomic resize_list -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_del",
				note: "deletes what has been deleted",
			},
			"list_del corruption in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "ioctxAlloc", verb: "list_add",
				note: "adds the first entry once more",
			},
			"list_add double add in ioctx_alloc",
			"v2 list-corruption ioctx_alloc -",
		},
		{ // CONFIG_DEBUG_LIST looks at the neighbours, which are as they should be
			story{
				kind: schedule.ListCorrupt, fn: "ioctxAlloc", verb: "list_add",
				note: "adds what is on a list",
			},
			"node added that is on a list in ioctx_alloc",
			"v2 list-corruption ioctx_alloc -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_del",
				note: "deletes what is on another list",
			},
			"node deleted from a list that it is not on in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_del",
				note: "deletes before an entry that leads back elsewhere",
			},
			"list_del corruption in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "ioctxAlloc", verb: "init_timer",
				note: "initializes a timer that is pending",
			},
			"ODEBUG: init active in ioctx_alloc",
			"v2 list-corruption ioctx_alloc -",
		},
		{ // list_move() has no check of its own but those of its two halves
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_move",
				note: "adds before an entry that leads back elsewhere",
			},
			"list_add corruption in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_del",
				note: "another list has taken it",
			},
			"list changed from which another has taken in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_del",
				note: "deletes behind an entry that leads elsewhere",
			},
			"list_del corruption in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_replace_init",
				note: "overwrites what is not empty",
			},
			"list overwritten that is not empty in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{ // an hlist is not checked, but poisoned
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "hlist_del_rcu",
				note: "deletes what has been deleted",
			},
			"general protection fault in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "hlist_del_rcu",
				note: "deletes what was never on a list",
			},
			"BUG: unable to handle kernel NULL pointer dereference in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{ // CONFIG_DEBUG_LIST faults, too, when it looks at the neighbours
			story{
				kind: schedule.ListCorrupt, fn: "killCtx", verb: "list_del",
				note: "deletes what was never on a list",
			},
			"BUG: unable to handle kernel NULL pointer dereference in kill_ctx",
			"v2 list-corruption kill_ctx -",
		},
		{ // the links of an sk_buff that has been unlinked
			story{kind: schedule.NullDereference, fn: "skbUnlink", verb: "__skb_unlink", note: "next->prev"},
			"BUG: unable to handle kernel NULL pointer dereference in skb_unlink",
			"v2 null-dereference skb_unlink -",
		},
		{
			story{
				kind: schedule.ListCorrupt, fn: "ioctxAlloc", verb: "hlist_add_head_rcu",
				note: "adds the first entry once more",
			},
			"node added that is on a list in ioctx_alloc",
			"v2 list-corruption ioctx_alloc -",
		},
		{
			story{kind: schedule.RefResurrect, fn: "lookupIoctx", verb: "refcount_inc"},
			"refcount_t: addition on 0; use-after-free in lookup_ioctx",
			"v2 refcount-resurrect lookup_ioctx -",
		},
		{
			story{kind: schedule.RefUnderflow, fn: "putIoctx", verb: "refcount_dec_and_test"},
			"refcount_t: underflow; use-after-free in put_ioctx",
			"v2 refcount-underflow put_ioctx -",
		},
		{
			story{kind: schedule.RefUnderflow, fn: "mmdrop", verb: "atomic_dec_and_test"},
			"reference count ctx->users dropped too often in mmdrop",
			"v2 refcount-underflow mmdrop -",
		},
		{
			story{
				kind: schedule.RefUnderflow, fn: "mmdrop", verb: "atomic_dec_and_test",
				note: "BUG: Bad rss-counter state",
			},
			"BUG: Bad rss-counter state in mmdrop",
			"v2 refcount-underflow mmdrop -",
		},
		{
			story{kind: schedule.RefUnderflow, verb: "percpu_ref: add per-CPU counts"},
			"WARNING: percpu ref <= 0 after switching to atomic in percpu_ref",
			"v2 refcount-underflow percpu_ref -",
		},
		{
			story{kind: schedule.DoubleKill, fn: "killIoctx", verb: "atomic_xchg"},
			"reference count ctx->users killed twice in kill_ioctx",
			"v2 double-kill kill_ioctx -",
		},
		{
			story{
				kind: schedule.UseAfterFree, fn: "complete", verb: "complete", other: "ioDestroy",
				stack: true,
			},
			"stack frame used after its function returned in complete",
			"v2 use-after-free complete io_destroy",
		},
		{
			story{kind: schedule.BugOn, fn: "killIoctx", verb: "read", note: "WARN_ON: not there"},
			"WARNING in kill_ioctx",
			"v2 kernel-bug kill_ioctx -",
		},
		{
			story{kind: schedule.BugOn, fn: "putIoctx", verb: "atomic_read"},
			"kernel BUG in put_ioctx",
			"v2 kernel-bug put_ioctx -",
		},
		{
			story{kind: schedule.LateMunmap, fn: "doMunmap", verb: "read", other: "exitMmap"},
			"mappings changed while they are walked in do_munmap",
			"v2 late-munmap do_munmap exit_mmap",
		},
		{
			story{kind: schedule.StaleTLB, fn: "copyFromUser", verb: "load", other: "zapPteRange"},
			"stale TLB entry used in copy_from_user",
			"v2 stale-tlb copy_from_user zap_pte_range",
		},
		{
			story{kind: schedule.StaleTLB, verb: "load", other: "zapPteRange"},
			"stale TLB entry used in user space",
			"v2 stale-tlb load zap_pte_range",
		},
		{
			story{kind: schedule.LostUpdate, fn: "switchMm", verb: "read"},
			"lost update of ctx->users in switch_mm",
			"v2 lost-update switch_mm -",
		},
		{
			story{kind: schedule.StrayWrite, fn: "accessRemoteVm", verb: "write", other: "zapPteRange"},
			"stray write to ctx->users in access_remote_vm",
			"v2 stray-write access_remote_vm zap_pte_range",
		},
		{
			story{kind: schedule.LostUpdate, atEnd: true},
			"lost update of ctx",
			"v2 lost-update [ctx] -",
		},
		{
			story{kind: schedule.Leak, atEnd: true, other: "ioctxAlloc"},
			"memory leak in ioctx_alloc (allocated)",
			"v2 memory-leak ioctx_alloc -",
		},
		{
			story{kind: schedule.Leak, atEnd: true, booted: true},
			"memory leak of ctx (allocated before the first step)",
			"v2 memory-leak [ctx] -",
		},
		{
			story{
				kind: schedule.LockRule, fn: "lookupIoctx", verb: "READ_ONCE",
				note: "rcu_dereference outside a read-side section",
			},
			"WARNING: suspicious RCU usage in lookup_ioctx",
			"v2 lock-rule lookup_ioctx -",
		},
		{
			story{
				kind: schedule.LockRule,
				fn:   "killIoctx", verb: "spin_unlock", note: "releases what it does not hold",
			},
			"WARNING: bad unlock balance detected in kill_ioctx",
			"v2 lock-rule kill_ioctx -",
		},
		{
			story{
				kind: schedule.LockRule, fn: "killIoctx", verb: "READ_ONCE", other: "killIoctx",
				note: "takes a lock that it holds",
			},
			"WARNING: possible recursive locking detected in kill_ioctx",
			"v2 lock-rule kill_ioctx kill_ioctx",
		},
		{
			story{
				kind: schedule.LockRule,
				fn:   "ioSubmit", verb: "READ_ONCE", note: "returns while holding it",
			},
			"WARNING: lock held when returning to user space in io_submit",
			"v2 lock-rule io_submit -",
		},
		{
			story{
				kind: schedule.LockRule,
				fn:   "ioSubmit", verb: "READ_ONCE", note: "some new rule",
			},
			"locking rule broken: some new rule in io_submit",
			"v2 lock-rule io_submit -",
		},
		{
			story{
				kind: schedule.LockRule, fn: "ioSubmit", verb: "preempt_enable",
				note: "preempt_enable without preempt_disable",
			},
			"locking rule broken: preempt_enable without preempt_disable in io_submit",
			"v2 lock-rule io_submit -",
		},
		{ // it does not return to user space: process_one_work() looks
			story{
				kind: schedule.LockRule, fn: "freeIoctx", verb: "spin_lock", agent: true,
				note: "returns while holding it",
			},
			"BUG: workqueue leaked lock or atomic in free_ioctx",
			"v2 lock-rule free_ioctx -",
		},
		{
			story{
				kind: schedule.LockRule, fn: "ioSubmit", verb: "call_rcu",
				note: "queues an rcu_head that is queued",
			},
			"ODEBUG: activate active rcu_head in io_submit",
			"v2 lock-rule io_submit -",
		},
		{
			// Nothing but a primitive: it goes by its verb, which may have spaces.
			story{kind: schedule.UseAfterFree, verb: "rcu callback", other: "freeIoctx"},
			"KASAN: use-after-free in rcu_callback",
			"v2 use-after-free rcu_callback free_ioctx",
		},
		{
			// And by the verb of the call, whichever of its steps it is.
			story{kind: schedule.UseAfterFree, verb: "percpu_ref_put: mode", other: "freeIoctx"},
			"KASAN: use-after-free in percpu_ref_put",
			"v2 use-after-free percpu_ref_put free_ioctx",
		},
		{
			story{kind: schedule.UseAfterFree, verb: "mutex_unlock (tail)", other: "freeIoctx"},
			"KASAN: use-after-free in mutex_unlock",
			"v2 use-after-free mutex_unlock free_ioctx",
		},
	} {
		t.Run(test.title, func(t *testing.T) {
			tr := test.story.trace()
			if got := triage.Title(tr); got != test.title {
				t.Errorf("title: got %q, want %q", got, test.title)
			}
			if got := triage.Of(tr).String(); got != test.signature {
				t.Errorf("signature: got %q, want %q", got, test.signature)
			}
		})
	}
}

// TestTitleEveryKind: a kind that is added to package schedule must get a title.
func TestTitleEveryKind(t *testing.T) {
	for _, k := range (^schedule.Kinds(0)).All() {
		title := triage.Title(story{kind: k, fn: "lookupIoctx", verb: "read"}.trace())
		if title == "" || title == k.String()+" of ctx->users in lookup_ioctx" {
			t.Errorf("kind %q has no title of its own: %q", k, title)
		}
	}
}

// TestTitleBeforeFirstStep: the failure is the thread's, the step another's.
func TestTitleBeforeFirstStep(t *testing.T) {
	tr := story{kind: schedule.SleepInAtomic, fn: "ioSubmit", verb: "read"}.trace()
	tr.Result.Failure.Step = 1
	want := "BUG: sleeping function called from invalid context in task io_submit"
	if got := triage.Title(tr); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTitleOfNoFailure(t *testing.T) {
	for _, test := range []struct {
		result schedule.Result
		want   string
	}{
		{schedule.Result{Outcome: schedule.Pass}, "no failure"},
		{
			schedule.Result{Outcome: schedule.Invalid, Reason: schedule.StepLimit},
			"invalid execution: step limit",
		},
	} {
		tr := &schedule.Trace{Result: test.result}
		if got := triage.Title(tr); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
		if got := triage.Of(tr); got != (triage.Signature{}) {
			t.Errorf("%s: got signature %q", test.want, got)
		}
	}
}

// TestHung: who waits for ever is found by another detector if he spins, and by a third if he
// does so with interrupts off.
func TestHung(t *testing.T) {
	for _, test := range []struct {
		verb    string
		irqsOff bool
		want    string
	}{
		{"mutex_lock", false, "INFO: task hung in io_destroy"},
		{"spin_lock", false, "BUG: soft lockup in io_destroy"},
		{"spin_lock", true, "Watchdog detected hard LOCKUP in io_destroy"},
		{"spin_lock_irq", false, "Watchdog detected hard LOCKUP in io_destroy"},
	} {
		tr := &schedule.Trace{Threads: []schedule.ThreadInfo{
			{Name: "io_destroy", State: "blocked", Verb: test.verb, IrqsOff: test.irqsOff},
		}}
		tr.Result.Outcome, tr.Result.Failure.Kind = schedule.Fail, schedule.Deadlock
		if got := triage.Title(tr); got != test.want {
			t.Errorf("%s: got %q, want %q", test.verb, got, test.want)
		}
	}
}
