package wait

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// WakeUp is wake_up(): all that do not wait exclusively, and one that does.
func (q *Queue) WakeUp(t *schedule.Thread) {
	q.wake(t, "wake_up", "wake_up (tail)", TaskNormal, 1)
}

// WakeUpNr is wake_up_nr(): WakeUp for nr that wait exclusively.
func (q *Queue) WakeUpNr(t *schedule.Thread, nr int) {
	q.wake(t, "wake_up_nr", "wake_up_nr (tail)", TaskNormal, nr)
}

// WakeUpAll is wake_up_all().
func (q *Queue) WakeUpAll(t *schedule.Thread) {
	q.wake(t, "wake_up_all", "wake_up_all (tail)", TaskNormal, 0)
}

// WakeUpInterruptible is wake_up_interruptible(): WakeUp of those in TASK_INTERRUPTIBLE.
func (q *Queue) WakeUpInterruptible(t *schedule.Thread) {
	q.wake(t, "wake_up_interruptible", "wake_up_interruptible (tail)", TaskInterruptible, 1)
}

func (q *Queue) wake(t *schedule.Thread, verb, tail string, mode State, nr int) {
	t.Await(schedule.Op{Verb: verb, Cell: &q.waiters, Mode: schedule.RMWFull}, q)
	q.end(t, tail, q.wakeCommon(t, mode, nr))
}

// wakeCommon is __wake_up_common(), as a part of a step. It returns who has been woken. With
// nr 0 it is everybody. The order of those that do not wait exclusively does not matter.
func (q *Queue) wakeCommon(t *schedule.Thread, mode State, nr int) (woken uint64) {
	s := facility.Of(t.Exec())
	for i, set := 0, q.waiters.Value()&^q.tail.all(); set != 0; i, set = i+1, set>>1 {
		if set&1 != 0 && s.wakeEntry(t, i, mode) {
			woken |= 1 << i
		}
	}
	for o := q.tail.cell.Value(); o != 0; o >>= digit {
		if i := first(o); s.wakeEntry(t, i, mode) {
			woken |= 1 << i
			if nr--; nr == 0 {
				break
			}
		}
	}
	q.remove(woken &^ q.kept.Value())
	return woken
}

// wakeEntry is the wake function of an entry on the stack of a thread. If that has finished, and
// not left the queue, there is no such stack any more.
func (s *tasks) wakeEntry(t *schedule.Thread, id int, mode State) bool {
	if t.Exec().Threads()[id].Finished() {
		t.Fail(schedule.UseAfterFree, &s.Object, schedule.Party{},
			"the entry is on the stack of a thread that has finished")
	}
	return s.wake(id, mode)
}

// end is the spin_unlock_irqrestore() at the end of a wake-up, when those who have been
// woken may run already, or the tail of that.
func (q *Queue) end(t *schedule.Thread, verb string, woken uint64) {
	tail := spin.Tail(t.Exec())
	if woken == 0 && !tail || q.lock.Object().Static() {
		return
	}
	t.Observe(woken)
	if !tail {
		q.lock.Set(1)
	}
	t.CPU().DisableIrqs() // in the kernel before the first step, which comes to the same
	preempt.Disable(t)
	t.Step(schedule.Op{Verb: verb, Cell: &q.lock, Mode: schedule.UnlockOp})
	q.lock.Set(0)
	preempt.IrqEnable(t)
}

// An order is who waits exclusively: the thread numbers from the first that came on, each one
// more than it is, in digits of so many bits.
type order struct{ cell schedule.Cell }

const (
	digit    = 5
	maxOrder = 64 / digit
)

// first returns the first of an order that is not empty.
func first(o uint64) int { return int(o&(1<<digit-1)) - 1 }

func (o *order) push(t *schedule.Thread) {
	v, n := o.cell.Value(), 0
	for v>>n != 0 {
		n += digit
	}
	if n == maxOrder*digit {
		panic(fmt.Sprintf("wait: more than %d wait exclusively", maxOrder))
	}
	o.cell.Set(v | uint64(t.ID+1)<<n)
}

// drop takes threads off, if they are in it.
func (o *order) drop(threads uint64) {
	v, left, n := o.cell.Value(), uint64(0), 0
	for ; v != 0; v >>= digit {
		if i := first(v); threads>>i&1 == 0 {
			left |= uint64(i+1) << n
			n += digit
		}
	}
	o.cell.Set(left)
}

// all returns them as a set.
func (o *order) all() (set uint64) {
	for v := o.cell.Value(); v != 0; v >>= digit {
		set |= 1 << first(v)
	}
	return set
}
