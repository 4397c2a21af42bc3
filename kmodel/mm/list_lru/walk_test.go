package listlru

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var walkSuite = verify.Suite{Programs: Walks()}

func TestWalkVerdicts(t *testing.T)    { walkSuite.Verdicts(t) }
func TestWalkCounts(t *testing.T)      { walkSuite.Counts(t, "testdata/counts-walk.txt") }
func TestWalkWorkloads(t *testing.T)   { walkSuite.Workloads(t, 20_000) }
func TestWalkDeterminism(t *testing.T) { walkSuite.Determinism(t) }
func TestWalkAllocs(t *testing.T)      { walkSuite.Allocs(t) }

// TestWalkStates takes workloads of two threads and three inodes: all have pages; one has.
func TestWalkStates(t *testing.T) {
	walkSuite.States(t, nil, "0000"+"0"+"00"+"00", "0101"+"0"+"110"+"00")
}

// TestWalkBudget is how many of three inodes without pages a walk takes, by its budget: the
// code of June 2013 looks at one more, 5cedf721a7cd at one less, and at all for 0.
func TestWalkBudget(t *testing.T) {
	wants := map[string][]int{
		"next-2013": {1, 2, 3, 3, 3}, "3.12-rc": {3, 0, 1, 2, 3}, "3.12": {0, 1, 2, 3, 3},
	}
	for _, v := range walks.Variants {
		for budget, want := range wants[v.Name] {
			s := newWalkSystem(v.Changes)
			prune := func(t *schedule.Thread) { s.pruneIcacheSb(t, budget, &s.freeable[0]) }
			begin := func(e *schedule.Exec) {
				s.BootGlobals(e)
				for range maxInodes {
					s.bootInode(e, 0)
				}
				e.Go("kswapd", prune)
				rcu.Boot(e, rcu.Split)
			}
			r := schedule.NewRunner(schedule.Program{Name: "budget",
				New: func() func(*schedule.Exec) { return begin }})
			res := r.RunTape(nil)
			r.Close()
			if got := maxInodes - s.nlru.nrItems.Peek(); got != want || res.Outcome != schedule.Pass {
				t.Errorf("%s: budget %d: %d taken, want %d; %v", v.Name, budget, got, want, res.Outcome)
			}
		}
	}
}
