package triage_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// Only commit what -update changes if you understand what changed it.
var update = flag.Bool("update", false, "write the golden reports anew")

// cases are failures of the toys, one for each thing that a report can have.
func cases() []reportCase {
	about := triage.About{
		Versions: "4.16",
		Patches:  "a6d7cff472e0: the context is freed after an RCU delay",
		Command:  "go run ./cmd/minimize -program toy 1200000001",
	}
	resurrect := schedule.KindSet(schedule.RefResurrect)
	return []reportCase{
		{"use-after-free", lookupRace, "1200000001", 0, about},
		{"behind-warning", lookupRace, "12000002101", resurrect, triage.About{Mute: resurrect}},
		{"deadlock", abba, "01", 0, triage.About{}},
		{"sleep", sleeper, "0", 0, triage.About{}},
		{"schedule", napper, "0", 0, triage.About{}},
		{"schedule-reader", reader, "0", 0, triage.About{}},
		{"schedule-atomic-reader", atomicReader, "0", 0, triage.About{}},
		{"sleep-reader", sleepyReader, "0", 0, triage.About{}},
		{"leak", forget, "0", 0, triage.About{}},
		{"buffered", buffered, "001021", 0, triage.About{}},
		{"old-value", ring, "10111", 0, triage.About{}},
		{"choice", gamble, "101", 0, triage.About{}},
		{"workload", workload, "211121242224220000100021", 0, triage.About{}},
	}
}

type reportCase struct {
	name    string
	program schedule.Program
	tape    string
	mute    schedule.Kinds
	about   triage.About
}

func (c *reportCase) report(t *testing.T) *triage.Report {
	t.Helper()
	s, err := schedule.Parse(c.tape)
	if err != nil {
		t.Fatal(err)
	}
	res := minimize(t, c.program, s, triage.Options{Mute: c.mute})
	return res.Report(c.about)
}

// TestReports minimizes and compares the whole report, one file for each.
func TestReports(t *testing.T) {
	for _, test := range cases() {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := test.report(t).WriteText(&out); err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join("testdata", "report", test.name+".txt"), out.Bytes())
		})
	}
}

// explained are the reports of cases, each with why it fails, and one of an execution that
// does not. They are made once for all tests.
var explained = map[string]*triage.Report{}

func reports(t *testing.T) map[string]*triage.Report {
	t.Helper()
	if len(explained) > 0 {
		return explained
	}
	for _, c := range cases() {
		c.about.Variants = []triage.Variant{
			{Name: "fixed", Versions: "4.17", Patches: "baf10564fbb6: a killed context is not found"},
			{Name: "m1", Versions: "mutant", Patches: "baf10564fbb6 without a6d7cff472e0"},
		}
		r := c.report(t)
		ex, err := triage.Explain(t.Context(), c.program, r.Tape, c.mute, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.Explanation = ex
		r.Chance, err = triage.ChanceOf(t.Context(), c.program, r.Tape, c.mute, 30_000)
		if err != nil {
			t.Fatal(err)
		}
		r.Elsewhere.Add("fixed", triage.NeverKept)
		r.Elsewhere.Add("m1", triage.PassesThere)
		explained[c.name] = r
	}
	pass := schedule.NewRunner(lookupRace)
	defer pass.Close()
	tr, err := pass.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	explained["pass"] = triage.NewReport(tr, triage.About{})
	return explained
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
	for i, line := range strings.Split(string(got), "\n") {
		if len(line) > schedule.ColumnsWidth {
			t.Errorf("%s:%d: %d columns wide", file, i+1, len(line))
		}
	}
}

// TestReportAbout checks that what is said of a program is in its report, however long.
func TestReportAbout(t *testing.T) {
	r := schedule.NewRunner(lookupRace)
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Repeat("deactivate_locked_super() without it: there this cannot happen; ", 3)
	var out strings.Builder
	if err := triage.NewReport(tr, triage.About{Patches: words}).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range strings.Split(out.String(), "\n") {
		if len(line) > schedule.ColumnsWidth {
			t.Errorf("%d columns wide: %s", len(line), line)
		}
		if strings.HasPrefix(line, "        ") && !strings.HasPrefix(line, "         ") {
			got = append(got, strings.Fields(line)...)
		}
	}
	if !strings.HasPrefix(strings.Join(got, " "), strings.TrimSpace(words)) {
		t.Errorf("got %q, want it to begin with %q", got, words)
	}
}

// TestReportOfTrace needs no minimizer, and no failure.
func TestReportOfTrace(t *testing.T) {
	r := schedule.NewRunner(lookupRace)
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := triage.NewReport(tr, triage.About{}).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "no failure\n\nprogram toy/lookup-vs-destroy\n") {
		t.Errorf("got\n%s", out.String())
	}
}

// TestCertificateText has a text for each of the ways in which a search can end.
func TestCertificateText(t *testing.T) {
	for _, test := range []struct {
		c    triage.Certificate
		want string
	}{
		{
			triage.Certificate{Smallest: true},
			"certificate: fails without a preemption\n" +
				"  none with as many has fewer context switches, or as many of those and fewer steps",
		},
		{
			triage.Certificate{
				Preemptions: 3, Bound: 1, States: 10, Executions: 20, Stop: "out of budget",
			},
			"certificate: no execution of this program with at most 1 preemption fails this way;\n" +
				"  out of budget after 10 states, 20 executions: 2 is open",
		},
		{
			triage.Certificate{
				Preemptions: 3, States: 1, Executions: 1, Stop: "out of budget", Workload: true,
			},
			"certificate: no execution of these calls with no preemption fails this way;\n" +
				"  out of budget after 1 state, 1 execution: 1 to 2 is open",
		},
		{
			triage.Certificate{Preemptions: 2, Bound: -1, Stop: "cancelled"},
			"certificate: none, no bound was finished (cancelled after 0 states, 0 executions)",
		},
		{
			triage.Certificate{
				Preemptions: 2, Bound: 1, States: 7, Executions: 9, Stop: "out of budget",
				Elsewhere: 1, Workloads: 3,
			},
			"certificate: no execution of this program with at most 1 preemption fails this way:\n" +
				"  7 states, 9 executions, complete\n" +
				"  context switches and steps are locally minimal: out of budget\n" +
				"  not counting 1 failure of the same kind in other functions\n" +
				"  also searched, and nothing smaller found: 3 workloads no larger than this one,\n" +
				"  made from it by small changes",
		},
	} {
		if got := test.c.String(); got != test.want {
			t.Errorf("%+v:\ngot  %s\nwant %s", test.c, got, test.want)
		}
	}
}

// TestReportIsOfFinalTape: the trace of a result is a replay of its tape, and not of
// the last execution that happened to be recorded.
func TestReportIsOfFinalTape(t *testing.T) {
	for _, s := range failing(t, workload, 0, 5) {
		res := minimize(t, workload, s, triage.Options{})
		if got, want := res.Trace.Tape.String(), res.Final.Tape.String(); got != want {
			t.Errorf("trace of tape %s, result is tape %s", got, want)
		}
		if n := len(res.Trace.Events); n != res.Final.Steps {
			t.Errorf("trace has %d steps, result has %d", n, res.Final.Steps)
		}
	}
}
