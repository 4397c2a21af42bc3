package aio

import (
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/fs/exec"
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/mm/mmap"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

var rest = Rest{
	DoMmap: mmap.DoMmap, DoMunmap: mmap.DoMunmap, ExitMmap: mmap.ExitMmap,
	DoCoredump: exec.DoCoredump, ExitMm: exec.ExitMm,
}

// The programs of the package: those of variants.go, which may go on after a count was
// taken from 0 to 1; the other fixes of aio's history; and 3.3, which may go on with a
// munmap that is too late.
var (
	suite      = verify.Suite{Programs: Programs(), Mute: muteResurrect}
	suite35    = verify.Suite{Programs: History()}
	suite33    = verify.Suite{Programs: TooLateMunmap(rest), Mute: muteLate, Large: dumps}
	everything = verify.Suite{Programs: slices.Concat(Programs(), History(), TooLateMunmap(rest))}
)

// dumps says which programs are left out with -short: the dumps of a core, but for that of
// the first variant.
func dumps(p program.Program) bool {
	return testing.Short() && p.Scenario == "aio_fput_routine-vs-elf_core_dump" && p.Variant != "A"
}

func TestVerdicts(t *testing.T)   { suite.Verdicts(t) }
func TestVerdicts35(t *testing.T) { suite35.Verdicts(t) }
func TestVerdicts33(t *testing.T) { suite33.Verdicts(t) }

// TestCounts: see also machine_test.go, which computes the numbers in another way.
func TestCounts(t *testing.T)   { suite.Counts(t, "testdata/counts.txt") }
func TestCounts35(t *testing.T) { suite35.Counts(t, "testdata/counts-history.txt") }
func TestCounts33(t *testing.T) { suite33.Counts(t, "testdata/counts-munmap.txt") }

func TestWorkloads(t *testing.T)  { suite.Workloads(t, 30_000) }
func TestWorkload33(t *testing.T) { suite33.Workloads(t, 30_000) }
func TestWorkload35(t *testing.T) { suite35.Workloads(t, 30_000) }

func TestDeterminism(t *testing.T) { everything.Determinism(t) }
func TestAllocs(t *testing.T)      { everything.Allocs(t) }

// TestStates takes the fixed programs, and a few workloads that between them make every
// call.
func TestStates(t *testing.T) {
	suite.States(t, func(p program.Program) bool {
		return strings.HasPrefix(p.Scenario, "exit_aio") && p.Variant < "1d"
	},
		"0000"+"16030"+"15010", // submit with cancel, cancel; wait, destroy
		"0011"+"120"+"60"+"110"+"00",
		"1100"+"14"+"10"+"110"+"11"+"12120",
	)
}

// TestStates33 does the same for 3.3.
func TestStates33(t *testing.T) {
	suite33.States(t, nil, "002"+"10010"+"020", "000"+"260212"+"002", "110"+"10050"+"13040"+"001")
}

// TestStates35 does the same for the other races, whose workload is that of the ring.
func TestStates35(t *testing.T) {
	suite35.States(t, nil,
		"01"+"11012"+"12000",   // the interrupt comes on the CPU of one who reads
		"10"+"01"+"02"+"0001",  // who waits, and one event of each sort
		"00"+"12010"+"1000012", // who completes reads too
	)
}
