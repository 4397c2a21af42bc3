package docs_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// signaturesMark begins the comment above a table of signatures: a program follows.
const signaturesMark = "<!-- signatures: "

// How many failing schedules of a program are looked at, and in how many samples they must
// be found. There may not be so many.
const (
	differentSchedules = 1000
	samples            = 10_000
)

// unsaid is in the column of bugs until an author says which bug it is.
const unsaid = "?"

// signatures fills in a table: the signatures that different failing schedules of a program
// have, and of how many. Which bug it is is the author's column. With -short there are
// fewer schedules, and only signatures that are not in the table are found.
func signatures(t *testing.T, lines []string) ([]string, int) {
	name := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(lines[0], signaturesMark), "-->"))
	const head = 4 // comment, empty line, titles, rule
	want, n := slices.Clone(lines[:head]), head
	bugs := map[string]string{}
	for ; n < len(lines) && strings.HasPrefix(lines[n], "|"); n++ {
		cells := strings.Split(strings.Trim(lines[n], "|"), "|")
		if len(cells) != 3 {
			t.Fatalf("%q: want three columns", lines[n])
		}
		bugs[strings.Trim(cells[0], " `")] = strings.TrimSpace(cells[2])
	}
	found := signaturesOf(t, name)
	if testing.Short() {
		for sig := range found {
			if bugs[sig.String()] == "" {
				t.Errorf("%s: %s is not in the table", name, sig)
			}
		}
		return lines[:n], n
	}
	for _, sig := range slices.SortedFunc(maps.Keys(found), triage.Signature.Compare) {
		bug := cmp.Or(bugs[sig.String()], unsaid)
		if bug == unsaid {
			t.Errorf("%s: %s: the table does not say which bug it is", name, sig)
		}
		want = append(want, fmt.Sprintf("| `%s` | %d | %s |", sig, found[sig], bug))
	}
	return want, n
}

// signaturesOf counts signatures of a program's failing schedules. Samplers take turns.
func signaturesOf(t *testing.T, name string) map[triage.Signature]int {
	p, err := kmodel.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	samplers := []sample.Sampler{
		sample.NewPCT(1, 3), sample.NewPOS(2), sample.NewSURW(3), sample.NewPreemptions(4, 3),
	}
	most := differentSchedules
	if testing.Short() {
		most /= 10
	}
	found, seen := map[triage.Signature]int{}, map[string]bool{}
	for i := 0; i < samples && len(seen) < most; i++ {
		if sample.Once(r, samplers[i%len(samplers)]).Outcome != schedule.Fail {
			continue
		}
		tape := slices.Clone(r.Taken().Canonical())
		if seen[string(tape)] {
			continue
		}
		seen[string(tape)] = true
		tr, err := r.Replay(tape)
		if err != nil {
			t.Fatal(err)
		}
		found[triage.Of(tr)]++
	}
	return found
}
