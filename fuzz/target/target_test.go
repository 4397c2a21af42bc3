package target

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
)

func start(t *testing.T, name string) *Fuzzer {
	t.Helper()
	found, err := kmodel.FindTarget(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := found.Program("")
	if err != nil {
		t.Fatal(err)
	}
	x := New(p)
	t.Cleanup(x.Close)
	return x
}

// inputs returns enough inputs to have some run twice.
func inputs() [][]byte {
	r := rand.New(rand.NewPCG(1, 1))
	out := make([][]byte, 2*checkEvery)
	for i := range out {
		out[i] = make([]byte, r.IntN(64))
		for j := range out[i] {
			out[i][j] = byte(r.UintN(256))
		}
	}
	return out
}

// TestTwins runs the same inputs on a target and its twin, and has the first failure
// reported. FuzzPutSuper is the one that fails soonest.
func TestTwins(t *testing.T) {
	racy, fixed := start(t, "FuzzPutSuper"), start(t, "FuzzFixedPutSuper")
	failures := 0
	for _, in := range inputs() {
		if failed, err := fixed.Run(in); failed || err != nil {
			t.Fatalf("fixed: %q: failed %v, %v", in, failed, err)
		}
		failed, err := racy.Run(in)
		if err != nil {
			t.Fatal(err)
		}
		if !failed {
			continue
		}
		if failures++; failures > 1 {
			continue
		}
		r, err := racy.Report("what to type next")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(r.Text, r.Title+"\n") || r.Title == "" {
			t.Errorf("title %q of\n%s", r.Title, r.Text)
		}
		for _, want := range []string{
			"program fs/super/workload@m1", "tape ", "certificate: ", "what to type next",
		} {
			if !strings.Contains(r.Text, want) {
				t.Errorf("%q is missing in\n%s", want, r.Text)
			}
		}
	}
	if failures == 0 {
		t.Error("no input failed")
	}
}

// TestMaxInput checks that what is beyond the limit makes no difference.
func TestMaxInput(t *testing.T) {
	x := start(t, "FuzzFixedLookupIoctx")
	in := bytes.Repeat([]byte{0}, MaxInput)
	states := map[uint64]bool{}
	for _, tail := range []string{"", "1", "23012"} {
		if _, err := x.Run(append(in, tail...)); err != nil {
			t.Fatal(err)
		}
		states[x.runner.Exec().State().Lo] = true
	}
	if len(states) != 1 {
		t.Errorf("%d final states", len(states))
	}
}
