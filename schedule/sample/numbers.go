package sample

import "math/rand/v2"

// numbers are the random words of a sampler. They can be kept, and given again: then
// words that are given come first, and random ones after them. A schedule that a sampler has
// drawn is one of its tapes of numbers, and one that differs in a few of them is drawn by
// nearly the same priorities: what FEST mutates.
type numbers struct {
	rand.PCG
	keep  bool
	given []uint64
	taken []uint64 // in this execution
}

// Uint64 returns the next word.
func (n *numbers) Uint64() uint64 {
	if n.keep {
		return n.kept()
	}
	return n.PCG.Uint64()
}

// kept is Uint64 where they are kept: apart, so that Uint64 is inlined.
func (n *numbers) kept() uint64 {
	i := len(n.taken)
	if i < len(n.given) {
		n.taken = append(n.taken, n.given[i])
	} else {
		n.taken = append(n.taken, n.PCG.Uint64())
	}
	return n.taken[i]
}

// BeginWith is Begin with random words to be drawn first, which must not be changed before
// the next execution begins. The words of the execution are [POS.Numbers].
func (p *POS) BeginWith(words []uint64) {
	p.pcg.keep, p.pcg.given, p.pcg.taken = true, words, p.pcg.taken[:0]
	p.begin()
}

// Numbers returns the random words that were drawn in an execution that [POS.BeginWith] has
// begun. They are valid until the next.
func (p *POS) Numbers() []uint64 { return p.pcg.taken }
