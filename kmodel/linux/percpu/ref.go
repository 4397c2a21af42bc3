// Package percpu is struct percpu_ref (include/linux/percpu-refcount.h,
// lib/percpu-refcount.c), and the plain count for each CPU, an [Int].
//
// A percpu_ref counts per CPU, without shared writes, until it is killed. Kill
// marks it, and only after a grace period of RCU-sched, when every operation that could
// have seen the per-CPU mode is over, are the per-CPU counts summed into the shared one
// (the switch). Until then the shared count is held up by a bias, so it cannot reach 0
// before. How Kill does that, and who drops the initial reference, depends on the
// [Version].
//
// Steps: Get, TryGet, TryGetLive and Put two each, reading the mode and updating
// the count, in one section of RCU-sched; the release function, if the count falls
// to 0, runs within that section. Kill nine: four for the two plain |= of a flag,
// one for call_rcu_sched(), and those of Get and Put; of V311 three, of V49 and V54 eleven.
// The switch two and a Put, in the softirq. Those of an Int one each, so whoever sums it up
// takes as many as there are CPUs.
//
// Misuse: a Get of a count that is 0 ([schedule.RefResurrect]: the kernel does not
// check, it goes on), a count below 0 ([schedule.RefUnderflow]), a release entered
// twice ([schedule.DoubleRelease]), killing twice ([schedule.DoubleKill]). All four
// can be muted; the operation then goes on as the kernel's does.
//
// Not modelled: switching back to per-CPU mode, percpu_ref_reinit(), confirmation
// callbacks, percpu_ref_exit(); that since 4.9 a second kill waits for the switch of the first;
// and that up to 3.14 a per-CPU count is changed by __this_cpu_inc() (0c36b390a546, 3.15), which
// undoes what an interrupt of the CPU does to it meanwhile, on a machine where that is more than
// one instruction, as it is not on x86. TryGet and TryGetLive are those of 3.16 and later: before,
// percpu_ref_tryget() is what TryGetLive is. Since 5.6 or so the sections are rcu_read_lock(),
// which is the same in the RCU of those years.
package percpu

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Version is from when a percpu_ref is.
type Version int

const (
	// V318 is 3.18 to 4.8: Kill marks the count dead, then atomic, and has the switch hold a
	// reference. What it drops itself may be the last, if the switch is over by then.
	V318 Version = iota
	// V311 is 3.11 to 3.17: Kill marks the count dead, which is atomic too. The initial
	// reference is dropped by the switch, which up to 3.13 does not look what the count is then.
	V311
	// V49 is 4.9 to 4.20: V318 under percpu_ref_switch_lock, with interrupts off. So the switch
	// is over only after Kill has dropped the initial reference.
	V49
	// V54 is V49 with call_rcu(), as 5.4 has it. RCU has only one flavour since 4.20.
	V54
)

// Bits of the mode.
const (
	atomicMode = 1 << iota // __PERCPU_REF_ATOMIC
	dead                   // __PERCPU_REF_DEAD
)

// bias is PERCPU_COUNT_BIAS. The kernel's is the top bit of the word; any that no
// count can reach will do. The tag of the count has it too, for traces.
const bias = 1 << 40

// A Ref is a struct percpu_ref.
type Ref struct {
	count schedule.Cell `bias:"40"` // shared, biased until the switch
	// percpu is the sum of the per-CPU counts. One cell stands for all of them:
	// only their sum is ever read, and updates of different CPUs commute.
	percpu  schedule.Cell
	mode    schedule.Cell `flags:"atomic,dead"`
	ended   schedule.Cell // how often release was entered
	rcu     rcu.Head
	release func(t *schedule.Thread)
	version Version
	first   schedule.Party // the step that entered release first
	killed  schedule.Party // the step that killed it first
}

// switchLock is percpu_ref_switch_lock. Its cell has no name but the object's.
type switchLock struct {
	schedule.Object
	spinlock
	bound bool
}

// spinlock: embedded as spin.Lock, the field would hide the method.
type spinlock = spin.Lock

