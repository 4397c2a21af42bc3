package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestListed: a failure with its fewest preemptions, beside what is documented: whether that is
// the same, as far as it is known, and the exit status of -expected.
func TestListed(t *testing.T) {
	const leak, use = schedule.Leak, schedule.UseAfterFree
	one := []program.Expect{{Kind: use, Preemptions: 1}}
	none, done := map[schedule.Kind]int{}, explore.Report{Stop: explore.Exhausted, Bound: 5}
	bound := func(n int) explore.Report { return explore.Report{Stop: explore.AtBound, Bound: n} }
	limit := func(n int) explore.Report { return explore.Report{Stop: explore.NodeLimit, Bound: n} }
	class := explore.Report{Stop: explore.Exhausted, Bound: -1, ByClass: true}
	for name, test := range map[string]struct {
		expect   []program.Expect
		unlisted bool
		report   explore.Report
		got      map[schedule.Kind]int
		same     bool
		known    bool
		status   int
	}{
		"as documented":       {one, false, done, map[schedule.Kind]int{use: 1}, true, true, 0},
		"clean":               {nil, false, done, none, true, true, 0},
		"fails, is clean":     {nil, false, done, map[schedule.Kind]int{use: 1}, false, true, 1},
		"does not fail":       {one, false, done, none, false, true, 1},
		"another kind":        {one, false, done, map[schedule.Kind]int{leak: 1}, false, true, 1},
		"one more kind":       {one, false, done, map[schedule.Kind]int{use: 1, leak: 1}, false, true, 1},
		"more preemptions":    {one, false, done, map[schedule.Kind]int{use: 2}, false, true, 1},
		"fewer preemptions":   {one, false, done, map[schedule.Kind]int{use: 0}, false, true, 1},
		"class":               {one, false, class, map[schedule.Kind]int{use: 3}, true, true, 0},
		"class, fewer":        {one, false, class, map[schedule.Kind]int{use: 0}, false, true, 1},
		"class, none":         {one, false, class, none, false, true, 1},
		"buffers, fewer":      {one, true, done, map[schedule.Kind]int{use: 0, leak: 0}, true, true, 0},
		"buffers, more":       {one, true, done, map[schedule.Kind]int{use: 2}, false, true, 1},
		"buffers, was clean":  {nil, true, done, map[schedule.Kind]int{use: 2}, false, true, 1},
		"bound below":         {one, false, bound(0), none, false, false, 0},
		"bound":               {one, false, bound(1), map[schedule.Kind]int{use: 1}, false, false, 0},
		"bound, does not":     {one, false, bound(1), none, false, true, 1},
		"bound, fails":        {nil, false, bound(0), map[schedule.Kind]int{use: 0}, false, true, 1},
		"limit":               {one, false, limit(1), map[schedule.Kind]int{use: 1}, false, false, 3},
		"limit, another kind": {one, false, limit(-1), map[schedule.Kind]int{leak: 0}, false, true, 1},
	} {
		p := program.Program{Expect: test.expect, Unlisted: test.unlisted}
		s := &statement{program: p, report: test.report}
		for kind, n := range test.got {
			s.report.Endings = append(s.report.Endings, explore.Ending{
				Category: explore.Category{Outcome: schedule.Fail, Kind: kind},
				Witness:  explore.Witness{Preemptions: n},
			})
		}
		same, known := s.listed()
		if same != test.same || known != test.known || s.status(true) != test.status {
			t.Errorf("%s: the same %v, known %v, status %d; want %v, %v, %d", name,
				same, known, s.status(true), test.same, test.known, test.status)
		}
	}
}

// TestAnotherVerdict: of a program with store buffers that is not listed it is said that what is
// documented is without.
func TestAnotherVerdict(t *testing.T) {
	nothing := func() program.Instance { return program.Instance{Begin: func(*schedule.Exec) {}} }
	s := &statement{program: program.Program{Unlisted: true, New: nothing}, report: explore.Report{
		Stop: explore.Exhausted, Endings: []explore.Ending{
			{Category: explore.Category{Outcome: schedule.Fail, Kind: schedule.Leak}},
		},
	}}
	var text, brief strings.Builder
	if err := errors.Join(s.writeText(&text), s.writeBrief(&brief)); err != nil {
		t.Fatal(err)
	}
	const want = "without store buffers: no failure\n"
	if !strings.Contains(text.String(), "ANOTHER VERDICT: "+want) ||
		!strings.HasSuffix(brief.String(), "ANOTHER VERDICT than documented: "+want) {
		t.Errorf("want %q in\n%s%s", want, &text, &brief)
	}
}
