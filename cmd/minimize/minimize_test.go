package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kschedfuzz/kschedfuzz/internal/script"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The scripts run the command as a user does. They take their failing inputs
// from here, found anew each time: a tape that is written down in a script would
// have to change with every step that is added to a model.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"minimize": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": script.Status,
			"edit":   edit,
		},
	})
}

// edit replaces the first of some text in a file, \n standing for a new line.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit file old new")
	}
	file, old := ts.MkAbs(args[0]), strings.ReplaceAll(args[1], `\n`, "\n")
	data := ts.ReadFile(file)
	if !strings.Contains(data, old) {
		ts.Fatalf("%s has no %q", args[0], old)
	}
	data = strings.Replace(data, old, strings.ReplaceAll(args[2], `\n`, "\n"), 1)
	ts.Check(os.WriteFile(file, []byte(data), 0o644))
}

// setup leaves in the directory of a script
//
//	testdata/fuzz/FuzzLookupIoctx/crash   as "go test -fuzz" has written it
//	testdata/fuzz/FuzzLookupIoctx/pass    one that passes
//	crash.bin                             the same as crash, raw
//
// and in its environment the tapes TAPE (of the target) and PAIR (of the program
// $PROGRAM, which is one lookup against one io_destroy).
func setup(env *testscript.Env) error {
	found, err := find()
	if err != nil {
		return err
	}
	dir := filepath.Join(env.WorkDir, "testdata", "fuzz", target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	raw := found.target.Bytes()
	for file, data := range map[string]string{
		filepath.Join(dir, "crash"):             corpusFile(raw),
		filepath.Join(dir, "pass"):              corpusFile(nil),
		filepath.Join(env.WorkDir, "crash.bin"): string(raw),
	} {
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			return err
		}
	}
	env.Setenv("TAPE", found.target.String())
	env.Setenv("PAIR", found.pair.String())
	env.Setenv("PROGRAM", pair)
	return nil
}

const (
	target = "FuzzLookupIoctx"
	pair   = "fs/aio/io_getevents-vs-io_destroy@1e"
)

func corpusFile(data []byte) string {
	return fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", data)
}

type failing struct{ target, pair schedule.Tape }

// find looks for failing tapes once for all scripts.
var find = sync.OnceValues(func() (failing, error) {
	t, err := kmodel.FindTarget(target)
	if err != nil {
		return failing{}, err
	}
	w, err := t.Program("")
	if err != nil {
		return failing{}, err
	}
	p, err := kmodel.Find(pair)
	if err != nil {
		return failing{}, err
	}
	var f failing
	if f.target, err = fail(w.Schedule()); err != nil {
		return failing{}, err
	}
	f.pair, err = fail(p.Schedule())
	return f, err
})

// fail returns a tape with which p fails, found by a pseudo-random walk.
func fail(p schedule.Program) (schedule.Tape, error) {
	const tries = 1_000_000
	r := schedule.NewRunner(p)
	defer r.Close()
	w := walk(4) // finds both soon
	for range tries {
		res := r.Run(&w)
		if res.Outcome == schedule.Fail && res.Failure.Kind == schedule.RefResurrect {
			return append(schedule.Tape(nil), r.Taken()...), nil
		}
	}
	return nil, fmt.Errorf("%s: no failure in %d executions", p.Name, tries)
}

// walk decides at random, half of the time calmly, the same on every machine (a
// 64-bit xorshift).
type walk uint64

func (w *walk) Choose(_ *schedule.Exec, n int) int {
	*w ^= *w << 13
	*w ^= *w >> 7
	*w ^= *w << 17
	if *w>>20&1 == 0 {
		return 0
	}
	return int(uint64(*w) >> 33 % uint64(n))
}

// TestLongTape: a tape is one though no file could have so long a name.
func TestLongTape(t *testing.T) {
	arg := strings.Repeat("01", 5000)
	in, err := readInput(arg)
	if err != nil || in.tape.String() != arg {
		t.Errorf("%+v, %.100v", in, err)
	}
	if _, err := readInput(arg + "x"); err == nil || !strings.Contains(err.Error(), "no tape either") {
		t.Errorf("no tape: %.100v", err)
	}
}

// TestWriteLate: what cannot be written in the end is said behind the report, and the file that is
// there stays as it was.
func TestWriteLate(t *testing.T) {
	found, err := find()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "x.txtar")
	args := []string{"-explain", "0", "-o", file, "-program", pair, found.pair.String()}
	var stdout, stderr strings.Builder
	if status := run(args, &stdout, &stderr); status != exitMinimized {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	late := writerFunc(func(b []byte) (int, error) { // that is when it is minimized
		if err := os.WriteFile(file+".tmp", nil, 0o644); err != nil {
			t.Error(err)
		}
		return stdout.Write(b)
	})
	report := stdout.String()
	stdout.Reset()
	status := run(args, late, &stderr)
	if want := "minimize: -o " + file + ": "; status != exitWrong || stdout.String() != report ||
		!strings.HasPrefix(stderr.String(), want) {
		t.Errorf("status %d, %q, report\n%s\nwant %d, %q, and\n%s",
			status, &stderr, &stdout, exitWrong, want, report)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("%v, and the file is\n%s\nwant\n%s", err, after, before)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("left are %q", left)
	}
}

// A writerFunc is told of what is written.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
