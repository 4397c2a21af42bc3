package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// A Set is a set of threads, by their numbers: those that are enabled, mostly. The zero
// value is empty, and two are compared with ==.
//
// A number is below [MaxThreads]; for any other, Has is false, and With and Without return
// the set as it is.
type Set struct {
	lo, hi uint64 // threads 0 to 63, and from 64 on
}

// wordBits is the number of the first thread of Set.hi. Shifted by a negative number as an
// unsigned one, which is large, a word is 0: so the methods that take a thread do not ask
// which word it is in.
const wordBits = 64

// SetOf returns the set of those threads.
func SetOf(threads ...int) (s Set) {
	for _, id := range threads {
		s = s.With(id)
	}
	return s
}

// Empty reports whether s has no threads.
func (s Set) Empty() bool { return s.lo|s.hi == 0 }

// Len returns how many threads s has.
func (s Set) Len() int {
	if s.hi == 0 {
		return bits.OnesCount64(s.lo)
	}
	return bits.OnesCount64(s.lo) + bits.OnesCount64(s.hi)
}

// Has reports whether s has the thread.
func (s Set) Has(id int) bool { return (s.lo>>uint(id)|s.hi>>uint(id-wordBits))&1 != 0 }

// With returns s and the thread.
func (s Set) With(id int) Set {
	return Set{s.lo | 1<<uint(id), s.hi | 1<<uint(id-wordBits)}
}

// Without returns s but for the thread.
func (s Set) Without(id int) Set {
	return Set{s.lo &^ (1 << uint(id)), s.hi &^ (1 << uint(id-wordBits))}
}

// Union returns the threads of s and those of u.
func (s Set) Union(u Set) Set { return Set{s.lo | u.lo, s.hi | u.hi} }

// Minus returns the threads of s that u has not.
func (s Set) Minus(u Set) Set { return Set{s.lo &^ u.lo, s.hi &^ u.hi} }

// Intersects reports whether s and u have a thread in common.
func (s Set) Intersects(u Set) bool { return s.lo&u.lo|s.hi&u.hi != 0 }

// First returns the lowest thread of s, which must not be empty.
func (s Set) First() int {
	if s.lo != 0 {
		return bits.TrailingZeros64(s.lo)
	}
	return wordBits + bits.TrailingZeros64(s.hi)
}

// Rest returns s but for its lowest thread.
func (s Set) Rest() Set {
	if s.lo != 0 {
		return Set{s.lo & (s.lo - 1), s.hi}
	}
	return Set{0, s.hi & (s.hi - 1)}
}

// Nth returns the thread of s that n others are below, n from 0. There must be so many.
func (s Set) Nth(n int) int {
	word, first := s.lo, 0
	if low := bits.OnesCount64(s.lo); n >= low {
		word, first, n = s.hi, wordBits, n-low
	}
	for ; n > 0; n-- {
		word &= word - 1
	}
	return first + bits.TrailingZeros64(word)
}

// Below returns how many threads of s are below the given one.
func (s Set) Below(id int) int {
	return bits.OnesCount64(s.lo&(1<<uint(id)-1)) +
		bits.OnesCount64(s.hi&(1<<uint(max(id-wordBits, 0))-1))
}

// All calls yield with the threads of s in ascending order. It is as short as it must be to
// be inlined, without which a loop over it takes three times as long.
func (s Set) All(yield func(id int) bool) {
	for ; s != (Set{}) && yield(s.First()); s = s.Rest() {
	}
}

// Words returns s as bits, for hashes: threads 0 to 63 in lo, and those from 64 on in hi.
func (s Set) Words() (lo, hi uint64) { return s.lo, s.hi }

// String returns the numbers of the threads in braces, such as {0 2 71}.
func (s Set) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for id := range s.All {
		if b.Len() > 1 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(id))
	}
	b.WriteByte('}')
	return b.String()
}

// Bit returns the bit that stands for t in a cell that holds a set of threads. It panics
// if t has none, as from the 65th thread on: a cell is one word.
func (t *Thread) Bit() uint64 {
	if t.ID >= wordBits {
		panic(fmt.Sprintf("schedule: thread %d in a cell that holds a set of threads: it has %d bits",
			t.ID, wordBits))
	}
	return 1 << uint(t.ID)
}
