// Package explore runs many executions of one program: all of them, or all with
// few preemptions. Package schedule/sample has random samples.
//
// # Exhaust
//
// [Exhaust] enumerates the executions of a [schedule.Program] by preemption
// bound: all without a preemption, then all with one, and so on. It visits
// states, not executions. A node is a decision that is still to be taken, and
// two executions that come to the same state there share it; an edge is one
// alternative of it. So a program with 10^12 executions may have 10^5 nodes, and
// is exhausted in a second. The graph answers three questions, exactly:
//
//   - how can an execution end (a [Category]), and how many preemptions does
//     each way need at least;
//   - which schedule is the smallest that ends so (a [Witness]);
//   - how many executions are there with exactly so many preemptions. These
//     numbers are golden values: a scheduler that loses an interleaving, finds
//     one twice or depends on the order in which threads were created gets
//     another number.
//
// A [Report] says what it covered: everything ([Report.Complete]), a bound, or
// less, and why. With every program that is meant to be clean, explore its racy
// twin as well: a search that is off must not look like a clean result.
//
// It can be given several workers, which come to the same report; a limit of nodes or
// bytes; and a file to be resumed from, see [Options]. At a limit it ends in good order:
// the report says which bound was finished, and the file, if there is one, is good for
// another with a higher limit.
//
// # Classes
//
// [Classes] remembers no states. It runs one execution of each class of those that differ
// by the order of independent steps only, and learns from the executions which steps are
// independent. So it rests on nothing that Exhaust rests on, and where little is shared
// it is done sooner; where much is, there are more classes than states. It does not know
// how few preemptions a failure takes.
//
// # The others
//
// [EstimateSize] says before an exhaustive search how large it might be.
//
// [Unreduced] answers the same questions by running every execution from its
// start. It is there to be obviously right, for small programs. [Executions] is
// its iterator.
//
// [CheckStates] tests what Exhaust rests on, the contract of
// [schedule.Exec.State], for one program. Every program that somebody exhausts
// should have such a test. A model that keeps something outside cells, or
// forgets what it still knows, makes Exhaust skip executions without a word.
// [CheckSwaps] does the same for what Classes rests on, and [CheckClasses] holds Classes
// against all executions of a small program.
//
// # Limits
//
// Exhaust has no snapshots: it runs each edge from the beginning, so long
// executions are dear. It knows nothing of independence: two orders of two
// independent steps are two paths to one node, not one path. Classes has one worker, no
// bound and no checkpoint. Workers of Exhaust add nodes one at a time, and what is computed
// at the end of a bound is computed by two goroutines at most, beside the next bound but
// after the last: fine for the cores of a desk, not for hundreds.
//
// To read the code: exhaust.go is the search and worker.go how it is done, graph.go what
// it stores and table.go why that takes no lock to read, count.go, total.go and minimal.go
// what is computed from it; checkpoint.go and resume.go are its file; classes.go and
// races.go are the second opinion, unreduced.go the third.
package explore
