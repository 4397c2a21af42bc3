package corpus

import (
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The tapes that the benchmark stores and the dictionary is trained on come from a small
// fuzzer: whatever a target keeps because it has reached a new state, as the engines do.

// tapesOfTargets returns n tapes, the targets by turns, the same for every seed.
func tapesOfTargets(tb testing.TB, n int, seed uint64) []Entry {
	tb.Helper()
	var fuzzers []*fuzzer
	for _, target := range kmodel.Targets() {
		p, err := target.Program("")
		if err != nil {
			tb.Fatal(err)
		}
		f := &fuzzer{
			name:   target.Name,
			runner: schedule.NewRunner(p.Schedule()),
			rng:    rand.New(rand.NewPCG(seed, 0)),
			seen:   map[schedule.State]bool{},
			kept:   map[string]bool{},
			pool:   []schedule.Tape{nil},
		}
		tb.Cleanup(f.runner.Close)
		fuzzers = append(fuzzers, f)
	}
	entries := make([]Entry, n)
	for i := range entries {
		f := fuzzers[i%len(fuzzers)]
		entries[i] = Entry{Program: f.name, Tape: f.next()}
	}
	return entries
}

type fuzzer struct {
	name   string
	runner *schedule.Runner
	rng    *rand.Rand
	seen   map[schedule.State]bool
	kept   map[string]bool
	pool   []schedule.Tape
	tape   schedule.TapeReader
	fresh  bool // the execution under way has reached a new state
}

// next returns the next tape worth keeping.
func (f *fuzzer) next() schedule.Tape {
	for {
		f.fresh = false
		f.tape.Reset(f.mutate(f.pool[f.rng.IntN(len(f.pool))]))
		f.runner.Run(f)
		taken := f.runner.Taken()
		if f.fresh && !f.kept[string(taken)] {
			f.kept[string(taken)] = true
			f.pool = append(f.pool, append(schedule.Tape(nil), taken...))
			return f.pool[len(f.pool)-1]
		}
	}
}

// Choose implements schedule.Chooser.
func (f *fuzzer) Choose(e *schedule.Exec, n int) int {
	if s := e.State(); !f.seen[s] {
		f.seen[s], f.fresh = true, true
	}
	return f.tape.Choose(e, n)
}

// mutate changes one to four decisions of a copy of s. The first tapes are random.
func (f *fuzzer) mutate(s schedule.Tape) schedule.Tape {
	const longest = 256
	if len(f.pool) <= 16 {
		s = make(schedule.Tape, longest)
		for i := range s {
			s[i] = uint8(f.rng.IntN(3) * f.rng.IntN(2))
		}
		return s
	}
	s = append(append(schedule.Tape(nil), s...), make(schedule.Tape, 8)...)
	for range 1 + f.rng.IntN(4) {
		s[f.rng.IntN(len(s))] = uint8(f.rng.IntN(4))
	}
	return s[:min(len(s), longest)]
}
