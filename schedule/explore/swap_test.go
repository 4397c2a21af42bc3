package explore_test

import (
	"strings"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestSwaps exchanges independent steps of the programs of the tests.
func TestSwaps(t *testing.T) {
	programs := []Program{
		independent(3, 3), increments(2, 0, 1, 2), locked(0, 1, 2), inversion(0, 1),
		workers(0, 1, 2), choices(), rounds(), again(), detour(),
	}
	seeds := uint64(1000)
	if testing.Short() {
		seeds = 100
	}
	for seed := range seeds {
		programs = append(programs, random(seed, seed%2 == 0), mixed(seed))
	}
	swapped := 0
	for _, p := range programs {
		n, err := explore.CheckSwaps(p, 20, 1)
		if err != nil {
			t.Error(err)
		}
		swapped += n
	}
	if swapped < 10*int(seeds) {
		t.Errorf("only %d pairs exchanged", swapped)
	}
}

// TestSwapsFault has a thread pass a word to another one in a Go variable: its footprints
// hide that.
func TestSwapsFault(t *testing.T) {
	word := uint64(0)
	p := program("hidden write", nil, nil,
		thread("reader", func(t *Thread, b *board) {
			t.Step(Op{Verb: "look"})
			t.Observe(word)
			store(t, &b.x, 1)
		}),
		thread("writer", func(t *Thread, b *board) {
			store(t, &b.y, 1)
			word = 1
		}),
		thread("before", func(t *Thread, b *board) { word = 0 }))
	_, err := explore.CheckSwaps(p, 100, 1)
	if err == nil || !strings.Contains(err.Error(), "they come to another state") {
		t.Errorf("error %v, want one about the state", err)
	}
	if _, err := explore.CheckSwaps(hidden(true), 500, 1); err == nil {
		t.Error("a gate that depends on a Go variable: no error")
	}
}
