package corpus

import (
	"container/heap"
	"slices"
)

// Distil returns a small subset of n things that covers whatever all of them cover: the
// numbers of those to keep, ascending. covers is called once for each number from 0 to
// n-1 and returns what that one covers, in any order; Distil does not keep the slice.
//
// The smallest such subset is hard to find (set cover is NP-hard). This is the greedy one:
// whatever covers most that is new goes first, and the lower number where that is the
// same, so put simpler things first. Then what the others cover anyway is dropped again.
// Greedy takes at most ln(m)+1 times as many as needed, where m is what the largest covers;
// no algorithm that is fast does better (Feige, A Threshold of ln n for Approximating Set
// Cover, 1998).
func Distil(n int, covers func(i int) []uint64) []int {
	d := newDistiller(n, covers)
	for d.queue.Len() > 0 {
		c := &d.queue[0]
		gain := d.gain(c.i)
		switch {
		case gain == 0:
			heap.Pop(&d.queue)
		case gain < c.gain: // what covers it was taken meanwhile; gains only fall
			c.gain = gain
			heap.Fix(&d.queue, 0)
		default:
			d.take(heap.Pop(&d.queue).(candidate).i)
		}
	}
	return d.needed()
}

type distiller struct {
	sets  [][]uint32 // what each covers, numbered from 0, once each
	times []int      // how many of those taken cover it
	taken []int      // in order
	queue candidates
}

// A candidate is a thing with what it adds to those taken, or did when last counted.
type candidate struct{ i, gain int }

func newDistiller(n int, covers func(i int) []uint64) *distiller {
	d := &distiller{sets: make([][]uint32, n)}
	numbers := map[uint64]uint32{}
	for i := range n {
		var set []uint32
		for _, x := range covers(i) {
			number, ok := numbers[x]
			if !ok {
				number = uint32(len(numbers))
				numbers[x] = number
			}
			set = append(set, number)
		}
		slices.Sort(set)
		d.sets[i] = slices.Compact(set)
		d.queue = append(d.queue, candidate{i, len(d.sets[i])})
	}
	d.times = make([]int, len(numbers))
	heap.Init(&d.queue)
	return d
}

func (d *distiller) gain(i int) int {
	gain := 0
	for _, x := range d.sets[i] {
		if d.times[x] == 0 {
			gain++
		}
	}
	return gain
}

func (d *distiller) take(i int) {
	d.taken = append(d.taken, i)
	for _, x := range d.sets[i] {
		d.times[x]++
	}
}

// needed drops what the rest covers, the least first, and returns the rest.
func (d *distiller) needed() []int {
	var kept []int
	for _, i := range slices.Backward(d.taken) {
		if slices.ContainsFunc(d.sets[i], func(x uint32) bool { return d.times[x] == 1 }) {
			kept = append(kept, i)
			continue
		}
		for _, x := range d.sets[i] {
			d.times[x]--
		}
	}
	slices.Sort(kept)
	return kept
}

// candidates is a heap, the best first.
type candidates []candidate

func (c candidates) Len() int      { return len(c) }
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }

func (c candidates) Less(i, j int) bool {
	return c[i].gain > c[j].gain || c[i].gain == c[j].gain && c[i].i < c[j].i
}

func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}
