// Package statecov lets a fuzz target tell Go's native fuzzing engine which
// states it reached, so that go test -fuzz keeps an input that reached a new
// state just as it keeps one that ran new code. By itself the engine cannot
// see states: two schedules of a model run the same lines in another order.
//
// It works with go test -fuzz as it is: no flags, no generated code, no changed
// toolchain. In a build for libFuzzer it tells that engine instead. In every
// other build it is inert, and Hit costs less than a nanosecond. A target uses
// it like this, where the function is called after each step with the hash of
// the state:
//
//	func FuzzLookup(f *testing.F) {
//		statecov.KeepFinds()
//		f.Add(make([]byte, 64))
//		f.Fuzz(func(t *testing.T, tape []byte) {
//			run(tape, func(hash uint64) { statecov.Hit(hash) })
//		})
//	}
//
// # Words
//
// A counter is a byte that the compiler, in a build for fuzzing, adds to a
// block of code; the code increments it whenever it runs. A spare counter
// belongs to code that never runs while inputs do, so that we may store in it
// what we like. There are 4096. A slot is one bit of a spare counter. The hash
// of a state selects one of the 8*4096 = 32,768 slots.
//
// # How it works
//
// Before each input the engine clears all counters. After it, the engine rounds
// each down to a power of two, which leaves one bit, and looks for bits that it
// has not yet seen in that counter. Hit sets the counter of the state's slot to
// the bit of the slot, unless it holds a higher one.
//
// Two symbols of the linker tell where the counters are (native.go). Which ones
// are spare is found out when the program starts, by calling a function made of
// empty if statements (spare.go) once with true and once with false: just the
// counters of its arms rise by one.
//
// Go documents none of this. A release that changes it makes the package inert
// or stops it from linking, and TestNativeEngine fails.
//
// # What to report, what to feed
//
// Report an abstraction of the state, not the whole of it. The engine gives
// each input of its corpus 100 ms in turn and prefers none, so a few hundred
// new states that lead nowhere stall it, however many counters there are.
//
// Seed the target with an input about as long as it needs, for the engine
// changes a byte more readily than it appends one. Bound what the target reads
// of an input by ignoring the rest, not by refusing longer inputs: inserting a
// byte makes one. Of runs of the tests' toy and a variant of it, each of up to
// a million executions, 6 in 60 missed the end with refusal and 1 in 200
// without; 6 in 130 with an empty seed and 1 in 130 with a full one.
//
// Bound a run by a count (-fuzztime=1000000x) and not by a duration, whose end
// go1.26 reports as a failure in one run out of twenty (golang/go#75804).
//
// # What it does not do
//
// It does not tell the engine how often states were reached, or in what order.
// It does not tell states of one slot apart: among n states expect n*n/65536
// such pairs. Where an input reaches two states that share a counter but not
// the bit, the engine sees only the higher bit of that input.
//
// It is inert on platforms where Go has no instrumentation for fuzzing, and with
// inlining switched off (-gcflags=-l). Active tells.
//
// # libFuzzer
//
// Under the build tag libfuzzer, which OSS-Fuzz sets too, the counters are
// libFuzzer's extra counters: an array of 4096 bytes that it reads after each
// input, telling eight classes of values apart. So there are as many slots
// (extra.go). Nothing is looked for at the start, and no code need be instrumented.
// Hit is called just the same; KeepFinds does nothing.
//
// # Cost
//
// Measured with go1.26.8 on two virtual CPUs of an AMD EPYC that had other work
// to do, hence the best of several runs.
//
//	Hit, ordinary build      0.6 ns  (0.9 with the loop of the benchmark, 0.3 without Hit)
//	Hit, build for fuzzing   1.2 ns  (3.5 and 2.3)
//	each execution           9 µs    (empty target, one worker: 33,700 a second instead of 48,300)
//
// The 9 µs are the engine's, which reads all counters after every input; the
// number of hits plays no part. On a faster machine it was 5 µs, a third of
// the speed as well. To repeat the first line, the second, and the
// third, where -gcflags=-l leaves the spare counters out:
//
//	go test -run='^$' -bench=Hit -count=10 ./fuzz/statecov
//
//	go test -c -fuzz=FuzzEmpty -o /tmp/fuzz.test ./fuzz/statecov
//	/tmp/fuzz.test -test.run='^$' -test.bench=Hit -test.count=10
//
//	go test -c -fuzz=FuzzEmpty -gcflags=-l -o /tmp/without.test ./fuzz/statecov
//	for b in fuzz without; do
//		/tmp/$b.test -test.run='^$' -test.fuzz=FuzzEmpty -test.parallel=1 \
//			-test.fuzzcachedir=/tmp/fuzz.cache -test.fuzztime=1000000x
//	done
//
// # Where to start
//
// Read Hit and KeepFinds, then native.go. FuzzToy in toy_test.go is a complete
// target that shows the effect.
package statecov
