package gup

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes workloads that have all calls: a write against madvise(); two writes against a
// read and madvise(). Where there is a userfaultfd: a write against madvise() and UFFDIO_CONTINUE;
// the same with a write more and a read.
func TestStates(t *testing.T) {
	verify.Suite{Programs: model.Programs()}.States(t, nil,
		"0"+"0"+"00"+"01", "1"+"1"+"00"+"00"+"121")
	verify.Suite{Programs: continues.Programs()}.States(t, nil,
		"0"+"1"+"00"+"113", "1"+"0"+"00"+"102"+"113")
}

// TestReadFault: where a userfaultfd wants to know, a fault of who reads maps nothing.
func TestReadFault(t *testing.T) {
	for _, v := range continues.Variants {
		s := newSystem(v.Changes)
		s.mapped = shmemMinor
		begin := func(e *schedule.Exec) {
			s.boot(e, false)
			e.Go("read", s.memRead)
		}
		r := schedule.NewRunner(schedule.Program{New: func() func(*schedule.Exec) { return begin }})
		defer r.Close()
		if res := r.RunTape(nil); res.Outcome != schedule.Pass || !s.table.pte.value().none() {
			t.Errorf("%s: %v, mapped: %v", v.Name, res.Outcome, s.table.pte.value())
		}
	}
}
