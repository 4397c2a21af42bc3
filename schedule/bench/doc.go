// Package bench has small programs with a bug each, to compare ways of searching by how
// soon they find it.
//
// Most are the programs by which the literature compares itself, written anew from what
// the papers and the benchmarks say of them: SCTBench (Thomson, Donaldson and Betts,
// "Concurrency testing using controlled schedulers", TOPC 2016) with the programs of
// CHESS, Concurrency Bugs, Inspect, RADBench, SPLASH-2 and SafeStack that are in it, in the
// form by which newer tools are compared, that of PERIOD (Wen et al., "Controlled concurrency
// testing via periodical scheduling", ICSE 2022), and the ConVul programs (Meng et al.,
// "ConVul: an effective tool for detecting concurrency vulnerabilities", ASE 2019), which
// are kernel and library bugs with a CVE. They are rewritten with the usual accesses, a step
// each, so what is published about the originals is orientation and no more: a rewrite is
// easier, up to twenty times. What compares is other samplers on the same program here.
//
// The others are ours, for depth: handshakes of two threads, chains of reference counts
// and chains of RCU readers, in which 2 to 8 orders must all be right.
//
// A [Program] is a row of the table [Programs]. It comes in forms ([Form]): with all
// threads there at the beginning, and with a main thread that creates and joins them,
// which changes how hard it is more than anything else, since who is created first runs
// first. Every program also comes fixed: the same without its bug, and never failing.
//
// Not here: what is in SCTBench because it is large (PARSEC, the rest of SPLASH-2 and of
// RADBench), what fails in nearly every execution, and pbzip2, whose threads wait with a
// timeout.
//
// To read the code: table.go is the table, program.go what a row is made with, and the
// other files the programs.
package bench
