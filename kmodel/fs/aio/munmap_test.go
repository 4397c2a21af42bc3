package aio

import (
	"maps"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/exec"
	"github.com/kschedfuzz/kschedfuzz/kmodel/mm/mmap"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

var rest = Rest{
	DoMmap: mmap.DoMmap, DoMunmap: mmap.DoMunmap, ExitMmap: mmap.ExitMmap,
	DoCoredump: exec.DoCoredump, ExitMm: exec.ExitMm,
}

// everything returns all programs of the package.
func everything() []program.Program {
	return slices.Concat(Programs(), History(), TooLateMunmap(rest))
}

// TestCountsMore is TestCounts for the programs of munmap.go and history.go.
func TestCountsMore(t *testing.T) {
	if testing.Short() {
		return
	}
	checkCounts(t, History(), "testdata/counts-history.txt")
	checkCounts(t, TooLateMunmap(rest), "testdata/counts-munmap.txt")
}

// TestVerdicts33 is TestVerdicts for the programs of munmap.go: as they are, and with the
// kernel going on with a munmap that is too late.
func TestVerdicts33(t *testing.T) {
	for _, p := range TooLateMunmap(rest) {
		if p.Workload {
			continue
		}
		t.Run(p.Scenario+"@"+p.Variant, func(t *testing.T) {
			for _, mute := range []schedule.Kinds{0, muteLate} {
				if mute != 0 && !p.Racy() {
					continue // nothing to mute
				}
				want := map[schedule.Kind]int{}
				for _, e := range p.Expect {
					if e.Mute == mute {
						want[e.Kind] = e.Preemptions
					}
				}
				r := exhaust(t, p, mute)
				if got := fewest(r); !maps.Equal(got, want) {
					t.Errorf("muted %v: kinds and fewest preemptions %v, want %v", mute.All(), got, want)
				}
			}
		})
	}
}

// TestWorkload33 is TestWorkloads for the workload of 3.3.
func TestWorkload33(t *testing.T) {
	sampleWorkloads(t, TooLateMunmap(rest))
}

// TestStates33 earns the state hash for workloads of 3.3 that between them make every call.
func TestStates33(t *testing.T) {
	pairs := 2000
	if testing.Short() {
		pairs = 200
	}
	for _, script := range []string{
		"002" + "10010" + "020", "000" + "260212" + "002", "110" + "10050" + "13040" + "001",
	} {
		for _, v := range variants33 {
			p := schedule.Program{Name: v.name + " " + script, New: func() func(*schedule.Exec) {
				w := newWorkload33(newSystem33(v.patches, rest))
				at := 0
				w.choose = func(_ *schedule.Exec, n int) int {
					at++
					return int(script[at-1]-'0') % n
				}
				return func(e *schedule.Exec) {
					at = 0
					w.begin(e)
				}
			}}
			if n, err := explore.CheckStates(p, pairs, 1); err != nil || n < pairs {
				t.Errorf("%s: %d pairs, want %d: %v", p.Name, n, pairs, err)
			}
		}
	}
}
