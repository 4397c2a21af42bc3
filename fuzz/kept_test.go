package fuzz

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// TestRace: of each fixed target an input is kept that fails in its racy twin, the smallest that
// cmd/minimize has made of one, and passes in the fixed program. So every run of the tests
// shows of every pair that what differs between them matters.
func TestRace(t *testing.T) {
	for _, target := range kmodel.Targets() {
		name, fixed := strings.CutPrefix(target.Name, "FuzzFixed")
		if !fixed {
			continue
		}
		file := filepath.Join("testdata/fuzz", target.Name, "race")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v: move there an input with which Fuzz%s has failed", err, name)
			continue
		}
		in, err := gofile.Parse(file, data)
		if err != nil {
			t.Error(err)
			continue
		}
		racy, err := kmodel.FindTarget("Fuzz" + name)
		if err != nil {
			t.Fatal(err)
		}
		if res := outcome(t, racy, in); res.Outcome != schedule.Fail {
			t.Errorf("%s: %q: %v, want a failure", racy.Name, in, res.Outcome)
		}
		if res := outcome(t, target, in); res.Outcome != schedule.Pass {
			t.Errorf("%s: %q: %v, want a pass", target.Name, in, res.Outcome)
		}
	}
}

// outcome runs an input in the program of a target.
func outcome(t *testing.T, target kmodel.Target, in []byte) schedule.Result {
	t.Helper()
	p, err := target.Program("")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	return r.RunBytes(in)
}
