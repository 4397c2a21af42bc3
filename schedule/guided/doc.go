// Package guided has the sampler that learns: an [Engine] spends its executions on what no
// execution has done before. It is a [sample.Sampler] like the others, so [sample.Run] is
// the loop around it.
//
// What it knows is kept in three places.
//
// The graph has the decisions that executions came to, known by the hash of the state, and
// what each alternative led to. Of a state it does not matter how it was reached; so where
// every alternative has been followed to the end, on whatever way, there is nothing left to
// see, and no execution goes there again. This alone makes the samplers that it is made of
// find most bugs that are deep in small programs in a tenth of the executions and less, and
// it is an end: a program with no alternative left is [Stats] Complete.
//
// The corpus has the memory states that were met, with a way to each: states without what
// threads have observed. They are few where states are many. An execution that goes back
// repeats the way to one and goes on from there, to one that is rarely met rather than not:
// what takes six steps in order is found one step after the other.
//
// The arms are the ways to run an execution: one of the samplers of package sample as it
// is, or with the least followed alternative at each decision, or after going back, or with
// the decisions of one way after another; or with something that is mutated. At first most
// executions are those of the two samplers that are best without knowing anything, SURW and
// ReadsFrom, which leave to Demote what they say nothing about; later more arms have a share, each
// times what it yields: the chance that an execution comes to a new memory state.
//
// What is mutated has feedback of its own. Switches are those of the way to a memory state, and
// the way to each new one is kept. Constraints of ReadsFrom are kept if the execution shows a
// reads-from combination that none has shown, and those whose combination is rare have more
// energy. The random words of a POS are kept if it shows a new interleaving segment. Only
// executions that are mutated are looked at for combinations, or for segments: that costs.
//
// A workload begins with choices: its setup. Nearly every state of it is new, so that graph
// and corpus have little to say. Its executions come in bursts instead, of one setup and
// many schedules, as long as these leave different memory; the samplers learn each setup anew.
// Some setups are mutants of those that had long bursts.
//
// One execution in [Every] is left alone: a POS, which nothing has guided. What such
// executions say of those to come is sound, other than what the guided ones do: see
// [Stats] Discovery.
//
// The package does not run anything, nor does it know what a failure is: a tape that ends in one
// is followed to its end once, and what is new besides it goes on to be looked for. It takes
// what [schedule.Exec.State] promises for granted, with 64 bits: a program that keeps
// something outside cells hides executions from it.
//
// An Engine belongs to one goroutine. For another there is [Engine.Share]: Engines that share
// have one graph, one corpus and one set of combinations, so what one has come to none does
// again; the words and setups that are mutated are each its own. How often each has come to a
// decision or a memory state it writes for itself, and reads of all. No execution waits for
// another, but while a table grows. One that shares with nobody decides the same whenever
// it has the same seed; several do not, since which of them is first somewhere is up to the
// machine.
//
// To read the code: choose.go is a decision, engine.go an execution, arm.go the budget,
// graph.go, corpus.go and combination.go what is known, index.go and chunks.go how it is kept,
// share.go what many Engines have in common, counts.go what each of them writes, mutate.go what
// is mutated, segment.go what shows whether random words are worth it, burst.go workloads,
// stream.go when to stop.
package guided
