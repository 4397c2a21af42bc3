package sample_test

import (
	"math"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// A bystander is PCT as the paper has it, on threads of [program], in plain steps: what is
// compared with the sampler.
type bystander struct {
	threads []string
	next    []int // of the steps of a thread
	order   []byte
}

// enabled reports whether a thread can take a step.
func (b *bystander) enabled(id int) bool {
	if b.next[id] == len(b.threads[id]) {
		return false
	}
	s := b.threads[id][b.next[id]]
	return s < '0' || s > '9' || len(b.order) >= int(s-'0')
}

// run returns the order of the accesses to the shared word by threads of these priorities, the
// highest first, of which the one that takes step changes[i] gets the priority -1-i.
func (b *bystander) run(priority, changes []int) string {
	b.next, b.order = make([]int, len(b.threads)), nil
	for step := 1; ; step++ {
		best := -1
		for id := range b.threads {
			if b.enabled(id) && (best < 0 || priority[id] > priority[best]) {
				best = id
			}
		}
		if best < 0 {
			return string(b.order)
		}
		if b.threads[best][b.next[best]] != 'o' {
			b.order = append(b.order, byte('a'+best))
		}
		b.next[best]++
		for i, at := range changes {
			if at == step {
				priority[best] = -1 - i
			}
		}
	}
}

// steps returns how many steps an execution has.
func (b *bystander) steps() (k int) {
	for _, s := range b.threads {
		k += len(s)
	}
	return k
}

// enumerate runs every draw of priorities and changes once, and returns how often each order
// came up, and how many draws there are.
func (b *bystander) enumerate(depth int) (orders map[string]int, draws int) {
	orders = map[string]int{}
	k := b.steps()
	changes := make([]int, depth-1)
	for _, priority := range permutations(len(b.threads)) {
		for i := range int(math.Pow(float64(k), float64(depth-1))) {
			for j := range changes {
				changes[j] = 1 + i%k
				i /= k
			}
			orders[b.run(append([]int(nil), priority...), changes)]++
			draws++
		}
	}
	return orders, draws
}

// permutations returns all of the numbers below n.
func permutations(n int) (out [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range permutations(n - 1) {
		for i := range n {
			q := append(append(append([]int(nil), p[:i]...), n-1), p[i:]...)
			out = append(out, q)
		}
	}
	return out
}

// TestPCT compares how often each order comes up with how many of all draws of the paper's
// algorithm show it, by five standard deviations and by chi-square, and both with the paper's
// bound: an order that takes d constraints has probability 1/(n k^(d-1)) at least, for n
// threads and k steps. In the last but two nothing is decided at the second step and the third,
// which are of two threads, and a change at the first is of one that waits then.
func TestPCT(t *testing.T) {
	runs := 50_000
	if testing.Short() {
		runs = 10_000
	}
	for _, test := range []struct {
		threads []string
		order   string // takes depth constraints, or fewer
		depth   int
		draws   int // by hand or elsewhere; 0: not counted
	}{
		{[]string{"s", "ooooooooos"}, "ba", 1, 1},
		{[]string{"ss", "s"}, "aba", 2, 0},
		{[]string{"ooosooos", "s"}, "aba", 2, 4},
		{[]string{"ss", "ss"}, "abab", 3, 0},
		{[]string{"osos", "soo", "sooo"}, "abca", 3, 0},
		{[]string{"s", "ss", "ss"}, "cbabc", 4, 12},
		{[]string{"sss", "ss"}, "ababa", 4, 0},
		{[]string{"s3", "1", "2s"}, "abcca", 2, 0},
		{[]string{"sss", "sss"}, "ababab", 5, 0},
		{[]string{"os", "oss", "osss"}, "cbcabc", 5, 0},
	} {
		b := &bystander{threads: test.threads}
		orders, draws := b.enumerate(test.depth)
		bound := 1 / (float64(len(test.threads)) * math.Pow(float64(b.steps()), float64(test.depth-1)))
		exact := float64(orders[test.order]) / float64(draws)
		if exact < bound || test.draws > 0 && orders[test.order] != test.draws {
			t.Errorf("%v as %s: %d of %d draws", test.threads, test.order, orders[test.order], draws)
		}
		got := count(t, sample.NewPCT(1, test.depth), 1, runs, test.threads...)
		near(t, test.order, got[test.order], runs, exact)
		chi, free := 0.0, float64(len(orders)-1)
		for order, n := range orders {
			want := float64(runs) * float64(n) / float64(draws)
			d := float64(got[order]) - want
			chi += d * d / want
			delete(got, order)
		}
		if chi > free+5*math.Sqrt(2*free) || len(got) > 0 {
			t.Errorf("%v, depth %d: chi-square %.0f with %.0f degrees of freedom, also %v",
				test.threads, test.depth, chi, free, got)
		}
		t.Logf("%v as %s: %d of %d draws, 1 in %.0f; the bound is 1 in %.0f",
			test.threads, test.order, orders[test.order], draws, 1/exact, 1/bound)
	}
}

// TestPCTUnstarted: where a thread that has taken no step must wait for one that was changed, no
// draw of the paper's algorithm has it wait, whatever the depth. A step before makes it possible.
func TestPCTUnstarted(t *testing.T) {
	for depth := 1; depth <= 5; depth++ {
		orders, _ := (&bystander{threads: []string{"ss", "s", "s"}}).enumerate(depth)
		if n := orders["abac"]; n != 0 {
			t.Errorf("depth %d: %d draws", depth, n)
		}
	}
	started := &bystander{threads: []string{"oss", "os", "os"}}
	if orders, _ := started.enumerate(3); orders["abac"] == 0 {
		t.Error("no draw with a step before")
	}
}
