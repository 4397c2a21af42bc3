package schedule_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// A slowSet is a Set that nobody would get wrong.
type slowSet [MaxThreads]bool

func (s *slowSet) members() []int {
	out := []int{}
	for id, in := range s {
		if in {
			out = append(out, id)
		}
	}
	return out
}

// merge returns f of what each thread is in s and in u.
func (s slowSet) merge(u slowSet, f func(a, b bool) bool) slowSet {
	for id := range s {
		s[id] = f(s[id], u[id])
	}
	return s
}

// TestSet does the same to Sets and to slow ones, at random, and compares all that can be
// asked of them.
func TestSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var sets [4]Set
	var slow [4]slowSet
	nonEmpty := 0
	for i := range 20_000 {
		to, from, id := rng.IntN(4), rng.IntN(4), rng.IntN(MaxThreads)
		a, b := slow[to], slow[from]
		switch op := rng.IntN(16); {
		case op < 6:
			sets[to] = sets[to].With(id)
			slow[to][id] = true
		case op < 10:
			sets[to] = sets[to].Without(id)
			slow[to][id] = false
		case op == 10:
			sets[to] = sets[to].Union(sets[from])
			slow[to] = a.merge(b, func(a, b bool) bool { return a || b })
		case op == 11:
			sets[to] = sets[to].Minus(sets[from])
			slow[to] = a.merge(b, func(a, b bool) bool { return a && !b })
		case op == 12:
			sets[to] = SetOf(id, (id+64)%MaxThreads)
			slow[to] = slowSet{}
			slow[to][id], slow[to][(id+64)%MaxThreads] = true, true
		case !sets[to].Empty():
			slow[to][sets[to].First()] = false
			sets[to] = sets[to].Rest()
		}
		checkSet(t, sets[to], &slow[to])
		common := slow[to].merge(slow[from], func(a, b bool) bool { return a && b })
		if got := sets[to].Intersects(sets[from]); got != (common != slowSet{}) {
			t.Fatalf("%v intersects %v: %v", sets[to], sets[from], got)
		}
		if got := sets[to] == sets[from]; got != (slow[to] == slow[from]) {
			t.Fatalf("%v == %v: %v", sets[to], sets[from], got)
		}
		if !sets[to].Empty() {
			nonEmpty++
		}
		if t.Failed() {
			t.Fatalf("after %d operations", i+1)
		}
	}
	if nonEmpty < 15_000 {
		t.Errorf("only %d sets were not empty", nonEmpty)
	}
}

// checkSet compares what s says of itself with what slow says.
func checkSet(t *testing.T, s Set, slow *slowSet) {
	t.Helper()
	members := slow.members()
	if got := slices.AppendSeq([]int{}, s.All); !slices.Equal(got, members) {
		t.Errorf("has %v, want %v", got, members)
	}
	if s.Len() != len(members) || s.Empty() != (len(members) == 0) {
		t.Errorf("%v: %d threads, empty %v", s, s.Len(), s.Empty())
	}
	for n, id := range members {
		if s.Nth(n) != id || s.Below(id) != n {
			t.Errorf("%v: the one above %d others is %d; %d is above %d", s, n, s.Nth(n), id, s.Below(id))
		}
	}
	lo, hi := s.Words()
	for id, in := range slow {
		bit := lo>>id&1 | hi>>(max(id, 64)-64)&1
		if id < 64 {
			bit = lo >> id & 1
		}
		if s.Has(id) != in || (bit != 0) != in {
			t.Errorf("%v has %d: %v, in words %d", s, id, s.Has(id), bit)
		}
	}
	if len(members) > 0 && s.First() != members[0] {
		t.Errorf("%v begins with %d", s, s.First())
	}
}

// TestSetNone: numbers of no thread are in no set.
func TestSetNone(t *testing.T) {
	s := SetOf(0, 63, 64, 127)
	for _, id := range []int{-1, MaxThreads, MaxThreads + 64} {
		if s.Has(id) || s.With(id) != s || s.Without(id) != s {
			t.Errorf("%v has %d", s, id)
		}
	}
	if got := s.String(); got != "{0 63 64 127}" {
		t.Error(got)
	}
	if got := (Set{}).String(); got != "{}" {
		t.Error(got)
	}
	for id := range s.All {
		if id > 0 {
			break // and no more
		}
	}
}
