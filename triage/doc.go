// Package triage makes a bug report of a failing execution.
//
// A [Signature] is the value that makes two failures the same bug: the kind and
// the racing pair of kernel functions. It is the only thing here that says
// "the same"; no message text does. [Title] names the bug in the words of the
// kernel's sanitizers, as syzbot would, or where these would say nothing in plain ones.
//
// [Minimize] shrinks a failing schedule to the smallest one that fails the same
// way, by the measure of [Measure], and returns with it a [Certificate] of what
// is known to be minimal about it, and the other failures that it met on the
// way.
//
// [Explain] says why the failure happens: the fewest orders of two steps each, and choices, such
// that every execution that keeps them fails so, and what these come to in another variant of the
// program. Where loads pass loads an order may be of what a load has read, and the old values that
// matter are told ([OldLoad]). [ChanceOf] says how probable the failure is without a fuzzer,
// at which steps it ceases to be rare, and which two steps' order decides ([Pair]).
//
// A [Report] is what a developer reads: the splat, who freed the object and
// where, the interleaving in columns, and the command that repeats it. It can be written
// as text, Markdown, JSON ([Document]), a page to step through, and a patch of delays
// that widens the same window in a real kernel. A [Golden] is the same failure as a file
// that a test can read back.
//
// This package knows no kernel model. What is to be said about a program beyond
// its trace comes from the caller, as text ([About]).
//
// # Limits
//
// The functions of a signature are those of two steps. A failure that is raised
// between two steps of a thread (a call that may sleep, and may not here) is
// attributed to the function of the step before it, an allocation to that of
// the step after it, and a thread that a deadlock has blocked to no function:
// a trace does not have their stacks.
//
// To read the code: signature.go is what a bug is, minimize.go how a schedule is
// shrunk, with passes.go, moves.go and workload.go for what is proposed and search.go
// for the exact answer; explain.go asks which causes will do, with orders.go for what these are and
// causes.go for what is a choice, and keeper.go answers it; chance.go has the odds, with pair.go
// for where they turn; report.go and title.go are the words, golden.go the file.
package triage
