package tlb

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 20_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes a page that two CPUs take away while two run; and CPUs that leave the mm.
func TestStates(t *testing.T) {
	suite.States(t, nil, "1"+"010"+"000"+"010", "0"+"10000"+"11000")
}

// The four lines of the package comment, as a machine of its own that shares nothing with the
// model: two CPUs, in front of whose memory is a store buffer or none.
type machine struct {
	buffers, barrier bool

	pte, mask bool // memory: the entry is there; the bit is set
	buffered  bool // CPU 0 has cleared the entry, which memory has not
	pc        [2]int
	sawBit    bool
	sawEntry  bool
}

// run calls end with every state in which both CPUs are through.
func (m machine) run(end func(m machine)) {
	if m.buffered {
		next := m
		next.pte, next.buffered = false, false
		next.run(end)
	}
	for cpu, pc := range m.pc {
		next := m
		next.pc[cpu]++
		switch {
		case pc == 2:
			continue
		case cpu == 0 && pc == 0 && m.buffers:
			next.buffered = true
		case cpu == 0 && pc == 0:
			next.pte = false
		case cpu == 0:
			if m.barrier && m.buffered {
				continue
			}
			next.sawBit = m.mask
		case pc == 0:
			next.mask = true // LOCK
		default:
			next.sawEntry = m.pte
		}
		next.run(end)
	}
	if m.pc == [2]int{2, 2} {
		end(m)
	}
}

// TestFourLines runs them: that neither CPU sees the other's store takes a store buffer and
// no barrier. The variants of the model fail in the same case and in no other.
func TestFourLines(t *testing.T) {
	for _, p := range Programs() {
		if p.Workload || p.Variant == "4.5-first" {
			continue
		}
		c := map[string]machine{
			"4.4": {}, "4.5": {barrier: true},
			"4.4-tso": {buffers: true}, "4.5-tso": {buffers: true, barrier: true},
		}[p.Variant]
		c.pte = true
		neither := false
		c.run(func(m machine) { neither = neither || m.sawEntry && !m.sawBit })
		if neither != (p.Variant == "4.4-tso") || neither != p.Racy() {
			t.Errorf("%s: neither sees the other: %v; the model fails: %v", p.Variant, neither, p.Racy())
		}
	}
}
