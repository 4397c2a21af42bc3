// Package mutate changes tapes as one would change a schedule, for engines that let a
// target bring a mutator of its own.
//
// A tape is the decisions of an execution, 0 being "let the running thread go on". A
// decision that is not 0 is called a switch here. An engine that knows bytes only flips
// bits, which turns most of a tape into noise, while failures take few switches in the
// right places. So what is done here is: a switch is added, dropped, moved or made to
// another thread; decisions are put in or taken out, so that all later switches come later
// or sooner; what follows a decision is forgotten, or dealt anew, or taken from another
// tape. The latter matters most: up to that decision the execution is the same.
//
// Both functions are pure: with the same arguments they return the same bytes, and every
// result is read as it was meant ([schedule.FromBytes]), in digits that people can read. They
// see digits only: of an input whose end is drawn they are to be given what that has come to
// (Digits of package fuzz/target), else the result is calm from there on.
//
// The package runs nothing, so it does not know how many decisions an execution takes, nor
// which of them choose threads and system calls: those are mutated like all others. It was
// tried to tell it, and to have it deal as threads run, for long and then another; where a
// sampler draws inputs besides, as for libFuzzer, neither pays (docs/benchmark). A schedule of
// a sampler it cannot make, since which threads are enabled shows in an execution only: that
// is Draw of package fuzz/target. What inputs are worth keeping is the business of the engine.
// Start reading at [Bytes].
package mutate

import (
	"math/rand/v2"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

const (
	// beyond is how far behind the end of a tape, which is calm, a switch may be put.
	beyond = 32
	// farthest a switch is moved, and most decisions that are put in or taken out at once.
	farthest = 8
	// longest tail that is dealt anew.
	longest = 64
)

// A mutator makes one change.
type mutator func(r *rand.Rand, t schedule.Tape) schedule.Tape

// mutators are chosen from uniformly; what is here twice is chosen twice as often.
var mutators = []mutator{
	add, add, drop, move, move, redirect, insert, remove, cut, deal, repeat,
}

// Bytes returns a mutation of the tape that is in data, in at most limit bytes. It differs
// from data, unless limit leaves no room for that.
func Bytes(data []byte, limit int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	before := schedule.FromBytes(data).Canonical()
	t := slices.Clone(before)
	for range 100 {
		t = fit(mutators[r.IntN(len(mutators))](r, t), limit)
		if r.IntN(2) == 0 && !slices.Equal(t, before) {
			break
		}
	}
	return t.Bytes()
}

// CrossOver returns a tape of parts of two, in at most limit bytes.
func CrossOver(a, b []byte, limit int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	s, t := schedule.FromBytes(a), schedule.FromBytes(b)
	var out schedule.Tape
	switch at := r.IntN(len(s) + 1); r.IntN(4) {
	case 0: // the switches of both, up to a decision
		out = slices.Clone(s)
		for i, d := range t[:min(at, len(t))] {
			if d != 0 {
				out[i] = d
			}
		}
	case 1: // the end of b, sooner or later than there
		from := r.IntN(len(t) + 1)
		out = slices.Concat(s[:at], t[from:])
	default: // the decisions of b, from some point on
		out = slices.Concat(s[:at], t[min(at, len(t)):])
	}
	return fit(out, limit).Bytes()
}

// fit returns as many decisions of t as there is room for, without calm ones at the end.
func fit(t schedule.Tape, limit int) schedule.Tape {
	size := 0
	for i, d := range t {
		if size += 1 + int(d)/15; size > limit { // one of 15 or more is written in several bytes
			t = t[:i]
			break
		}
	}
	return t.Canonical()
}

// alternative returns the number of a thread to switch to. Most decisions have few
// alternatives, and the numbers of others are reduced, so small ones are likelier.
func alternative(r *rand.Rand) uint8 {
	d := uint8(1)
	for d < 14 && r.IntN(2) == 0 {
		d++
	}
	return d
}

// pad returns t with at least n decisions.
func pad(t schedule.Tape, n int) schedule.Tape {
	for len(t) < n {
		t = append(t, 0)
	}
	return t
}

// pick returns the position of one of t's switches, or -1 if there is none.
func pick(r *rand.Rand, t schedule.Tape) int {
	at, seen := -1, 0
	for i, d := range t {
		if d != 0 {
			if seen++; r.IntN(seen) == 0 {
				at = i
			}
		}
	}
	return at
}

// add puts a switch anywhere.
func add(r *rand.Rand, t schedule.Tape) schedule.Tape {
	i := r.IntN(len(t) + beyond)
	t = pad(t, i+1)
	t[i] = alternative(r)
	return t
}

// drop makes a switch calm.
func drop(r *rand.Rand, t schedule.Tape) schedule.Tape {
	if i := pick(r, t); i >= 0 {
		t[i] = 0
	}
	return t
}

// move lets a switch happen a few decisions sooner or later.
func move(r *rand.Rand, t schedule.Tape) schedule.Tape {
	i := pick(r, t)
	if i < 0 {
		return t
	}
	j := i + 1 + r.IntN(farthest)
	if r.IntN(2) == 0 {
		j = max(0, i-1-r.IntN(farthest))
	}
	t = pad(t, j+1)
	t[i], t[j] = 0, t[i]
	return t
}

// redirect switches to another thread.
func redirect(r *rand.Rand, t schedule.Tape) schedule.Tape {
	if i := pick(r, t); i >= 0 {
		t[i] = alternative(r)
	}
	return t
}

// insert puts calm decisions in, so that what follows comes later.
func insert(r *rand.Rand, t schedule.Tape) schedule.Tape {
	i := r.IntN(len(t) + 1)
	return slices.Insert(t, i, make([]uint8, 1+r.IntN(farthest))...)
}

// remove takes decisions out, so that what follows comes sooner.
func remove(r *rand.Rand, t schedule.Tape) schedule.Tape {
	i := r.IntN(len(t) + 1)
	return slices.Delete(t, i, min(len(t), i+1+r.IntN(farthest)))
}

// cut makes everything from a decision on calm.
func cut(r *rand.Rand, t schedule.Tape) schedule.Tape { return t[:r.IntN(len(t)+1)] }

// deal makes up new decisions from one on, of which one in two to one in 16 is a switch.
func deal(r *rand.Rand, t schedule.Tape) schedule.Tape {
	t = cut(r, t)
	every := 2 << r.IntN(4)
	for range 1 + r.IntN(longest) {
		d := uint8(0)
		if r.IntN(every) == 0 {
			d = alternative(r)
		}
		t = append(t, d)
	}
	return t
}

// repeat copies some decisions to another place.
func repeat(r *rand.Rand, t schedule.Tape) schedule.Tape {
	from := r.IntN(len(t) + 1)
	part := slices.Clone(t[from:min(len(t), from+1+r.IntN(2*farthest))])
	at := r.IntN(len(t) + 1)
	t = pad(t, at+len(part))
	copy(t[at:], part)
	return t
}
