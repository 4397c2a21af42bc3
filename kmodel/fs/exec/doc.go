// Package exec is two stories of fs/exec.c that have nothing to do with each other.
//
// # A new mm for a kernel thread
//
// call_usermodehelper() makes a process out of a kernel thread, which so far has had no mm
// and has borrowed that of whoever ran before it on its CPU: its active_mm, on which it
// holds an mm_count. exec_mmap() gives it an mm of its own, and drops the borrowed one. Who
// borrows what is otherwise the scheduler's business: context_switch() takes the active_mm
// away from a kernel thread that it switches from, drops it, and gives the thread another
// when it comes back. If it does that after exec_mmap() has read active_mm, then what
// exec_mmap() drops has been dropped, and what it overwrites is never dropped.
//
// d53c3dfb23c4 (5.10) reads and replaces active_mm with interrupts off. Before, it was
// done under task_lock() alone. That is a spin lock, and keeps the scheduler away as well,
// which the message of the commit does not say; but with PREEMPT_RT it is a lock that
// sleeps and keeps nobody away. So the variants that fail are those called rt. A report
// from there, "Kernel crash due to memory corruption with v5.4.26-rt17 and PowerPC e500" of
// May 2020, was suspected to be this window, after a patch of that tree that kept preemption off
// had been dropped. To replace active_mm before mm was tried and did not help, nor does it
// here. Keeping preemption off in exec_mmap() alone did not help either, which it would
// here: that crash may have had another cause besides.
//
// The code follows v5.9, with context_switch() and finish_task_switch() of
// kernel/sched/core.c and exit_mm() of kernel/exit.c, on one CPU with two tasks: the one
// that calls exec_mmap(), and a process. A second CPU may run a process whose mm is the one
// that is borrowed.
//
// A tick may take the CPU from a task where interrupts and preemption are on, once or twice in an
// execution. Everything that a task does not do itself it does in its tick: an agent that
// interrupts it, switches to the other task and comes back when that one switches back. So one
// preemption of the schedule is one of the kernel.
//
// In the workload a task may call exec_mmap() more than once, and the process too.
//
// In the kernels called rt, finish_task_switch() drops with mmdrop_delayed() (4.18-rt): what it
// frees, it leaves to call_rcu(). Here it is freed at once. There exec_mmap() has to be away for a
// grace period, or its mmdrop() only makes a count of 0 less.
//
// Not modelled: mappings, TLBs and switch_mm() (package kmodel/kernel/kthread has those),
// choosing between tasks, moving them to other CPUs, the idle task, enter_lazy_tlb(), IPIs,
// that exec_mmap() may fail, and the smp_mb() that it has for membarrier().
//
// # Core dumps
//
// The coredump of 3.3 has no programs of its own: those of fs/aio are given its functions.
// Not modelled there: processes that share the mm without being threads, signals (a thread
// that has been killed finishes its system call and then exits, as one in an
// uninterruptible sleep does), dumpers other than ELF, what is written.
package exec