var facility = schedule.NewFacility[switchLock]()

func (s *switchLock) Reset(e *schedule.Exec) {
	if !s.bound {
		s.bound = true
		s.Bind(s, "percpu_ref_switch_lock")
	}
	facility.Static(e, &s.Object)
}

// Ctor sets the release function. It belongs in the constructor of the object.
func (r *Ref) Ctor(v Version, release func(t *schedule.Thread)) {
	r.version, r.release = v, release
	r.percpu.SetPrivate() // it is summed when all have gone through a barrier
	r.rcu.Init(r.percpuRefSwitchToAtomicRcu)
}

// Init is percpu_ref_init(): the count is 1, which Kill drops. It is no step:
// nobody else can see the object yet.
func (r *Ref) Init() {
	if r.release == nil {
		panic("percpu: " + r.count.Name() + " is initialized before its Ctor")
	}
	r.count.Set(bias + 1)
	r.first, r.killed = schedule.Party{}, schedule.Party{}
}

// InitGet is a Get while nobody else can see the object: no step.
func (r *Ref) InitGet() { r.percpu.Set(r.percpu.Value() + 1) }

// readMode is the first step of an operation. The section of RCU-sched that it
// begins is ended by the operation.
func (r *Ref) readMode(t *schedule.Thread, verb string) uint64 {
	t.Step(schedule.Op{Verb: verb, Cell: &r.mode, Mode: schedule.ReadOnce})
	rcu.ReadLockSched(t)
	return t.Observe(t.Load(&r.mode))
}

// update is the second step: it adds n in per-CPU mode and says that it did. Else what it does
// to the shared count is ordered as m says.
func (r *Ref) update(t *schedule.Thread, verb string, mode uint64, n int64, m schedule.Mode) bool {
	c := &r.count
	if mode == 0 {
		c, m = &r.percpu, schedule.PlainRead|schedule.PlainWrite
	}
	t.Step(schedule.Op{Verb: verb, Cell: c, Mode: m})
	if mode == 0 {
		c.Set(c.Value() + uint64(n))
	}
	return mode == 0
}

// Get is percpu_ref_get(): it never fails and never looks whether the count is 0.
func (r *Ref) Get(t *schedule.Thread) {
	mode := r.readMode(t, "percpu_ref_get: mode")
	if !r.update(t, "percpu_ref_get", mode, +1, schedule.RMW) {
		if r.count.Value() == 0 {
			t.Warn(schedule.RefResurrect, r.count.Object(), r.first, "takes a count of 0 to 1")
		}
		r.count.Set(r.count.Value() + 1)
	}
	rcu.ReadUnlockSched(t)
}

// TryGet is percpu_ref_tryget(): it fails if the count is 0.
func (r *Ref) TryGet(t *schedule.Thread) bool {
	mode := r.readMode(t, "percpu_ref_tryget: mode")
	return r.tryAtomic(t, "percpu_ref_tryget", mode)
}

// TryGetLive is percpu_ref_tryget_live(): it fails if the reference has been
// killed.
func (r *Ref) TryGetLive(t *schedule.Thread) bool {
	mode := r.readMode(t, "percpu_ref_tryget_live: mode")
	if mode&dead != 0 {
		rcu.ReadUnlockSched(t)
		return false
	}
	return r.tryAtomic(t, "percpu_ref_tryget_live", mode)
}

func (r *Ref) tryAtomic(t *schedule.Thread, verb string, mode uint64) bool {
	ok := r.update(t, verb, mode, +1, schedule.RMWFull)
	if !ok && r.count.Value() != 0 {
		r.count.Set(r.count.Value() + 1)
		ok = true
	}
	t.ObserveBool(ok)
	rcu.ReadUnlockSched(t)
	return ok
}

