// Package statecov lets a fuzz target tell Go's native fuzzing engine which
// states it reached, so that go test -fuzz keeps an input that reached a new
// state as it keeps one that ran new code. Without it a scheduler's states are
// invisible to the engine: two schedules run the same lines of the model,
// merely in another order.
//
// It works with plain go test -fuzz and nothing else: no flags, no generated
// code, no changed toolchain. In every other build it does nothing, and Hit
// costs less than a nanosecond.
//
//	func FuzzLookup(f *testing.F) {
//		statecov.KeepFinds()
//		f.Add(make([]byte, 64))
//		f.Fuzz(func(t *testing.T, tape []byte) {
//			for each step of the tape {
//				statecov.Hit(hash of the abstract state)
//			}
//		})
//	}
//
// # Words
//
// A counter is a byte that the compiler adds to a block of code in a build for
// fuzzing; the code increments it whenever it runs. A spare counter belongs to
// code that never runs while inputs do, so its value is free for us to choose.
// There are 4096. A slot is one bit of a spare counter: a state's hash selects
// one of 8 * 4096 = 32,768 slots.
//
// # How it works
//
// After each input the engine rounds every counter down to a power of two and
// looks for bits it has not seen in that counter before; before each input it
// clears them all. Hit sets the bit of the state's slot in its counter. Where
// the counters are, the package learns from two symbols of the linker
// (native.go). Which of them are spare, it learns when the program starts: it
// calls a function made of empty if statements (spare.go) once with true and
// once with false. Of all counters just those of its arms rise by one.
//
// None of this is documented behaviour of Go. If a release changes it, the
// package becomes inert or does not link, and TestNativeEngine fails.
//
// # What to report
//
// Report an abstraction of the state, not the state. The engine gives every
// input of its corpus 100 ms in turn, without preferring any, so a few hundred
// novel states that lead nowhere stop it for good, however many counters there
// are. A good abstraction gives some dozens of states to an ordinary input set
// and a new one to each step towards a failure.
//
// Seed the target with an input about as long as it will need: the engine is a
// hundred times likelier to change a given byte into a certain other one than
// to append that one. Read no more than that, and ignore the rest of a longer
// input. Do not refuse longer inputs: an insertion in the middle makes one, and
// refusing them made the toy of the tests five times harder.
//
// Bound a run by a count (-fuzztime=1000000x), not by a duration: go1.26
// reports the end of the duration as a failure in one run out of twenty.
//
// # What it does not do
//
// It does not see the order in which states were reached, nor how often. It
// does not tell states apart that share a slot: of n states about n*n/65536
// pairs do. States that share a counter but not a bit hide each other for the
// one input that reaches both: only the higher bit counts then.
//
// Under the build tag libfuzzer (libFuzzer and OSS-Fuzz) it is inert for now,
// see libfuzzer.go. It is inert as well, even with -fuzz, on platforms where Go
// does not instrument for fuzzing, and where inlining is switched off
// (-gcflags=all=-l). Active tells.
//
// # Cost
//
// COST
//
// # Where to start
//
// Read Hit and KeepFinds, then native.go. FuzzToy in toy_test.go is a complete
// target that shows the effect.
package statecov
