package schedule

// Kind says what sort of failure ended an execution. Kinds are ordered from
// cause to symptom: of several failures with one cause, the lowest names the
// bug.
type Kind uint8

// The kinds, each with what in a kernel would report it.
const (
	NoFailure       Kind = iota
	LockRule             // a lock or read-side section misused or left unbalanced (lockdep, suspicious RCU usage)
	SleepInAtomic        // may sleep while preemption or interrupts are off, or in an RCU reader (might_sleep)
	ListCorrupt          // removing what is not on a list, adding what is (CONFIG_DEBUG_LIST)
	DoubleKill           // a reference count killed twice (WARN, of a percpu_ref)
	RefResurrect         // a count that was 0 taken up again (refcount_t: addition on 0; others do not check)
	RefUnderflow         // a count below 0 (refcount_t: underflow; others do not check)
	DoubleRelease        // the release function of a count entered twice (no kernel check)
	BugOn                // an assertion of the code itself (BUG)
	LateMunmap           // mappings changed while they are walked without a lock (no kernel check)
	CpumaskLost          // a CPU that runs an mm is not in its mm_cpumask (no kernel checks it)
	LostUpdate           // an operation's promise does not hold afterwards
	StrayWrite           // a store to memory that its writer may not change (no kernel check)
	OutOfBounds          // an index at or above the allocated length (KASAN)
	UseAfterFree         // a step on an object that has been freed (KASAN)
	DoubleFree           // freeing what is already free (KASAN)
	StaleTLB             // a CPU translates an address to a page that has been freed (silent corruption)
	NullDereference      // an access through a pointer that is NULL (oops)
	Leak                 // at the end nothing refers to an object that was not freed (kmemleak)
	Deadlock             // nobody can go on, somebody has not finished (hung task)
	numKinds
)

var kindNames = [numKinds]string{
	"no failure", "lock-rule", "sleep-in-atomic", "list-corruption", "double-kill",
	"refcount-resurrect", "refcount-underflow", "double-release", "kernel-bug", "late-munmap",
	"cpumask-lost", "lost-update", "stray-write", "out-of-bounds", "use-after-free", "double-free",
	"stale-tlb", "null-dereference", "memory-leak", "deadlock",
}

// String returns the name used in signatures and titles, such as
// "use-after-free".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown kind"
}

// ParseKind returns the kind whose String is name.
func ParseKind(name string) (Kind, bool) {
	for k := LockRule; k < numKinds; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return NoFailure, false
}

// Kinds is a set of kinds.
type Kinds uint32

// KindSet returns the set of the given kinds.
func KindSet(kinds ...Kind) Kinds {
	var s Kinds
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Warnings are the kinds of which a kernel may warn and go on: those of [Thread.Warn], which
// [Runner.Mute] silences. A thread does not go on after any other.
var Warnings = KindSet(LockRule, SleepInAtomic, DoubleKill, RefResurrect, RefUnderflow,
	DoubleRelease, BugOn, LateMunmap, CpumaskLost)

// Has reports whether k is in the set.
func (s Kinds) Has(k Kind) bool { return s>>k&1 != 0 }

// All returns the kinds of the set, from cause to symptom.
func (s Kinds) All() []Kind {
	var out []Kind
	for k := LockRule; k < numKinds; k++ {
		if s.Has(k) {
			out = append(out, k)
		}
	}
	return out
}

// Names returns the names of the kinds of the set, from cause to symptom; nil if it is empty.
func (s Kinds) Names() []string {
	var out []string
	for _, k := range s.All() {
		out = append(out, k.String())
	}
	return out
}

// A Party is a step of an execution as a failure refers to it: who, and when.
// The zero value is nobody.
type Party struct {
	Thread *Thread
	Step   int // number of the step, from 1
}

// A Failure is why an execution failed. It holds no text: the names are made
// from a [Trace].
type Failure struct {
	Kind Kind
	// The step at which it showed. Thread is nil for what shows at the end (Leak); of a
	// Deadlock it is the first thread that can never go on, and Step the last of all.
	Party
	Op    Op      // what that step was doing
	Obj   *Object // the object concerned, or nil
	Other Party   // the step that made it one: the free, the first release, the lock taken
	Note  string  // a constant that says more, such as "sleeps while holding ctx_lock"; or empty
}
