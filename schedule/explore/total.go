package explore

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"
)

// Counting all executions, however many.
//
// The number of paths from node 0 to each node is the sum over the edges that lead
// there, taken in topological order, in one pass over the exhausted graph. The numbers
// have hundreds of digits in a program with hundreds of steps, so they are made of
// words, as many for each node as turn out to be needed: a pass that overflows is
// done again with twice as many. Bounds by preemptions, which count.go counts word by
// word, play no part.

// totals sets g.all and the same of each ending.
func (g *graph) totals(l *layout) {
	t := tally{words: 1}
	for !t.count(l, len(g.known)) {
		t.words *= 2
	}
	g.all = new(big.Int)
	for i, end := range g.known {
		end.all = t.number(t.ends, i)
		g.all.Add(g.all, end.all)
	}
}

// A tally holds one number of so many words, the least significant first, for each
// node and for each ending.
type tally struct {
	words       int
	nodes, ends []uint64
}

// count counts the paths to each node and ending. It reports false if they do not fit.
func (t *tally) count(l *layout, endings int) bool {
	n := t.words * len(l.calm)
	t.nodes = slices.Grow(t.nodes[:0], n)[:n]
	clear(t.nodes)
	t.ends = make([]uint64, t.words*endings)
	t.nodes[0] = 1
	for i := range l.calm {
		n := t.at(t.nodes, i)
		for _, to := range l.to[l.first[i]:l.first[i+1]] {
			numbers := t.nodes
			if to >= terminal {
				numbers = t.ends
			}
			if carry := add(t.at(numbers, int(to&^terminal)), n); carry != 0 {
				return false
			}
		}
	}
	return true
}

func (t *tally) at(numbers []uint64, i int) []uint64 {
	return numbers[i*t.words : (i+1)*t.words]
}

// add adds n to sum, of as many words, and returns what does not fit.
func add(sum, n []uint64) (carry uint64) {
	for i := range sum {
		sum[i], carry = bits.Add64(sum[i], n[i], carry)
	}
	return carry
}

func (t *tally) number(numbers []uint64, i int) *big.Int {
	n := t.at(numbers, i)
	buf := make([]byte, 0, 8*len(n))
	for j := len(n) - 1; j >= 0; j-- {
		buf = binary.BigEndian.AppendUint64(buf, n[j])
	}
	return new(big.Int).SetBytes(buf)
}
