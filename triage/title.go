package triage

import (
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Title names the failure that tr shows in the grammar of the kernel's
// sanitizers and debugging options, so that whoever has seen a splat knows what
// it says: "KASAN: use-after-free in lookup_ioctx". It is for people. It has no
// numbers in it, so that one bug has one title, but it decides nothing: see
// [Of] for that.
func Title(tr *schedule.Trace) string {
	r := &tr.Result
	switch {
	case r.Outcome == schedule.Invalid:
		return "invalid execution: " + r.Reason
	case r.Outcome != schedule.Fail:
		return "no failure"
	}
	f := &r.Failure
	in := where(tr)
	switch f.Kind {
	case schedule.LockRule:
		return lockTitle(f) + in
	case schedule.SleepInAtomic:
		return "BUG: sleeping function called from invalid context" + in
	case schedule.ListCorrupt:
		return listTitle(f) + in
	case schedule.DoubleKill:
		return "WARNING: " + counter(f) + " killed twice" + in
	case schedule.RefResurrect:
		return "refcount_t: addition on 0; use-after-free" + in
	case schedule.RefUnderflow:
		return "refcount_t: underflow; use-after-free" + in
	case schedule.DoubleRelease:
		return "WARNING: " + counter(f) + " released twice" + in
	case schedule.BugOn:
		return "kernel BUG" + in
	case schedule.LateMunmap:
		return "BUG: munmap while the mappings are walked" + in
	case schedule.CpumaskLost:
		return "CPU lost from mm_cpumask" + in
	case schedule.LostUpdate:
		return "lost update" + of(f) + in
	case schedule.OutOfBounds:
		return "KASAN: slab-out-of-bounds" + in
	case schedule.UseAfterFree:
		return "KASAN: use-after-free" + in
	case schedule.DoubleFree:
		return "KASAN: double-free" + in
	case schedule.StaleTLB:
		return "stale TLB entry used" + in
	case schedule.Leak:
		return leakTitle(tr)
	case schedule.Deadlock:
		return hungTitle(tr)
	}
	return f.Kind.String() + of(f) + in
}

// where returns " in F" for the function of the failing step, or who took it
// if that is all that is known.
func where(tr *schedule.Trace) string {
	f := &tr.Result.Failure
	fn := failSite(tr)
	switch {
	case fn != "":
		return " in " + fn
	case f.Thread != nil:
		return " in task " + f.Thread.Name
	}
	return ""
}

// lockTitle tells the reports of lockdep and RCU apart by what was being done.
// The words looked for are those that the primitives use; a note with none of
// them still gets a title.
func lockTitle(f *schedule.Failure) string {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(f.Note, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("rcu", "grace period"):
		return "WARNING: suspicious RCU usage"
	case has("returns while", "returns with"):
		return "WARNING: lock held when returning to user space"
	case has("takes a lock that it holds"):
		return "WARNING: possible recursive locking detected"
	case has("does not hold", "without"), strings.Contains(f.Op.Verb, "unlock"):
		return "WARNING: bad unlock balance detected"
	}
	return "WARNING: locking rule broken"
}

// listTitle says which of the two list checks it was.
func listTitle(f *schedule.Failure) string {
	if strings.Contains(f.Op.Verb, "add") {
		return "list_add corruption"
	}
	return "list_del corruption"
}

// counters are the sorts of reference counts, by the first words of what is
// done to them.
var counters = []string{"percpu_ref", "refcount", "kref"}

// counter returns the sort and the name of the count that failed: "percpu_ref
// ctx->users".
func counter(f *schedule.Failure) string {
	sort := "reference count"
	for _, c := range counters {
		if strings.HasPrefix(f.Op.Verb, c) {
			sort = c
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

// hungTitle is of the first thread that is blocked, as the hung task detector
// reports the first that it comes to.
func hungTitle(tr *schedule.Trace) string {
	for _, b := range blockedThreads(tr) {
		return "INFO: task " + tr.Threads[b.thread].Plain() + " blocked for ever in " + b.fn
	}
	return "INFO: task blocked for ever"
}
