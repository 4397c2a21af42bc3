// Package pthread has the operations of threads of a process, for programs that are no
// models of a kernel: the benchmarks of the literature were written with them.
//
// A [Thread] is created and joined by another; a [Mutex] and a [Cond] are those of POSIX;
// an [Int] is a shared variable, accessed plainly or as an atomic; a [Ptr] is a shared
// pointer to something that [Free] may have freed.
//
// Steps: every operation is one, but Cond.Wait, which is two, and allocating, which is
// none. A thread takes no step for its start or its end: the first step of one that has
// not been created yet is blocked, and its last step lets whoever joins it go on. All
// threads are there from the beginning of the execution, which is the same to them as
// being created in the middle of it.
//
// Misuse: unlocking a mutex, or waiting with one, that one does not hold is
// [schedule.LockRule]. Taking a mutex that one holds blocks for ever, and finishing with
// one held is allowed, as for the default mutex of POSIX.
//
// Not modelled: wake-ups without a reason, timeouts, cancelling, attributes,
// pthread_mutex_trylock(), reader-writer locks, and memory weaker than sequentially
// consistent. Which of several waiters a signal wakes is a choice of the schedule.
//
// To read the code: thread.go first, since every operation goes through its await.
package pthread
