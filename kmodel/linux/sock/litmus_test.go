package sock_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/sock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type vars struct {
	schedule.Object
	lock sock.Lock
	spin spin.Lock
	x    mem.Int
}

// object has a lock in it.
type object struct {
	schedule.Object
	lock sock.Lock
	refs mem.Int
}

// build makes a program of threads with one body.
func build(threads int, bad func(v *vars) bool,
	body func(v *vars, t *schedule.Thread)) func(*litmus.Program) {
	return func(p *litmus.Program) {
		v := litmus.Static[vars](p, "v")
		for _, name := range []string{"P0", "P1"}[:threads] {
			p.Thread(name, func(t *schedule.Thread) { body(v, t) })
		}
		p.Exists(func() bool { return bad != nil && bad(v) })
	}
}

func inc(v *vars, t *schedule.Thread) { v.x.Write(t, v.x.Read(t)+1) }

// freed makes a program of two threads, each of which drops a reference under the lock of the
// object, the last of whom frees it; or the first, while he has the lock.
func freed(held bool) func(*litmus.Program) {
	return func(p *litmus.Program) {
		cache := slab.NewCache[object]("obj", nil)
		var o *object
		p.Begin(func(e *schedule.Exec) {
			o = cache.AllocBoot(e)
			o.refs.Init(2)
		})
		for _, name := range []string{"P0", "P1"} {
			p.Thread(name, func(t *schedule.Thread) {
				o.lock.LockSock(t)
				left := o.refs.Read(t) - 1
				if held {
					slab.Free(t, "kfree", o)
				}
				o.refs.Write(t, left)
				o.lock.ReleaseSock(t)
				if left == 0 {
					slab.Free(t, "kfree", o)
				}
			})
		}
	}
}

var litmusTests = []litmus.Test{{
	// One owner at a time.
	Name: "INC+lock_sock", Build: build(2, func(v *vars) bool { return v.x.Peek() != 2 },
		func(v *vars, t *schedule.Thread) {
			t.Step(schedule.Op{Verb: "nop"})
			v.lock.LockSock(t)
			inc(v, t)
			v.lock.ReleaseSock(t)
		}),
	Verdict: litmus.Never, Counts: "12 pass",
}, {
	// After the release its memory is not touched.
	Name: "LIFETIME", Build: freed(false),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "2 pass",
}}

var misuseTests = []litmus.Test{{
	Name: "LOCK+lock", Build: build(1, nil, func(v *vars, t *schedule.Thread) {
		v.lock.LockSock(t)
		v.lock.LockSock(t)
	}),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	Name: "RELEASE", Build: build(1, nil, func(v *vars, t *schedule.Thread) { v.lock.ReleaseSock(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	Name: "LOCK+exit", Build: build(1, nil, func(v *vars, t *schedule.Thread) { v.lock.LockSock(t) }),
	Bad: schedule.LockRule, Verdict: litmus.Always, Counts: "1 lock-rule",
}, {
	Name: "LOCK+atomic", Build: build(1, nil, func(v *vars, t *schedule.Thread) {
		v.spin.Lock(t)
		v.lock.LockSock(t)
	}),
	Bad: schedule.SleepInAtomic, Verdict: litmus.Always, Counts: "1 sleep-in-atomic",
}, {
	// Who waits for it finds out, and so does who has freed it.
	Name: "LOCK+free-held", Build: freed(true),
	Bad: schedule.UseAfterFree, Verdict: litmus.Always, Counts: "4 use-after-free",
}}

// TestLocks runs the table.
func TestLocks(t *testing.T) { litmus.Run(t, litmusTests) }

// TestMisuse runs the table of what the package comment forbids.
func TestMisuse(t *testing.T) { litmus.Run(t, misuseTests) }

func TestContract(t *testing.T) { litmus.Contract(t, litmusTests, misuseTests) }
