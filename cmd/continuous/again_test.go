package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// notes is a file that a person has put beside a report.
const notes = "notes"

func remove(t *testing.T, elem ...string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(elem...)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, text string, elem ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(elem...), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A reported is a directory with a report of each failure of FuzzPutSuper, each with notes.
type reported struct {
	dir  string
	list []FailureStatus // the first is the one that is met most
}

// TestReportAgain runs the tests of a directory with reports, each with a copy.
func TestReportAgain(t *testing.T) {
	c := configOf(t, "FuzzPutSuper")
	r := reported{dir: t.TempDir()}
	r.list = fuzzIn(t, c, r.dir, 200).status().Failures
	if len(r.list) < 2 {
		t.Fatalf("failures: %+v", r.list)
	}
	slices.SortFunc(r.list, func(a, b FailureStatus) int { return cmp.Compare(b.Count, a.Count) })
	for i, f := range r.list {
		write(t, "known", r.dir, f.Report, notes)
		r.list[i] = short(f)
	}
	for name, test := range map[string]func(*testing.T, config, reported){
		"stale":             testStale,
		"stale at once":     testStaleAtOnce,
		"load":              testLoadBug,
		"damaged":           testDamaged,
		"regression":        testDamagedRegression,
		"foreign":           testForeign,
		"cut":               testCutReport,
		"no room for it":    testNoRoomForReport,
		"no room for state": testNoRoomForState,
		"slips":             testStopAtSlips,
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "stale" && name != "damaged" && name != "no room for state" {
				t.Skip("much of it is done by those that are run")
			}
			mine := reported{t.TempDir(), slices.Clone(r.list)}
			if err := os.CopyFS(mine.dir, os.DirFS(r.dir)); err != nil {
				t.Fatal(err)
			}
			test(t, c, mine)
		})
	}
}

// short is f without what is long to print.
func short(f FailureStatus) FailureStatus {
	f.Certified, f.Columns = "", ""
	return f
}

// startIn runs so many executions, and returns the failure of that signature and what was logged.
func startIn(
	t *testing.T, c config, dir, signature string, executions int64,
) (FailureStatus, string) {
	t.Helper()
	var log bytes.Buffer
	x, err := newCampaign(c, dir, executions, &log)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(x.run(context.Background(), 0), x.store.close()); err != nil {
		t.Fatal(err)
	}
	for _, f := range x.status().Failures {
		if f.Signature == signature {
			return short(f), log.String()
		}
	}
	return FailureStatus{}, log.String()
}

// checkReport checks that the report is whole and that its tape fails as it says.
func checkReport(t *testing.T, c config, dir string, f FailureStatus) {
	t.Helper()
	for _, file := range reportFiles() {
		read(t, dir, f.Report, file)
	}
	g, err := triage.ReadGolden(filepath.Join(dir, f.Report, goldenFile))
	if err != nil {
		t.Fatal(err)
	}
	err = g.Check(c.Targets[0].program.Schedule())
	if err != nil || g.Want.String() != f.Signature || g.Tape.String() != f.Tape || !f.Active {
		t.Errorf("%+v: %v, %s, tape %s", f, err, g.Want, g.Tape)
	}
}

// passes replaces the tapes of a report by one that passes, as if the model had changed.
func passes(t *testing.T, dir string, f FailureStatus) {
	t.Helper()
	for _, file := range []string{bugFile, reportFile + ".json"} {
		text := read(t, dir, f.Report, file)
		var b struct{ Tape string }
		if err := readJSON(filepath.Join(dir, f.Report, file), &b); err != nil {
			t.Fatal(err)
		}
		old := fmt.Sprintf(`"tape": %q`, b.Tape)
		if !strings.Contains(text, old) {
			t.Fatalf("no %s in %s", old, file)
		}
		write(t, strings.Replace(text, old, `"tape": "0"`, 1), dir, f.Report, file)
	}
}

