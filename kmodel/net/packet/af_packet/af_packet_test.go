package afpacket

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

var suite = verify.Suite{
	Programs: Programs(),
	Large: func(p program.Program) bool {
		return testing.Short() && (p.Racy() && p.Scenario != "ring-vs-version" ||
			p.Scenario == "bind-vs-up")
	},
}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestWorkloads(t *testing.T)   { suite.Workloads(t, 150_000) }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestStates takes the fixed programs, and a setup of each workload.
func TestStates(t *testing.T) {
	suite.States(t, nil)
	setups := map[string]string{
		// TPACKET_V3 and a ring; TPACKET_V1; a packet
		"ring-workload": "0" + "0" + "1" + "20" + "00" + "0" + "10" + "1" + "0",
		// PACKET_FANOUT; bind(); a packet
		"workload": "0" + "0" + "0" + "40" + "0" + "60" + "1" + "0",
		// a device that is up; PACKET_RX_RING; bind(); the device goes down; a packet
		"device-workload": "0" + "0" + "0" + "0" + "00" + "0" + "40" + "0" + "1" + "1" + "0",
	}
	for _, p := range suite.Programs {
		if p.Workload {
			verify.States(t, 400, verify.Scripted(p, setups[p.Scenario]))
		}
	}
}
