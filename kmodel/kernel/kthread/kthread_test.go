package kthread

import (
	"context"
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

// large says which programs have about a hundred thousand states.
func large(p program.Program) bool {
	return p.Scenario == "madvise-vs-reclaim" && trims(p) ||
		p.Scenario == "kthread_use_mm-vs-munmap-third" && p.Variant == "sparc-ipi-c5"
}

// trims reports whether in the variant a flush from anywhere may trim.
func trims(p program.Program) bool {
	return strings.HasPrefix(p.Variant, "powerpc-5.13") || strings.HasPrefix(p.Variant, "powerpc-6.4")
}

// twin returns the variant that p is step by step the same as, or "". 6.4 and its proposal
// change what a CPU does that trims itself outside of any interrupt. Where the only CPU
// that flushes and does not run the mm is one that has never had it, none does.
func twin(p program.Program) string {
	switch p.Variant {
	case "powerpc-6.4", "powerpc-6.4-irqs":
		if !p.Workload && p.Scenario != "madvise-vs-reclaim-lazy" {
			return "powerpc-5.13"
		}
	}
	return ""
}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestTwins holds programs against those that they are the same as: the same executions by
// ending and preemptions, and the same states, with as many preemptions as there is time
// for.
func TestTwins(t *testing.T) {
	for _, p := range Programs(variants...) {
		if twin(p) == "" {
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
		bound := 4
		if large(p) || testing.Short() {
			bound = 1
		}
		got, want := bounded(p, bound), bounded(q, bound)
		if got.Nodes != want.Nodes || !slices.Equal(got.Executions, want.Executions) ||
			!slices.EqualFunc(got.Endings, want.Endings, sameEnding) {
			t.Errorf("%s differs from %s: %v executions, want %v", p.Name(), q.Name(),
				got.Executions, want.Executions)
		}
	}
}

func bounded(p program.Program, bound int) explore.Report {
	return explore.Last(explore.Exhaust(context.Background(), p.Schedule(),
		explore.Options{Bound: bound}))
}

func sameEnding(a, b explore.Ending) bool {
	return a.Outcome == b.Outcome && a.Kind == b.Kind && slices.Equal(a.Executions, b.Executions)
}

// TestStates takes the fixed programs, and a few workloads that between them make every
// call.
func TestStates(t *testing.T) {
	verify.States(t, 1000, suite.Fixed(nil)...)
	for _, script := range []string{
		"0" + "20100" + "020100",            // two CPUs: munmap twice; read, read both, lazy
		"1" + "130201" + "1101" + "0110200", // three: a second thread of the process
		"1" + "23021" + "021101" + "01120",
	} {
		for i := range variants {
			if !variants[i].Offline {
				verify.States(t, 1000, scripted(&variants[i], script))
			}
		}
	}
}

// scripted is the workload of a variant with everything chosen but the schedule.
func scripted(v *mm.Variant, digits string) schedule.Program {
	return schedule.Program{Name: v.Name + " " + digits, New: func() func(*schedule.Exec) {
		w := newWorkload(newSystem(v))
		script := verify.NewScript(digits)
		w.choose = script.Choose
		return script.Before(w.begin)
	}}
}

func TestWorkloads(t *testing.T) { suite.Workloads(t, 100_000) }
