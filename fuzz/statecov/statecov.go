package statecov

import "flag"

// Active reports whether Hit reaches the fuzzing engine: whether the binary
// was instrumented for fuzzing and the spare counters were found when the
// program started. It is false in every ordinary build, tests included.
// It does not change while the program runs.
func Active() bool {
	return active
}

// Hit reports that the current input has reached the state with this hash.
//
// The hash must be a good one in all its bits (xxhash, not a counter or an
// index): its low twelve bits choose the counter and its top three choose the
// bit. The engine forgets the hits of one input before the next, so Hit is to
// be called for every state of every input, new or not.
//
// Hit may be called from several goroutines at once. Two stores to one
// counter may then lose one of them, just as the compiler's own counters lose
// increments; the race detector is told not to look.
//
//go:norace
func Hit(hash uint64) {
	if active {
		record(hash)
	}
}

// minimizeTime is the flag of package testing behind go test
// -fuzzminimizetime.
const minimizeTime = "test.fuzzminimizetime"

// KeepFinds keeps the native engine from throwing away the inputs that reach
// new states: it sets -fuzzminimizetime=1x, unless the user gave that flag.
// Call it first thing in a fuzz target, before f.Fuzz. Elsewhere it does
// nothing: where there is no such flag, or nobody fuzzes, nothing changes.
//
// The reason is an error in the engine (go1.26.8, internal/fuzz/worker.go;
// go1.27.1 has it too). Before an input enters the corpus the engine shrinks
// it, and what it then compares with the known coverage is the coverage of
// the last candidate it tried, not that of the candidate it kept. If the last
// candidate lost the new bit, the whole find is dropped as one that "doesn't
// expand coverage". A find of ordinary coverage mostly survives because it
// brings several new bits; a new state brings exactly one. One toy lost 74 of
// its 84 finds in this way. With 1x the engine runs the input once more,
// to see that the new bit is there again, and tries no candidates at all.
// (0x would skip that check, and inputs that are new only by chance would
// pile up in the corpus.)
//
// The price: the engine no longer shrinks the inputs it reports as failures,
// nor those it keeps. The target has to bound the length of its input, and to
// minimize what it reports.
func KeepFinds() {
	given := false
	flag.Visit(func(f *flag.Flag) {
		given = given || f.Name == minimizeTime
	})
	if given || flag.Lookup(minimizeTime) == nil {
		return
	}
	if err := flag.Set(minimizeTime, "1x"); err != nil {
		panic("statecov: flag -" + minimizeTime + " refuses 1x: " + err.Error())
	}
}