// Put is percpu_ref_put(). If the count falls to 0 the release function runs, in
// this thread and within the section of RCU-sched.
func (r *Ref) Put(t *schedule.Thread) {
	mode := r.readMode(t, "percpu_ref_put: mode")
	if !r.update(t, "percpu_ref_put", mode, -1, schedule.RMWFull) {
		r.putAtomic(t)
	}
	rcu.ReadUnlockSched(t)
}

// putAtomic drops one from the shared count, in the current step.
func (r *Ref) putAtomic(t *schedule.Thread) {
	v := int64(r.count.Value()) - 1
	r.count.Set(uint64(v))
	if v < 0 {
		t.Warn(schedule.RefUnderflow, r.count.Object(), r.first, "drops a count that is 0")
	}
	if !t.ObserveBool(v == 0) {
		return
	}
	if n := r.ended.Value(); n > 0 {
		t.Warn(schedule.DoubleRelease, r.count.Object(), r.first, "enters the release function again")
	} else {
		r.first = t.Now()
	}
	r.ended.Set(r.ended.Value() + 1)
	r.release(t)
}

// Kill is percpu_ref_kill(): it drops the initial reference, or has the switch do so, and
// has the count switch to atomic mode.
func (r *Ref) Kill(t *schedule.Thread) {
	switch r.version {
	case V311:
		r.markDead(t)
		rcu.CallSched(t, &r.rcu)
	case V318:
		r.kill(t)
	default:
		s := facility.Of(t.Exec())
		s.LockIrq(t)
		r.kill(t)
		s.UnlockIrq(t)
	}
}

func (r *Ref) kill(t *schedule.Thread) {
	r.markDead(t)
	if mode := r.readKill(t); mode&atomicMode == 0 {
		r.storeKill(t, mode|atomicMode)
		r.Get(t)
		if r.version == V54 {
			rcu.Call(t, &r.rcu)
		} else {
			rcu.CallSched(t, &r.rcu)
		}
	}
	r.Put(t)
}

func (r *Ref) markDead(t *schedule.Thread) {
	mode := r.readKill(t)
	if mode&dead != 0 {
		t.Warn(schedule.DoubleKill, r.mode.Object(), r.killed, "kills it again")
	} else {
		r.killed = t.Now()
	}
	r.storeKill(t, mode|dead)
}

// readKill and storeKill are the two halves of a plain mode |= flag.
func (r *Ref) readKill(t *schedule.Thread) uint64 {
	t.Step(schedule.Op{Verb: "percpu_ref_kill: read mode", Cell: &r.mode, Mode: schedule.PlainRead})
	return t.Observe(t.Load(&r.mode))
}

func (r *Ref) storeKill(t *schedule.Thread, mode uint64) {
	t.Step(schedule.Op{Verb: "percpu_ref_kill", Cell: &r.mode, Mode: schedule.PlainWrite})
	t.Store(&r.mode, mode)
}

// percpuRefSwitchToAtomicRcu is percpu_ref_switch_to_atomic_rcu(): it sums the
// per-CPU counts, which nobody changes any more, and takes the bias off. Only from
// here on can the count reach 0.
func (r *Ref) percpuRefSwitchToAtomicRcu(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "percpu_ref: add per-CPU counts", Cell: &r.count, Mode: schedule.RMW})
	r.count.Set(r.count.Value() + r.percpu.Value() - bias)
	if int64(r.count.Value()) <= 0 {
		t.Warn(schedule.RefUnderflow, r.count.Object(), r.killed, "is not above 0 after the switch")
	}
	r.Put(t)
}

// Mode returns 0 in per-CPU mode, without a step, for fingerprints.
func (r *Ref) Mode() int { return int(r.mode.Value()) }

// Count returns what the count amounts to, without a step, for fingerprints: before the
// switch the shared part without its bias and the per-CPU part together, then the shared
// part, which the other has been added to.
func (r *Ref) Count() int {
	n := int64(r.count.Value())
	if n > bias/2 {
		n += int64(r.percpu.Value()) - bias
	}
	return int(n)
}

// Released reports whether the count has reached 0, without a step.
func (r *Ref) Released() bool { return r.ended.Value() > 0 }
