package kthread

import (
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/powerpc"
	"github.com/kschedfuzz/kschedfuzz/kmodel/arch/sparc"
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	mm "github.com/kschedfuzz/kschedfuzz/kmodel/linux/mmu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// variants of all architectures.
var variants = append(sparc.Variants(), powerpc.Variants()...)

// suite is all programs but those that are as another one.
var suite = verify.Suite{
	Programs: slices.DeleteFunc(Programs(variants...), func(p program.Program) bool {
		return twin(p) != ""
	}),
	Mute:  muteLost,
	Large: large,
}

// large says which programs have states by the hundred thousand, or, for those in a hurry,
// by the ten thousand.
func large(p program.Program) bool {
	switch p.Scenario {
	case "madvise-vs-reclaim":
		return trims(p) || testing.Short()
	case "kthread_use_mm-vs-munmap-third":
		return p.Variant == "sparc-ipi-c5" || testing.Short()
	}
	return false
}

// trims reports whether in the variant a flush from anywhere may trim.
func trims(p program.Program) bool {
	return strings.HasPrefix(p.Variant, "powerpc-5.12") || strings.HasPrefix(p.Variant, "powerpc-6.4")
}

// twin returns the variant that p is step by step the same as, or "". The proposal for 6.4
// changes what a CPU does that trims itself outside of any interrupt. Where the only CPU
// that flushes and does not run the mm is one that has never had it, none does.
func twin(p program.Program) string {
	if p.Variant == "powerpc-6.4-irqs" && !p.Workload && p.Scenario != "madvise-vs-reclaim-lazy" {
		return "powerpc-6.4"
	}
	return ""
}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { sampled().Workloads(t, 40_000) }
func TestDeterminism(t *testing.T) { hurried().Determinism(t) }
func TestAllocs(t *testing.T)      { hurried().Allocs(t) }

// sampled is hurried without the workload whose failure takes random executions by the hundred
// thousand. TestWorkloadRows knows a choice of threads and calls that has it.
func sampled() verify.Suite {
	s := hurried()
	s.Programs = slices.DeleteFunc(slices.Clone(s.Programs), func(p program.Program) bool {
		return p.Workload && p.Variant == "powerpc-6.4"
	})
	return s
}

// hurried is the suite, or with -short the workloads and what they do not do. Those of
// which it takes long to find the failure that another one has as well are left out.
func hurried() verify.Suite {
	s := suite
	if testing.Short() {
		s.Programs = slices.DeleteFunc(slices.Clone(s.Programs), func(p program.Program) bool {
			switch p.Scenario {
			case "workload":
				return p.Variant == "powerpc-5.12-c7"
			case "cpu_down-vs-munmap", "mmget-vs-munmap":
				return false
			}
			return true
		})
	}
	return s
}

// TestOneMistake has kthread_use_mm() make one of the two mistakes of sparc-ipi-c2 at a time,
// interrupts on or current->mm set last: no fixed scenario fails.
func TestOneMistake(t *testing.T) {
	i := slices.IndexFunc(variants, func(v mm.Variant) bool { return v.Name == "sparc-ipi" })
	for name, mistake := range map[string]mm.UseMm{"irqs-on": mm.IrqsOn, "mm-last": mm.MmLast} {
		v := variants[i]
		v.UseMm = mistake
		for j := range scenarios {
			sc := &scenarios[j]
			p := program.Program{Object: "kernel/kthread", Scenario: sc.name, Variant: name,
				New: func() program.Instance { return sc.instance(newSystem(&v)) }}
			if sc.workload() || large(p) {
				continue
			}
			if endings := verify.Exhaust(t, p, 0).Endings; slices.ContainsFunc(endings, failing) {
				t.Errorf("%s: %v", p.Name(), endings)
			}
		}
	}
}

func failing(end explore.Ending) bool { return end.Outcome == schedule.Fail }

// TestTwins holds programs against those that they are the same as: the same executions by
// ending and preemptions, the same states and classes. With -short it looks at no more than
// one preemption, and at no classes.
func TestTwins(t *testing.T) {
	for _, p := range Programs(variants...) {
		if twin(p) == "" || testing.Short() && large(p) {
			continue
		}
		q := p
		for _, other := range suite.Programs {
			if other.Scenario == p.Scenario && other.Variant == twin(p) {
				q = other
			}
		}
		if q.Variant == p.Variant || !slices.Equal(p.Expect, q.Expect) {
			t.Fatalf("%s is expected to fail otherwise than %s", p.Name(), q.Name())
		}
		opt := explore.Options{Bound: explore.Unbounded}
		if testing.Short() {
			opt.Bound = 1
		}
		got, want := verify.Explore(p, opt), verify.Explore(q, opt)
		if got.Nodes != want.Nodes || !slices.Equal(got.Executions, want.Executions) ||
			!slices.EqualFunc(got.Endings, want.Endings, sameEnding) {
			t.Errorf("%s differs from %s: %v executions, want %v", p.Name(), q.Name(),
				got.Executions, want.Executions)
		}
		if testing.Short() {
			continue
		}
		n, few := verify.Classes(t, p)
		if want, alike := verify.Classes(t, q); n != want || few != alike {
			t.Errorf("%s has %d classes, %s %d", p.Name(), n, q.Name(), want)
		}
	}
}

func sameEnding(a, b explore.Ending) bool {
	return a.Outcome == b.Outcome && a.Kind == b.Kind && slices.Equal(a.Executions, b.Executions)
}

// TestStates takes the fixed programs, and a few workloads that between them make every
// call.
func TestStates(t *testing.T) {
	suite.States(t, nil,
		"0"+"20001"+"0200101",      // two CPUs: munmap twice; read, read both, lazy
		"1"+"130"+"121000"+"01001", // three: a second thread of the process; read, lazy
		"1"+"23021"+"0211010"+"1120",
	)
}
