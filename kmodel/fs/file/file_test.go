package file

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var suite = verify.Suite{Programs: Programs()}

func TestVerdicts(t *testing.T)    { suite.Verdicts(t) }
func TestCounts(t *testing.T)      { suite.Counts(t, "testdata/counts.txt") }
func TestDeterminism(t *testing.T) { suite.Determinism(t) }
func TestAllocs(t *testing.T)      { suite.Allocs(t) }

// TestWorkloads: a failure takes three preemptions, and the oldest kernel's so long to find that
// -short goes without it.
func TestWorkloads(t *testing.T) {
	suite := suite
	if testing.Short() {
		suite.Programs = slices.DeleteFunc(Programs(), func(p program.Program) bool {
			return p.Variant == "5.15"
		})
	}
	suite.Workloads(t, 100_000)
}

// TestStates takes the fixed programs, and workloads that have all calls.
func TestStates(t *testing.T) {
	suite := verify.Suite{Programs: model.Programs()}
	suite.States(t, nil,
		"0"+"0"+"00"+"01", // socket 0 in its own queue; a recvmsg; a close
		"1"+"1"+"102"+"01"+"14",
	)
	suite.Programs = typesafeModel.Programs()
	suite.States(t, nil,
		"0"+"01"+"134",       // a recvmsg; a close and a socket
		"1"+"01"+"123"+"144", // and two closes, and two sockets
	)
}

// TestUnlinkOfHitlist is skb_unlink() by a receiver of a message that the collector has moved
// to its hitlist and not yet purged: the links are good, and the hitlist is empty after it.
func TestUnlinkOfHitlist(t *testing.T) {
	i := slices.IndexFunc(suite.Programs, func(p program.Program) bool {
		return p.Name() == "fs/file/recvmsg-vs-close@5.15"
	})
	r := schedule.NewRunner(suite.Programs[i].Schedule())
	defer r.Close()
	tape, err := schedule.Parse("0001000000000000000000000000000000010000000000001")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := r.Replay(tape)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"close list_add_tail hitlist <- skb",
		"recvmsg __skb_unlink skb->node <- NULL",
		"close list_first_entry hitlist = NULL",
	}
	var got []string
	for _, ev := range tr.Events {
		if ev.Object == "hitlist" || ev.Object == "skb->node" && ev.Thread == 0 {
			got = append(got, tr.Threads[ev.Thread].Name+" "+ev.Text())
		}
	}
	if !slices.Equal(got, want) || tr.Result.Outcome != schedule.Pass {
		t.Errorf("%q, and %v; want %q, and pass", got, tr.Result.Outcome, want)
	}
}
