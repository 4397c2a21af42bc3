// Package lockdep keeps what each thread holds: locks and read-side critical
// sections, in the order in which it took them (include/linux/lockdep.h).
//
// The primitives report to it; models have no need to. It is a failure
// ([schedule.LockRule]) to take what one holds already, to release what one
// does not hold, and to finish while holding anything.
//
// The order of locks: if somebody asks ([Order]), it also keeps which locks are taken while
// which are held, and whether interrupts and softirqs are on, in all executions that are run, as
// CONFIG_PROVE_LOCKING does from boot on. From that alone it finds that threads could deadlock,
// though no execution has; as in the kernel, also where a third lock that both hold, or that the
// two never run at once, keeps them from it. See [Order.Reports]. A report is no failure of an
// execution.
//
// It speaks of classes of locks, as the kernel does: the place of a lock in a struct, such as
// inode->i_lock, whatever the instance. The elements of an array are one class, and each
// global variable that is a lock is one. The rules are those of kernel/locking/lockdep.c
// (check_prevs_add(), mark_usage()) in 5.10:
//
//   - Whoever goes for B, and would wait for it, while A is held makes the dependency A -> B.
//     A is the lock taken last, since those before lead to that one already. What a handler
//     takes does not depend on what is held by the task that it has interrupted.
//   - A trylock makes no dependency to what it takes. It may be A in the next, and then so is
//     what was taken before.
//   - down_read() waits behind a writer who waits, so it makes the same dependencies as
//     down_write(). (The kernel leaves out paths that go to a lock by a recursive reader and
//     on from it by a reader. No lock here has recursive readers, as rwlock_t has; those of a
//     sequence are, but hold it for a moment, and so no path goes on from there.)
//   - A read-side section of RCU is no lock of the order.
//   - A work item is one, which is held while its function is called, and which flush_work() and
//     cancel_work_sync() take for a moment before they wait, whether or not there is anything to
//     wait for (process_one_work() and __flush_work() in 6.5; in 4.16.13, 4.17 and 4.18 neither
//     takes anything, in 4.19 to 5.17 who cancels does not, and in 6.13 who has nothing to wait for).
//   - The sequence of a seqlock_t is one, taken by writers after their lock, and by
//     read_seqbegin() for a moment and with interrupts off (since 3.13. Up to 5.9 the kernel
//     does not keep what such a reader depends on, and sees a cycle if he comes last).
//   - A class is used in hardirq, or in softirq, if a handler of such takes it, waiting for it if
//     need be. It is used with hardirqs enabled if it is taken, by a trylock too, or held while
//     interrupts are on; with softirqs enabled if these are on as well. Callbacks of RCU are
//     called in softirq.
//
// Another lock of a class that one holds already is reported by the kernel, unless the code
// says that it is meant: mutex_lock_nested(). Models do not say it, so here it is taken to be
// meant. The second is of a class of its own, A/1, as with the annotation, and so A -> A/1,
// whichever of the two locks it is. The same lock twice is reported, and so is a work item whose
// function waits for another of its class, for which there is no annotation.
//
// Not modelled: locks of one place that have classes of their own, by lockdep_set_class(), or
// since each is initialized at compile time (assign_lock_key(): the elements of a global array
// are), or by several calls of spin_lock_init(); what else takes part in the kernel's order, such
// as timers that are deleted, and workqueues, which who flushes one takes, or an item of one that
// runs them one after the other; and the locks inside of wait queues and completions, under which
// nothing is taken, and which are taken with interrupts off. (Who waits for a completion takes
// nothing, in 4.15 and later.)
package lockdep

import "github.com/kschedfuzz/kschedfuzz/schedule"

// maxHeld is the most a thread may hold at a time. No model needs half of it.
const maxHeld = 16

// How says how a lock is taken. The zero value is by one who waits until nobody else has it.
type How uint8

// What else there is.
const (
	Read      How = 1 << iota // together with others who only read
	Try                       // without waiting
	IrqsOff                   // the step that takes it turns interrupts off
	BhOff                     // the step that takes it turns softirqs off
	Unchecked                 // it is no lock of the order
	Seqcount                  // it is a sequence number, not the lock of its writers
	work                      // it is a work item
)

// A Held is one thing that a thread holds.
type Held struct {
	Cell *schedule.Cell // the lock
	Verb string         // how it was taken, "spin_lock"
	At   schedule.Party // the step that took it

	how   How
	class class // 0: nobody asks
}

// The list of a thread is a function of what the thread has done, so it is no
// part of the state and needs no cells.
type state struct {
	held    [schedule.MaxThreads][maxHeld]Held
	n       [schedule.MaxThreads]int
	hardirq [schedule.MaxThreads]bool // it handles an interrupt
	softirq [schedule.MaxThreads]bool // it handles a softirq
	bhOff   [schedule.MaxThreads]bool // it has softirqs off
	asked   *part                     // what is kept for an Order; nil: nobody asks
}