// testStale: a report whose minimal tape passes is of what is not so any more; once the same is met
// again there is a new one, and the old one is set aside with what a person has put there.
func testStale(t *testing.T, c config, r reported) {
	dir, f := r.dir, r.list[0]
	passes(t, dir, f)
	stale := read(t, dir, f.Report, reportFile+".json")
	if err := os.Rename(filepath.Join(dir, failingFile), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	g, _ := startIn(t, c, dir, f.Signature, 1)
	if g.Active || g.Report != f.Report || read(t, dir, f.Report, reportFile+".json") != stale {
		t.Fatalf("not met again: %+v", g)
	}

	g, said := startIn(t, c, dir, f.Signature, 200)
	checkReport(t, c, dir, g)
	if !g.Found.Equal(f.Found) || g.At != f.At || g.Count <= f.Count {
		t.Errorf("met again: %+v, was %+v", g, f)
	}
	for _, want := range []string{
		f.Report + " is " + f.Report + ".1 now: another takes its place\n",
		"failure in FuzzPutSuper: " + g.Title + ": " + filepath.Join(dir, f.Report) + "\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if read(t, dir, f.Report+".1", notes) != "known" ||
		read(t, dir, f.Report+".1", reportFile+".json") != stale {
		t.Error("what was set aside is not what was there")
	}

	// The tape that it was met with is kept, should the new report be lost.
	remove(t, dir, f.Report)
	if g, _ = startIn(t, c, dir, f.Signature, 1); g.Report != f.Report {
		t.Fatalf("the tape is lost: %+v", g)
	}
	checkReport(t, c, dir, g)

	// That is all: it is not made again at every start.
	if g, said = startIn(t, c, dir, f.Signature, 1); !g.Active || said != "" {
		t.Errorf("%+v:\n%s", g, said)
	}
	if read(t, dir, f.Report+".1", notes) != "known" {
		t.Error("the notes are gone")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, f.Report+".*")); len(left) != 1 {
		t.Errorf("%v", left)
	}
}

// testStaleAtOnce: what failing.pack has is met again at the start.
func testStaleAtOnce(t *testing.T, c config, r reported) {
	dir, list := r.dir, r.list
	passes(t, dir, list[0])
	g, _ := startIn(t, c, dir, list[0].Signature, 1)
	if g.Report != list[0].Report || !g.Found.Equal(list[0].Found) {
		t.Errorf("%+v, was %+v", g, list[0])
	}
	checkReport(t, c, dir, g)
}

// damages are what may become of a report.
var damages = []struct {
	what   string
	damage func(t *testing.T, dir string)
	says   string // of the directory
	known  bool   // there is a bug to know of
}{
	{"no bug.json", gone(bugFile), "/bug.json: no such file", false},
	{"bug.json empty", has(bugFile, ""), "/bug.json: unexpected end of JSON input", false},
	{"bug.json a directory", isDir(bugFile), "/bug.json: is a directory", false},
	{"no signature", has(bugFile, "null"), "/bug.json: ", false},
	{"no report.json", gone("report.json"), "/report.json: no such file", true},
	{"report.json cut", has("report.json", "{"), "/report.json: unexpected end of JSON input", true},
	{"report.json empty", has("report.json", "{}"), `/report.json: of another failure, ""`, true},
	{"no tape", gone(tapeFile), "/tape: no such file", true},
	{"report.md a directory", isDir("report.md"), "/report.md: is a directory", true},
	{"empty", isDir("."), "/bug.json: no such file", false},
}

func gone(file string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { remove(t, dir, file) }
}

func has(file, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { write(t, text, dir, file) }
}

func isDir(file string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		remove(t, dir, filepath.Clean(file))
		if err := os.MkdirAll(filepath.Join(dir, file), 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

// testLoadBug: what is wrong with a report is said, and what can be known is.
func testLoadBug(t *testing.T, _ config, r reported) {
	dir, list := r.dir, r.list
	whole := filepath.Join(dir, list[0].Report)
	if b, err := loadBug(whole); err != nil || b.report.Tape != list[0].Tape {
		t.Errorf("%+v, %v", b, err)
	}
	for _, test := range damages {
		damaged := t.TempDir()
		if err := os.CopyFS(damaged, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		test.damage(t, damaged)
		b, err := loadBug(damaged)
		if err == nil || !strings.HasPrefix(err.Error(), damaged+test.says) ||
			(b != nil) != test.known || b != nil && b.report != nil {
			t.Errorf("%s: %+v, %v", test.what, b, err)
		}
	}
}

// testDamaged: whatever has become of a report, it is no reason not to start. The report is made
// again, and what is left of the old one, and whatever else is there, is kept.
func testDamaged(t *testing.T, c config, r reported) {
	dir, f := r.dir, r.list[0]
	report := filepath.Join(dir, f.Report)
	for i, test := range []struct {
		file  string
		known bool // when it was found
	}{{bugFile, false}, {"report.patch", true}} {
		write(t, test.file, report, notes)
		remove(t, report, test.file)
		g, said := startIn(t, c, dir, f.Signature, 1)
		if g.Report == "" {
			t.Fatalf("no %s: no report; it says\n%s", test.file, said)
		}
		checkReport(t, c, dir, g)
		want := filepath.Join(report, test.file) +
			": no such file or directory; the report is made again if it is still so\n"
		if strings.Count(said, want) != 1 {
			t.Errorf("not once %s in\n%s", want, said)
		}
		if known := g.Found.Equal(f.Found); known != test.known || g.Title != f.Title ||
			g.Count < f.Count {
			t.Errorf("no %s: %+v, was %+v", test.file, g, f)
		}
		if got := read(t, dir, fmt.Sprintf("%s.%d", f.Report, i+1), notes); got != test.file {
			t.Errorf("no %s: the notes are %q", test.file, got)
		}
		f = g
	}
}

// testDamagedRegression: a report that cannot be read is of a regression all the same.
func testDamagedRegression(t *testing.T, _ config, r reported) {
	dir, list := r.dir, r.list
	bad := broken(configOf(t, "FuzzPutSuper"))
	for _, file := range []string{bugFile, reportFile + ".json"} {
		remove(t, dir, list[0].Report, file)
		g, _ := startIn(t, bad, dir, list[0].Signature, 1)
		if !g.Regression || !g.Active || g.Report != list[0].Report {
			t.Errorf("without %s: %+v", file, g)
		}
	}
	// Neither the report nor the tape can be had, so it is not known whether it fails so.
	remove(t, dir, failingFile)
	remove(t, dir, list[0].Report, tapeFile)
	passes(t, dir, list[0])
	g, _ := startIn(t, bad, dir, list[0].Signature, 1)
	if g.Active || g.Report != "" || g.Title != list[0].Title {
		t.Errorf("nothing is left: %+v", g)
	}
}

// testForeign: what a person puts beside the reports is no report, and stays.
func testForeign(t *testing.T, c config, r reported) {
	dir, list := r.dir, r.list
	write(t, "of all", dir, failuresDir, notes)
	write(t, "of all", dir, orderDir, notes)
	if err := os.Mkdir(filepath.Join(dir, failuresDir, "mine"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", filepath.Join(dir, failuresDir, "link-01234567")); err != nil {
		t.Fatal(err)
	}
	// A copy, which is of what was so once.
	old := FailureStatus{Report: failuresDir + "/a-01234567"}
	report := os.DirFS(filepath.Join(dir, list[0].Report))
	if err := os.CopyFS(filepath.Join(dir, old.Report), report); err != nil {
		t.Fatal(err)
	}
	passes(t, dir, old)
	if g, said := startIn(t, c, dir, list[0].Signature, 1); said != "" || g.Report != list[0].Report {
		t.Errorf("%+v:\n%s", g, said)
	}
	left, _ := filepath.Glob(filepath.Join(dir, failuresDir, "*"))
	if len(left) != len(list)+4 {
		t.Errorf("%v", left)
	}
}

// testCutReport: a process was killed between setting the old report aside and putting the new one
// into its place.
func testCutReport(t *testing.T, c config, r reported) {
	dir, f := r.dir, r.list[0]
	if err := os.Rename(filepath.Join(dir, f.Report), filepath.Join(dir, f.Report+".1")); err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(dir, failuresDir, tempPrefix+filepath.Base(f.Report))
	if err := os.Mkdir(next, 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, "{", next, bugFile)
	g, said := startIn(t, c, dir, f.Signature, 1)
	checkReport(t, c, dir, g)
	if strings.Count(said, "\n") != 1 || read(t, dir, f.Report+".1", notes) != "known" {
		t.Errorf("it says\n%s", said)
	}
	if _, err := os.Stat(next); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", next, err)
	}
}

// testNoRoomForReport: a new report that cannot be written ends the run with an error, a summary
// and the old report where it was.
func testNoRoomForReport(t *testing.T, c config, r reported) {
	dir, f := r.dir, r.list[0]
	remove(t, dir, f.Report, tapeFile)
	x, err := newCampaign(c, dir, 1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "in the way", dir, failuresDir, tempPrefix+filepath.Base(f.Report))
	var out bytes.Buffer
	_, err = x.finish(context.Background(), 0, &out)
	if err = errors.Join(err, x.store.close()); !errors.Is(err, os.ErrExist) {
		t.Errorf("it ends with %v", err)
	}
	if !strings.Contains(out.String(), "reports that are not made yet, which the next start does: 1\n") {
		t.Errorf("it says\n%s", &out)
	}
	if read(t, dir, f.Report, notes) != "known" {
		t.Error("the notes are gone")
	}
	g, _ := startIn(t, c, dir, f.Signature, 1)
	checkReport(t, c, dir, g)
}

// testNoRoomForState: a state that cannot be written leaves the one before.
func testNoRoomForState(t *testing.T, c config, r reported) {
	dir := r.dir
	before := read(t, dir, stateFile)
	x, err := newCampaign(c, dir, 1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	next, want := filepath.Join(dir, tempPrefix+stateFile), "no space left on device"
	if _, missing := os.Stat("/dev/full"); missing == nil {
		err = os.Symlink("/dev/full", next)
	} else { // a system that has no such file
		err, want = os.Mkdir(next, 0o777), "is a directory"
	}
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(x.run(context.Background(), 0), x.store.close())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("it ends with %v", err)
	}
	if read(t, dir, stateFile) != before {
		t.Error("another state")
	}
	fuzzIn(t, c, dir, 1)
}

// TestLimit: at most maxBugs failures of a target are reported. Those that were not seen since the
// start leave room for others, and do not say that the search finds anything.
func TestLimit(t *testing.T) {
	for _, active := range []int{0, maxBugs - 1, maxBugs} {
		x, err := newCampaign(configOf(t, "FuzzPutSuper"), t.TempDir(), 1, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		target := x.targets[0]
		for i := range 2 * maxBugs {
			sig := triage.Signature{Kind: schedule.Leak, Func: fmt.Sprint(i)}
			target.bugs[sig] = &bug{target: target, signature: sig, active: i < active}
		}
		s := x.status()
		if silent := len(s.Canaries.Silent) == 1; silent != (active == 0) || s.Targets[0].Bugs != active {
			t.Errorf("%d active: %d are, silent: %v", active, s.Targets[0].Bugs, s.Canaries.Silent)
		}
		var summary, page bytes.Buffer
		if err := errors.Join(s.writeSummary(&summary), s.writePage(&page, false)); err != nil {
			t.Fatal(err)
		}
		told := fmt.Sprintf("\n%d of the failures were not seen since the start\n", 2*maxBugs-active)
		if !strings.Contains(summary.String(), told) {
			t.Errorf("no %q in\n%s", told, &summary)
		}
		if n := strings.Count(page.String(), "The report cannot be read"); n != 2*maxBugs-active {
			t.Errorf("%d active: %d reports cannot be read", active, n)
		}
		stale := triage.Signature{Kind: schedule.Leak, Func: fmt.Sprint(2*maxBugs - 1)}
		fresh := triage.Signature{Kind: schedule.Leak, Func: "fresh"}
		for i, sig := range []triage.Signature{fresh, stale} {
			b, err := target.meet(sig, "leak", schedule.Tape{uint8(i) + 1})
			if err != nil || (b != nil) != (active+i < maxBugs) {
				t.Errorf("%d active: %s: %v, %v", active, sig, b, err)
			}
		}
		if n := x.bugs.len(); n != min(2, maxBugs-active) || x.store.failing.Pack().Len() != n {
			t.Errorf("%d active: %d reports are due", active, n)
		}
		if err := x.store.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A stopper stops when something is written to it.
type stopper func()

func (s stopper) Write(b []byte) (int, error) { s(); return len(b), nil }

// testStopAtSlips: a stop while a report is being published costs nothing of what was met on the
// way to it.
func testStopAtSlips(t *testing.T, c config, r reported) {
	dir, list := r.dir, r.list
	var b bug
	if err := readJSON(filepath.Join(dir, list[0].Report, bugFile), &b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(read(t, dir, list[0].Report, "report.json"), `"slips"`) {
		t.Fatal("nothing was met on the way")
	}
	ctx, stop := context.WithCancel(context.Background())
	x, err := newCampaign(c, t.TempDir(), 1, stopper(stop))
	if err != nil {
		t.Fatal(err)
	}
	defer x.store.close()
	// That something is set aside is said while the report is being published.
	if err := os.Mkdir(filepath.Join(x.store.dir, list[0].Report), 0o777); err != nil {
		t.Fatal(err)
	}
	sig, err := triage.ParseSignature(b.Signature)
	if err != nil {
		t.Fatal(err)
	}
	tape, err := schedule.Parse(b.Tape)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.targets[0].meet(sig, b.Title, tape); err != nil {
		t.Fatal(err)
	}
	if err := x.makeReports(ctx); err != nil {
		t.Error(err)
	}
	read(t, x.store.dir, list[0].Report, bugFile)
	if n := x.store.failing.Pack().Len(); n < 2 {
		t.Errorf("%d tapes", n)
	}
}
