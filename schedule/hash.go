package schedule

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// The hash of a state, and why it is sound.
//
// The state of an execution between two steps is (a) the shared memory and (b)
// the local state of each thread.
//
// (a) is the exclusive or of one part per cell, and 0 for the value 0. The part is
// the product, see there, of xxhash(cell), which is kept with the cell, and the
// value. A write takes the old part out and puts the new one in: O(1), and the same
// memory has the same hash by whatever path it was reached.
// A cell is named by its object's identity and its place in the object, and an
// object's identity is (allocating thread, how many that thread had allocated
// before): not an address, and not a count over all threads, which would tell
// apart two orders of independent allocations.
//
// (b) A thread is a deterministic function. It was started with the same
// arguments in every execution, and everything else it knows it got as the
// result of a step. So its local state, including the place in the code and the
// operation it is parked at, is a function of the sequence of those results.
// That sequence is hashed: every step moves the hash on, every result is mixed
// in. It starts from xxhash(thread, place) and goes on by a multiplication for each
// result, cheaper than another xxhash. Blocked or enabled is a function of cells,
// hence of (a).
//
// Where all locals of a thread are dead (a worker between two items, a system
// call loop between two calls) the program may say so with Forget, and
// histories that differ only in what has been forgotten meet again.
//
// Each hash has 64 bits; an exhaustive search asks for a second, independent
// 64 (Runner.Wide), because with n states the chance that any two collide is
// about n*n/2^65 for the one and n*n/2^129 for both.

// A State is the hash of a state. Hi is 0 unless the runner is Wide.
type State struct{ Lo, Hi uint64 }

// hashPair is the first lane: xxhash of the two words.
func hashPair(a, b uint64) uint64 {
	var buf [16]byte
	binary.LittleEndian.PutUint64(buf[0:], a)
	binary.LittleEndian.PutUint64(buf[8:], b)
	return xxhash.Sum64(buf[:])
}

// hashPairHi is the second lane: the same words behind a constant one. The
// longer input takes another path through xxhash.
func hashPairHi(a, b uint64) uint64 {
	var buf [24]byte
	binary.LittleEndian.PutUint64(buf[0:], 0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(buf[8:], b)
	binary.LittleEndian.PutUint64(buf[16:], a)
	return xxhash.Sum64(buf[:])
}

// stepMul and stepAdd move an observation hash on by one step that returned
// nothing: a permutation of the 64-bit words (Knuth's MMIX generator). It starts from
// a hash of its own in every thread and each result passes through product, so
// nothing more is asked of it.
const (
	stepMul = 6364136223846793005
	stepAdd = 1442695040888963407
)

// advance moves the observations of t on by one step.
func (t *Thread) advance() {
	e := t.exec
	n := t.obs*stepMul + stepAdd
	e.lo ^= t.obs ^ n
	t.obs = n
	if e.wide {
		n = t.obsHi*stepMul + stepAdd
		e.hi ^= t.obsHi ^ n
		t.obsHi = n
	}
}

// mixKey and mixKeyHi are the keys of the two lanes of mix: digits of pi.
const (
	mixKey   = 0x243f6a8885a308d3
	mixKeyHi = 0x13198a2e03707345
)

// product is the high half of a 128-bit product folded into the low one: each bit of
// either factor reaches about half of the result.
func product(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Observe mixes v, which the current step returns to the model, into the
// observations of t, and returns v. A primitive must pass everything it returns
// through here; see the top of hash.go.
func (t *Thread) Observe(v uint64) uint64 {
	t.mix(v)
	if rec := t.exec.rec; rec != nil {
		rec.observed(t.op.Cell, v)
	}
	return v
}

func (t *Thread) mix(v uint64) {
	e := t.exec
	n := product(t.obs, v^mixKey)
	e.lo ^= t.obs ^ n
	t.obs = n
	if e.wide {
		t.mixHi(v)
	}
}

func (t *Thread) mixHi(v uint64) {
	n := product(t.obsHi, v^mixKeyHi)
	t.exec.hi ^= t.obsHi ^ n
	t.obsHi = n
}

// ObserveBool is Observe for a truth value.
func (t *Thread) ObserveBool(v bool) bool {
	var n uint64
	if v {
		n = 1
	}
	t.mix(n)
	if rec := t.exec.rec; rec != nil {
		rec.observed(nil, n) // it is no pointer, though the cell may be one
	}
	return v
}

// The places that the package itself knows. A program's own must be smaller.
const (
	placeIdle     = 1<<32 - 1 - iota // before the first step, or an agent between two pieces of work
	placeFinished                    // the function has returned
)

// Forget says that all locals of t are dead and that it is at the place named
// place: of its history, only place and the number of objects it has allocated
// (which names the next one) matter from here on. It fails where t could not
// finish, holding a lock for example, since what it holds is part of what it knows.
// Otherwise the claim is the caller's; a wrong one makes the state hash unsound,
// which CheckStates in the tests finds.
func (t *Thread) Forget(place uint64) {
	t.checkExit()
	t.LoadBarrier() // an exception
	t.forget(place)
}

func (t *Thread) forget(place uint64) {
	e := t.exec
	key, keyHi := t.keys(place)
	n := product(key, uint64(t.allocs)+1^mixKey)
	e.lo ^= t.obs ^ n
	t.obs = n
	if e.wide {
		n = product(keyHi, uint64(t.allocs)+1^mixKeyHi)
		e.hi ^= t.obsHi ^ n
		t.obsHi = n
	}
}

// keys returns a hash of t and place for each lane. Those of the places that every
// execution comes to are kept.
func (t *Thread) keys(place uint64) (lo, hi uint64) {
	if place >= placeFinished {
		k := &t.places[place-placeFinished]
		return k[0], k[1]
	}
	return hashPair(uint64(t.ID)<<32|place, 1), hashPairHi(uint64(t.ID)<<32|place, 1)
}

// keepKeys computes what keys keeps.
func (t *Thread) keepKeys() {
	for i := range t.places {
		at := uint64(t.ID)<<32 | placeFinished + uint64(i)
		t.places[i] = [2]uint64{hashPair(at, 1), hashPairHi(at, 1)}
	}
}

// signal marks, in the state hash, a thread that has got one. No decision has so
// many alternatives.
const signal = 1 << 32

// stir changes the state by something that is neither in a cell nor in what one
// thread has observed.
func (e *Exec) stir(what, v uint64) {
	e.lo ^= hashPair(stirBase|what, v)
	if e.wide {
		e.hi ^= hashPairHi(stirBase|what, v)
	}
}

// stirBase keeps the pairs of stir apart from those of cells.
const stirBase = 1 << 63