var facility = schedule.NewFacility[state]()

func (s *state) Reset(e *schedule.Exec) {
	clear(s.n[:e.Width()])
	clear(s.hardirq[:e.Width()])
	clear(s.softirq[:e.Width()])
	clear(s.bhOff[:e.Width()])
	s.asked = nil // of one runner some executions may be watched, and others not
	e.AtExit(checkExit)
}

// Acquire says that t goes for c: lock_acquire(). To be called before the step that may wait.
// It fails if t holds c already and would wait for itself, which a reader does not.
func Acquire(t *schedule.Thread, c *schedule.Cell, how How) {
	s := facility.Of(t.Exec())
	h := s.find(t, c)
	if h != nil && how&Read == 0 {
		t.Fail(schedule.LockRule, c.Object(), h.At, "takes a lock that it holds")
	}
	if s.asked != nil {
		s.asked.acquire(t, s, c, how, next(t))
	}
}

// Acquired records that the current step of t has taken c: lock_acquired().
func Acquired(t *schedule.Thread, c *schedule.Cell, verb string, how How) {
	s := facility.Of(t.Exec())
	n := s.n[t.ID]
	if n == maxHeld {
		panic("lockdep: " + t.Name + " holds too much to keep a list of")
	}
	h := &s.held[t.ID][n]
	*h = Held{Cell: c, Verb: verb, At: t.Now(), how: how}
	if s.asked != nil && how&Unchecked == 0 {
		s.asked.acquired(t, s, h)
	}
	s.n[t.ID]++
}

// Release records that the current step of t gives c back. The last taken goes
// first.
func Release(t *schedule.Thread, c *schedule.Cell) {
	s := facility.Of(t.Exec())
	held := s.held[t.ID][:s.n[t.ID]]
	for i := len(held) - 1; i >= 0; i-- {
		if held[i].Cell == c {
			copy(held[i:], held[i+1:])
			s.n[t.ID]--
			return
		}
	}
	t.Fail(schedule.LockRule, c.Object(), schedule.Party{}, "releases what it does not hold")
}

// HardirqEnter says that t begins to handle an interrupt: lockdep_hardirq_enter().
func HardirqEnter(t *schedule.Thread) { facility.Of(t.Exec()).hardirq[t.ID] = true }

// HardirqExit says that t has handled an interrupt: lockdep_hardirq_exit().
func HardirqExit(t *schedule.Thread) { facility.Of(t.Exec()).hardirq[t.ID] = false }

// SoftirqEnter says that t begins to handle a softirq: lockdep_softirq_enter(). Softirqs are off
// then.
func SoftirqEnter(t *schedule.Thread) { facility.Of(t.Exec()).softirq[t.ID] = true }

// SoftirqExit says that t has handled a softirq: lockdep_softirq_exit().
func SoftirqExit(t *schedule.Thread) { facility.Of(t.Exec()).softirq[t.ID] = false }

// HardirqsOn says that the current step of t turns interrupts on, whatever it holds:
// lockdep_hardirqs_on().
func HardirqsOn(t *schedule.Thread) {
	if s := facility.Of(t.Exec()); s.asked != nil {
		s.asked.enabled(t, s)
	}
}

// SoftirqsOff says that the current step of t turns softirqs off: lockdep_softirqs_off().
func SoftirqsOff(t *schedule.Thread) { facility.Of(t.Exec()).bhOff[t.ID] = true }

// SoftirqsOn says that the current step of t turns softirqs on, whatever it holds:
// lockdep_softirqs_on().
func SoftirqsOn(t *schedule.Thread) {
	s := facility.Of(t.Exec())
	s.bhOff[t.ID] = false
	if s.asked != nil {
		s.asked.enabled(t, s)
	}
}

// Holds reports whether t holds c.
func Holds(t *schedule.Thread, c *schedule.Cell) bool {
	return facility.Of(t.Exec()).find(t, c) != nil
}

func (s *state) find(t *schedule.Thread, c *schedule.Cell) *Held {
	for i := s.n[t.ID] - 1; i >= 0; i-- {
		if h := &s.held[t.ID][i]; h.Cell == c {
			return h
		}
	}
	return nil
}

// All returns what t holds, the oldest first. The slice is lockdep's own.
func All(t *schedule.Thread) []Held { return facility.Of(t.Exec()).all(t) }

func (s *state) all(t *schedule.Thread) []Held { return s.held[t.ID][:s.n[t.ID]] }

func checkExit(t *schedule.Thread) {
	if held := All(t); len(held) > 0 {
		h := held[len(held)-1]
		t.Fail(schedule.LockRule, h.Cell.Object(), h.At, "returns while holding it")
	}
}
