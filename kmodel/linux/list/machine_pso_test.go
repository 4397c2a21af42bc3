package list_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A drawer draws instructions, and keeps account of what is on a list if all that it has drawn is
// done in that order.
type drawer struct {
	*rand.Rand
	rcu  bool // there is one list alone, from which nodes are taken off for RCU, and not put back
	late bool // who has drawn before may do it after, and not find a node that is gone
	on   [4]bool
	gone [4]bool
	reg  int8
}

// drawReordered returns a random program of which one CPU changes lists, with the lock, by up to
// three operations, and stores words among them, and one or two others look, mostly without.
func drawReordered(rng *rand.Rand) *[cpus][]instr {
	d := &drawer{Rand: rng, rcu: rng.IntN(2) == 0, on: [4]bool{1: true, 2: true}}
	code := new([cpus][]instr)
	code[0] = append(code[0], instr{kind: lock})
	for range 1 + rng.IntN(3) {
		if rng.IntN(3) == 0 {
			code[0] = append(code[0], d.draw(st, stRelease, wmb))
		}
		code[0] = append(code[0], d.change()...)
	}
	code[0] = append(code[0], instr{kind: unlock})
	d.late = true
	for i := 1; i < 2+rng.IntN(cpus-1); i++ {
		for range 1 + rng.IntN(3) {
			code[i] = append(code[i], d.look()...)
		}
	}
	if rng.IntN(4) == 0 {
		code[1] = slices.Concat([]instr{{kind: lock}}, code[1], d.change(), []instr{{kind: unlock}})
	}
	return code
}

// draw returns an instruction of one of the kinds.
func (d *drawer) draw(kinds ...kind) instr {
	d.reg++
	in := instr{
		kind: kinds[d.IntN(len(kinds))], x: int8(d.IntN(2)), node: 1 + int8(d.IntN(3)), which: d.reg,
	}
	if d.rcu && in.kind >= headEmpty {
		in.x = 0
	}
	return in
}

// look is a load, and perhaps a walk from there.
func (d *drawer) look() []instr {
	kinds := []kind{ld, headEmpty, nodeEmpty, first, first, last, prev}
	if d.rcu {
		kinds = kinds[:len(kinds)-1] // of what is poisoned
	}
	in := d.draw(kinds...)
	out := []instr{in}
	if in.kind == first {
		for range 1 + d.IntN(2) {
			out = append(out, instr{kind: next, x: in.x, which: in.which})
		}
	}
	return out
}

// change is an operation, with the test whether the kernel would have done it.
func (d *drawer) change() []instr {
	in := d.draw(takeOff)
	test := instr{kind: nodeEmpty, x: in.x, node: in.node, which: in.which}
	switch {
	case d.gone[in.node]:
		return nil
	case !d.rcu && d.IntN(5) == 0:
		in.kind, in.want, test.kind = splice, truth(true), headEmpty
	case !d.on[in.node]:
		in.kind, in.want = []kind{add, addTail, addRcu, addTailRcu}[d.IntN(4)], truth(true)
		d.on[in.node] = true
	case d.IntN(2) == 0:
		in.kind = []kind{move, moveTail}[d.IntN(2)]
	default:
		if d.rcu && !d.late && d.IntN(3) > 0 {
			in.kind, d.gone[in.node] = takeOffRcu, true
		}
		d.on[in.node] = false
	}
	return []instr{test, in}
}

// fits reports whether there is room for all that each CPU stores before it has to wait.
func fits(code *[cpus][]instr) bool {
	words := map[kind]int{
		st: 1, stRelease: 1, unlock: 1, add: 4, addTail: 3, addRcu: 4, addTailRcu: 3,
		takeOff: 4, takeOffRcu: 3, move: 6, moveTail: 5, splice: 6,
	}
	for _, c := range code {
		n := 0
		for _, in := range c {
			if in.kind == mfence || in.kind == lock {
				n = 0
			}
			if n += words[in.kind]; n > 8 {
				return false
			}
		}
	}
	return true
}

// TestListMachinePSO is TestListMachine where stores pass stores: what the machine does if an
// operation gets to memory at once happens where the buffer is large enough, and no more than it
// does if the stores of an operation pass each other too.
func TestListMachinePSO(t *testing.T) {
	rng, n := rand.New(rand.NewPCG(5, 6)), 200
	if testing.Short() {
		n = 20
	}
	ways, sure := 0, 0
	for i := range n {
		code := drawReordered(rng)
		got, whole := map[string]bool{}, map[string]bool{}
		newListMachine(code, true, true).ends(map[listMachine]bool{}, whole)
		rep := explore.Last(explore.Exhaust(t.Context(),
			randomLists((*schedule.Exec).ReorderStores, code, got),
			explore.Options{Bound: explore.Unbounded}))
		if !rep.Complete() || len(rep.Endings) != 1 {
			t.Fatalf("program %d: %v: %s: %+v", i, *code, rep.Coverage(), rep.Endings)
		}
		ways += len(got)
		missing, more := without(whole, got), without(got, whole)
		if fits(code) {
			if sure++; len(missing) > 0 {
				t.Fatalf("program %d: %v\ndoes not end with %v", i, *code, missing)
			}
		}
		if len(more) > 0 {
			may := map[string]bool{}
			newListMachine(code, false, true).ends(map[listMachine]bool{}, may)
			if more = without(got, may); len(more) > 0 {
				t.Fatalf("program %d: %v\nends with %v\nthe machine with %v", i, *code, more,
					slices.Sorted(maps.Keys(may)))
			}
		}
	}
	t.Logf("%d ways to end; the buffer is large enough in %d programs", ways, sure)
}

// without returns what is in a and not in b.
func without(a, b map[string]bool) []string {
	a = maps.Clone(a)
	maps.DeleteFunc(a, func(end string, _ bool) bool { return b[end] })
	return slices.Sorted(maps.Keys(a))
}
