package triage

import "slices"

// mergesLimit is the most blocks of which two merges are tried at once.
const mergesLimit = 16

// A block is a run of decisions for one thread, from is the first of them in
// order.seq.
type block struct {
	thread   int8
	from, to int
}

// blocks cuts a sequence where the thread changes.
func blocks(seq []int8) []block {
	var out []block
	for i, id := range seq {
		if n := len(out); n > 0 && out[n-1].thread == id {
			out[n-1].to = i + 1
		} else {
			out = append(out, block{id, i, i + 1})
		}
	}
	return out
}

// merge takes switches out by moving whole blocks: the next block of the same
// thread is pulled up to one, or one is pushed down to the next, whatever
// lies between them. (Tinertia's two-stage moves: Jalbert and Sen, A Trace
// Simplification Technique for Effective Debugging of Concurrent Programs, FSE
// 2010; ours are re-executed in the same way but may do anything.) Where no
// single merge helps, two at once might.
func (m *minimizer) merge() bool {
	o := orderOf(m.best.log)
	moves := merges(o.seq)
	for _, seq := range moves {
		if m.stopped() {
			return false
		}
		if m.proposeOrder(seq) {
			return true
		}
	}
	if len(blocks(o.seq)) > mergesLimit {
		return false
	}
	for _, once := range moves {
		for _, seq := range merges(once) {
			if m.stopped() {
				return false
			}
			if m.proposeOrder(seq) {
				return true
			}
		}
	}
	return false
}

// proposeOrder proposes best with its threads in another order.
func (m *minimizer) proposeOrder(seq []int8) bool {
	o := orderOf(m.best.log)
	o.seq = slices.Clone(seq)
	return m.propose(o)
}

// merges returns every sequence that one move makes of seq: two blocks of a
// thread brought together at the place of the first or of the second, two
// neighbours exchanged, a block dropped, and a border between two blocks moved
// by one.
func merges(seq []int8) [][]int8 {
	var out [][]int8
	bs := blocks(seq)
	for i, a := range bs {
		for _, b := range bs[i+1:] {
			if b.thread == a.thread {
				out = append(out,
					rotate(seq, a.to, b.from, b.to),   // b to a
					rotate(seq, a.from, a.to, b.from)) // a to b
				break
			}
		}
		if i+1 < len(bs) {
			b := bs[i+1]
			out = append(out,
				rotate(seq, a.from, a.to, b.to),
				rotate(seq, a.to-1, a.to, b.to),       // a stops one earlier
				rotate(seq, a.from, b.from, b.from+1)) // b begins one earlier
		}
		out = append(out, slices.Delete(slices.Clone(seq), a.from, a.to))
	}
	return out
}

// rotate returns seq with seq[b:c] before seq[a:b].
func rotate(seq []int8, a, b, c int) []int8 {
	return slices.Concat(seq[:a], seq[b:c], seq[a:b], seq[c:])
}
