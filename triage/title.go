package triage

import (
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Title names the failure that tr shows. Where a sanitizer or a debugging option of the
// kernel would report it, in the words of that report, so that whoever has seen one knows
// what it says: "KASAN: use-after-free in lookup_ioctx". Where none would, the title says
// what is wrong and has the words of no report. It is for people. It has no numbers in it,
// so that one bug has one title, but it decides nothing: see [Of] for that.
func Title(tr *schedule.Trace) string {
	title, _ := headline(tr)
	return title
}

// headline returns the title, and whether a kernel reports such a thing.
func headline(tr *schedule.Trace) (title string, reported bool) {
	r := &tr.Result
	switch {
	case r.Outcome == schedule.Invalid:
		return "invalid execution: " + r.Reason, false
	case r.Outcome != schedule.Fail:
		return "no failure", false
	case r.Failure.Kind == schedule.Leak:
		return leakTitle(tr), true
	case r.Failure.Kind == schedule.Deadlock:
		return hungTitle(tr), true
	}
	f := &r.Failure
	what, reported := splat(tr)
	if !reported {
		what = inWords(f)
	}
	return what + where(tr), reported
}

// splat returns what the kernel says of a failure, without the place, and false if it has no check
// for it.
func splat(tr *schedule.Trace) (string, bool) {
	f := &tr.Result.Failure
	switch f.Kind {
	case schedule.LockRule:
		agent := ""
		if f.Thread != nil && tr.Threads[f.Thread.ID].Agent {
			agent = tr.Threads[f.Thread.ID].Name
		}
		return lockSplat(f, agent)
	case schedule.SleepInAtomic:
		return sleepSplat(tr), true
	case schedule.ListCorrupt:
		return listSplat(f)
	case schedule.DoubleKill, schedule.RefResurrect, schedule.RefUnderflow:
		return countSplat(f)
	case schedule.BugOn:
		if strings.HasPrefix(f.Note, "WARN_ON") {
			return "WARNING", true
		}
		return "kernel BUG", true
	case schedule.OutOfBounds:
		if f.Obj != nil && f.Obj.Kind() == "ZERO_SIZE_PTR" { // 16, which is in no page
			return "BUG: unable to handle kernel NULL pointer dereference", true
		}
		return "KASAN: " + memory(f.Obj) + "-out-of-bounds", true
	case schedule.UseAfterFree:
		return "KASAN: use-after-free", f.Obj == nil || !f.Obj.OnStack()
	case schedule.DoubleFree:
		return "KASAN: double-free", true
	case schedule.NullDereference:
		return "BUG: unable to handle kernel NULL pointer dereference", true
	}
	return "", false
}

// sleepSplat returns what might_sleep() says, or schedule() itself, which looks at preempt_count
// alone. (With interrupts off and nothing else it says nothing, and comes back with them on; that
// is not told apart here.) A reader of preemptible RCU is told by rcu_note_context_switch(): since
// 5b72f9643b52 (after 4.12), and in words after 5.12. With CONFIG_PREEMPT=n a reader has
// preemption off, and might_sleep() says first that he is one.
func sleepSplat(tr *schedule.Trace) string {
	reader, preemptible := inReader(tr)
	switch {
	case !inSchedule(tr) && reader && !preemptible:
		return "WARNING: suspicious RCU usage"
	case !inSchedule(tr):
		return "BUG: sleeping function called from invalid context"
	case reader && preemptible:
		return "Voluntary context switch within RCU read-side critical section"
	}
	return "BUG: scheduling while atomic"
}

// inSchedule reports whether it was schedule() that found the task atomic, and no call of
// might_sleep().
func inSchedule(tr *schedule.Trace) bool { return tr.Result.Failure.Note == "schedule" }

// inReader reports whether what keeps the task from sleeping is a section of RCU, and whether
// that is preemptible: else it is preempt_count that does, and no object.
func inReader(tr *schedule.Trace) (reader, preemptible bool) {
	f := &tr.Result.Failure
	ev := event(tr, f.Other)
	return ev != nil && ev.Verb == "rcu_read_lock", f.Obj != nil
}

// memory says what KASAN calls the memory that o is in.
func memory(o *schedule.Object) string {
	switch {
	case o == nil:
	case o.OnStack():
		return "stack"
	case o.IsGlobal():
		return "global"
	}
	return "slab"
}

// inWords says what is wrong where the kernel would say nothing.
func inWords(f *schedule.Failure) string {
	switch f.Kind {
	case schedule.LockRule:
		return strings.TrimSuffix("locking rule broken: "+f.Note, ": ")
	case schedule.ListCorrupt:
		return listPlain(f)
	case schedule.DoubleKill:
		return counter(f) + " killed twice"
	case schedule.RefResurrect:
		return counter(f) + " taken up from 0"
	case schedule.RefUnderflow:
		return counter(f) + " dropped too often"
	case schedule.DoubleRelease:
		return counter(f) + " released twice"
	case schedule.LateMunmap:
		return "mappings changed while they are walked"
	case schedule.CpumaskLost:
		return "CPU lost from mm_cpumask"
	case schedule.LostUpdate:
		return "lost update" + of(f)
	case schedule.StrayWrite:
		return "stray write" + strings.Replace(of(f), " of ", " to ", 1)
	case schedule.UseAfterFree:
		return "stack frame used after its function returned"
	case schedule.StaleTLB:
		return "stale TLB entry used"
	}
	return f.Kind.String() + of(f)
}

// where returns " in F" for the function of the failing step, or who took it
// if that is all that is known.
func where(tr *schedule.Trace) string {
	f := &tr.Result.Failure
	fn := failSite(tr)
	switch {
	case f.Kind == schedule.StaleTLB && inUserSpace(tr):
		return " in user space"
	case fn != "":
		return " in " + fn
	case f.Thread != nil:
		return " in task " + f.Thread.Name
	}
	return ""
}

// inUserSpace reports whether no function of the kernel is under way where a CPU translates an
// address and fails: what the model calls the access is no function then.
func inUserSpace(tr *schedule.Trace) bool {
	f := &tr.Result.Failure
	if f.Thread != nil && tr.Threads[f.Thread.ID].Agent {
		return false
	}
	ev := tr.Event(f.Party)
	return kernelFunc(tr.FailStack) == "" && (ev == nil || kernelFunc(ev.Stack) == "")
}

// lockSplats are the reports of lockdep, RCU and others, by words that the primitives use
// in their notes.
var lockSplats = []struct{ note, splat string }{
	{"an rcu_head that is queued", "ODEBUG: activate active rcu_head"},
	{"rcu", "WARNING: suspicious RCU usage"},
	{"grace period", "WARNING: suspicious RCU usage"},
	{"returns while holding", "WARNING: lock held when returning to user space"},
	{"takes a lock that it holds", "WARNING: possible recursive locking detected"},
	{"does not hold", "WARNING: bad unlock balance detected"},
	{"with interrupts off", "WARNING"},
	{"with preemption on", "BUG: using smp_processor_id() in preemptible code"},
}

// lockSplat tells these reports apart by what was being done. agent is the name of the agent
// that did it, if it was one. Agents do not return to user space: a kworker looks what the
// function of a work item leaves locked, with others it shows as something else, later.
func lockSplat(f *schedule.Failure, agent string) (string, bool) {
	if strings.HasPrefix(f.Note, "returns") && strings.HasPrefix(agent, "kworker") {
		return "BUG: workqueue leaked lock or atomic", true
	}
	for _, l := range lockSplats {
		if strings.Contains(f.Note, l.note) {
			return l.splat, agent == "" || !strings.Contains(l.splat, "user space")
		}
	}
	return "", false
}

// listSplat says which of the checks of CONFIG_DEBUG_LIST it was. There are none for an
// hlist, but one that was deleted has a poisoned link, and writing through it is a fault. Nor is
// there one for links that are NULL, before 0cc011c576aa (6.0, and later 5.15).
func listSplat(f *schedule.Failure) (string, bool) {
	hlist, gone := strings.HasPrefix(f.Op.Verb, "hlist"), strings.Contains(f.Note, "deleted")
	switch {
	case f.Op.Verb == "init_timer": // CONFIG_DEBUG_OBJECTS_TIMERS
		return "ODEBUG: init active", true
	case strings.HasPrefix(f.Note, "walks on"):
		return "general protection fault", true
	case hlist && gone:
		return "general protection fault", true
	case strings.Contains(f.Note, "never"):
		return "BUG: unable to handle kernel NULL pointer dereference", true
	case hlist || strings.Contains(f.Note, "another list") || f.Op.Verb == "list_replace_init":
		return "", false
	case strings.HasPrefix(f.Note, "adds before"):
		return "list_add corruption", true
	case !strings.Contains(f.Op.Verb, "add"):
		return "list_del corruption", true
	}
	return "list_add double add", strings.Contains(f.Note, "once more")
}

// listPlain says what nobody checks of lists.
func listPlain(f *schedule.Failure) string {
	switch {
	case strings.Contains(f.Note, "has taken"):
		return "list changed from which another has taken"
	case f.Op.Verb == "list_replace_init":
		return "list overwritten that is not empty"
	case strings.Contains(f.Op.Verb, "add"):
		return "node added that is on a list"
	}
	return "node deleted from a list that it is not on"
}

// countSplat says what is checked of the count that f is about. A refcount_t checks what is
// done to it, and a percpu_ref next to nothing. Of others there may be a check of what they
// count, which the note has.
func countSplat(f *schedule.Failure) (string, bool) {
	percpu := strings.HasPrefix(f.Op.Verb, "percpu_ref")
	switch {
	case f.Kind == schedule.DoubleKill && percpu:
		return "WARNING: percpu_ref_kill_and_confirm called more than once", true
	case f.Kind == schedule.RefUnderflow && strings.HasPrefix(f.Note, "BUG: "):
		return f.Note, true
	case f.Kind == schedule.RefUnderflow && strings.HasPrefix(f.Op.Verb, "percpu_ref:"):
		return "WARNING: percpu ref <= 0 after switching to atomic", true
	case !strings.HasPrefix(f.Op.Verb, "refcount"):
		return "", false
	case f.Kind == schedule.RefResurrect:
		return "refcount_t: addition on 0; use-after-free", true
	case f.Kind == schedule.RefUnderflow:
		return "refcount_t: underflow; use-after-free", true
	}
	return "", false
}

// counters are the sorts of reference counts, by the first words of what is
// done to them.
var counters = []struct{ verb, sort string }{
	{"percpu_ref", "percpu_ref"}, {"refcount", "refcount_t"}, {"kref", "kref"},
}

// counter returns the sort and the name of the count that failed: "percpu_ref
// ctx->users".
func counter(f *schedule.Failure) string {
	sort := "reference count"
	for _, c := range counters {
		if strings.HasPrefix(f.Op.Verb, c.verb) {
			sort = c.sort
			break
		}
	}
	return sort + strings.TrimPrefix(of(f), " of")
}

// of returns " of X" for what the failure is about: the field that the step
// touched if it belongs to the object concerned, else the object.
func of(f *schedule.Failure) string {
	switch c := f.Op.Cell; {
	case c != nil && c.Object() != nil && (f.Obj == nil || c.Object() == f.Obj):
		return " of " + class(c)
	case f.Obj != nil:
		return " of " + f.Obj.Kind()
	}
	return ""
}

// class returns the name of c without saying which of several objects of a kind
// it is in: "ctx->users" also for ctx2.
func class(c *schedule.Cell) string {
	o := c.Object()
	return o.Kind() + strings.TrimPrefix(c.Name(), o.Name())
}

func leakTitle(tr *schedule.Trace) string {
	f := &tr.Result.Failure
	if fn := kernelFunc(tr.AllocStack); fn != "" {
		return "memory leak in " + fn + " (allocated)"
	}
	return "memory leak" + of(f) + " (allocated before the first step)"
}

// hungTitle is of the first thread that is blocked, as the detectors report the first that
// they come to. Who spins keeps a CPU, who sleeps does not. The detector of soft lockups is a
// timer of the CPU itself; with interrupts off there, only the one by NMI can tell.
func hungTitle(tr *schedule.Trace) string {
	all := blockedThreads(tr)
	if len(all) == 0 {
		return "INFO: task hung"
	}
	b := all[0]
	switch spins := strings.Contains(b.verb, "spin_") || strings.HasPrefix(b.verb, "csd_lock"); {
	case !spins:
		return "INFO: task hung in " + b.fn
	case b.irqs:
		return "BUG: soft lockup in " + b.fn
	}
	return "Watchdog detected hard LOCKUP in " + b.fn
}
