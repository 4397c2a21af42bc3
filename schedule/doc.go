// Package schedule runs one execution of a concurrent program under a given
// schedule, and says what happened.
//
// It is the bottom of the project. It knows threads, steps, decisions, memory
// cells and the hash of a state. It knows nothing of the kernel (package
// kmodel) and nothing of searching (package schedule/explore): it runs one
// execution, as fast as it can, exactly as it is told.
//
// # Programs and threads
//
// A [Program] is a name and a function that builds its objects. A thread of
// it is a plain Go function of a [Thread], run as a coroutine: control passes
// from thread to thread only where the function says so, by calling something
// with its t. So a line of a model that mentions t may be interleaved with
// other threads, and a line that does not, may not.
//
// An agent is a thread that may stay idle for ever: a callback runner, a
// worker, a timer, an interrupt handler. It is guarded: it is enabled only when
// it has something to do (see [Agent]). It never polls.
//
// # Steps
//
// A step is one visible operation, atomic. The scheduling point comes before
// the operation: a thread parks having said what it will do next (its [Op]).
// Being chosen, it does it, and runs on to its next point. Whatever a thread
// does between two points that is not a step (arithmetic, writing to an
// object that nobody else can see) is private and invisible.
//
// A thread is enabled if it could take its step now, else it is blocked or
// finished. Blocked is not a queue: it is a predicate of the pending operation
// (a [Gate]), asked anew at every scheduling point. If no thread is enabled
// while one that is not an agent is unfinished, that is a deadlock.
//
// # Decisions
//
// Where two or more threads are enabled, or where a thread asks
// ([Thread.Choose]), one decision is taken. Decision 0 is the calm one: go on
// with the thread that took the last step; if it cannot go on, the lowest-numbered enabled
// one; for Choose, the first alternative. The other threads follow in the
// order in which they were created. A forced step takes no decision.
//
// The decisions of an execution, in order, are its [Tape]. The end of the tape
// means 0 for ever, so every tape is a valid schedule, a shorter one is a
// simpler one, and the empty one is the sequential run. A preemption is a
// decision that takes the processor from a thread that could have gone on; a
// thread that blocks, finishes, is asleep ([Sleeps]), or is an agent between two
// pieces of work is not preempted.
//
// The input of a fuzzing engine is digits, which are decisions, and then, if it has any byte that
// is not ASCII, an end that the remaining decisions are drawn from ([ByteReader], [Runner.TapeOf]).
//
// # State
//
// All that changes lives in a [Cell] of an [Object]; a write updates the hash
// of the memory in O(1). The local state of a thread cannot be read from a Go
// stack, but it is a function of the thread's code and of what it has observed
// so far, so the observations are hashed instead. Two prefixes of executions
// with the same [Exec.State] behave the same from there on; see hash.go, and
// CheckStates in the tests, which earns this sentence. So an execution that goes where others
// have been need not be run: a [Memo] looks it up.
//
// # Failures
//
// A failure is a value ([Failure]), never a formatted string, and its [Kind]s
// are ordered from cause to symptom. A fast run ([Runner.Run]) knows no names
// and, once warm, allocates nothing. [Runner.Replay] runs the same tape and
// records a [Trace] that knows everything.
//
// # Limits
//
// At most [MaxThreads] threads, [MaxAlternatives] alternatives a decision and
// [DefaultMaxSteps] steps, unless the runner says otherwise. Memory is
// sequentially consistent, or, if the program asks for it, that of x86, with store buffers
// ([Exec.BufferStores]), in which stores may pass each other ([Exec.ReorderStores]), and loads too
// ([Exec.ReorderLoads]). No load sees what is stored later.
//
// Nothing here is safe for concurrent use, on purpose: one [Runner] to a
// goroutine, as many as there are cores. A model must not start goroutines,
// read clocks or range over maps; [Runner.CheckDeterminism] finds the ones that
// do.
//
// To read the code: thread.go, cpu.go, set.go, exec.go and decide.go are the machine, cell.go,
// object.go and hash.go the memory, stores.go and reorder.go store buffers, invalidate.go,
// invalidatequeue.go and loads.go invalidate queues, tape.go and drawn.go the input, trace.go the
// output, footprint.go what steps have in common, memo.go what need not be run.
package schedule
