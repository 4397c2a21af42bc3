package statecov

import (
	"bytes"
	"flag"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// The toy is a machine that only its states give away. It reads toySteps
// symbols. In state s one symbol of toySymbols, always the same one, leads on
// to s+1, and every other to a state that cannot be left. (Were it back to the
// start, an input that found its way to state s late would have no symbols
// left for the rest, and would yet keep better ones out of the corpus.) A
// transition is a look-up in a table and their number is fixed, so every input
// runs the same edges equally often.
//
// Of random inputs one in 8^9 reaches the end: a hundred thousand of them do so with
// probability 0.0007. An engine that sees the states can find the symbols
// one after the other.
const (
	toySteps   = 9
	toySymbols = 8
	toyDead    = toySteps + 1
)

var toyNext = toyTable()

func toyTable() (next [toyDead + 1][toySymbols]uint8) {
	for s := range next {
		for symbol := range next[s] {
			next[s][symbol] = toyDead
		}
	}
	for s := range toySteps {
		// Not symbol 0, which the seed is made of.
		want := 1 + xxhash.Sum64([]byte{byte(s)})%(toySymbols-1)
		next[s][want] = uint8(s + 1)
	}
	return next
}

// runToy feeds input to the machine, passes the hash of each state to
// reached, and reports whether the machine stands at its end.
func runToy(input []byte, reached func(uint64)) bool {
	var tape [toySteps]byte
	copy(tape[:], input)
	var state [64]byte // the size of a small model's state
	for _, symbol := range tape {
		state[0] = toyNext[state[0]][symbol%toySymbols]
		reached(xxhash.Sum64(state[:]))
	}
	return state[0] == toySteps
}

// TestToy checks what the verdict of TestNativeEngine rests on: the machine
// passes through a new state with each symbol, and one input alone brings it
// to its end.
func TestToy(t *testing.T) {
	input := make([]byte, toySteps)
	for s := range input {
		for symbol, next := range toyNext[s] {
			if int(next) == s+1 {
				input[s] = byte(symbol)
			}
		}
	}
	states := map[uint64]bool{}
	if !runToy(input, func(h uint64) { states[h] = true }) {
		t.Errorf("input %d does not reach the end", input)
	}
	if len(states) != toySteps {
		t.Errorf("input %d reaches %d states, want %d", input, len(states), toySteps)
	}
	for i := range input {
		for symbol := range byte(toySymbols) {
			other := bytes.Clone(input)
			other[i] = symbol
			if symbol != input[i] && runToy(other, func(uint64) {}) {
				t.Errorf("input %d reaches the end, as %d does", other, input)
			}
		}
	}
}

var blind = flag.Bool("blind", false, "hide the states of FuzzToy from the engine")

// fuzzing reports whether this process takes part in a run of go test -fuzz,
// as its coordinator or as a worker.
func fuzzing() bool {
	return flag.Lookup("test.fuzz").Value.String() != ""
}

// FuzzToy has go test -fuzz search for the end of the toy, guided by its
// states or, with -blind, without them. TestNativeEngine does both. By hand:
//
//	go test -c -fuzz=FuzzToy -o /tmp/toy.test ./fuzz/statecov
//	cd /tmp && ./toy.test -test.run='^$' -test.fuzz=FuzzToy \
//		-test.fuzzcachedir=/tmp/toy.cache -test.fuzztime=1000000x [-blind]
//
// The end is a failure only while fuzzing, so that an input left in testdata
// by a run inside the source tree does not break go test.
func FuzzToy(f *testing.F) {
	KeepFinds()
	reached := Hit
	if *blind {
		reached = func(uint64) {}
	}
	// As long as what the toy reads: of the engine's mutations, those that
	// change a byte into a certain other one are a hundred times likelier than
	// those that append it.
	f.Add(make([]byte, toySteps))
	tries := 0
	f.Fuzz(func(t *testing.T, input []byte) {
		tries++
		if runToy(input, reached) && fuzzing() {
			t.Fatalf("toy cracked: execution %d of this worker", tries)
		}
	})
}

// FuzzEmpty does nothing, so its speed is that of the engine. Section Cost of
// the package comment uses it.
func FuzzEmpty(f *testing.F) {
	f.Fuzz(func(*testing.T, []byte) {})
}
