package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kschedfuzz/kschedfuzz/internal/script"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// asCommand is the environment variable that makes the test the command itself.
const asCommand = "EXPLORE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"explore": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":    script.Status,
			"interrupt": interrupt,
			"schema":    schema,
			"same":      same,
			"equal":     equal,
		},
	})
}

func exitStatus(ts *testscript.TestScript, err error) int {
	exit := (*exec.ExitError)(nil)
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// interrupt runs a command that would take for ever, sends it an interrupt and compares
// the exit status: interrupt 3 explore x. What it prints is left in the files stdout and
// stderr. It gives it more time if it had not yet come so far as to catch the signal, and to
// begin.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt number command [arg...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for _, delay := range []time.Duration{200, 1000, 5000} {
		var out, errs strings.Builder
		cmd := exec.Command(filepath.Join(programDir(ts), args[1]), args[2:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), &out, &errs
		ts.Check(cmd.Start())
		time.Sleep(delay * time.Millisecond)
		ts.Check(cmd.Process.Signal(os.Interrupt))
		got := exitStatus(ts, cmd.Wait())
		ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if ok && ws.Signaled() || out.Len() == 0 {
			continue
		}
		if got != want {
			ts.Fatalf("exit status %d, want %d\n%s%s", got, want, &out, &errs)
		}
		ts.Check(os.WriteFile(ts.MkAbs("stdout"), []byte(out.String()), 0o644))
		ts.Check(os.WriteFile(ts.MkAbs("stderr"), []byte(errs.String()), 0o644))
		return
	}
	ts.Fatalf("the interrupt ended %v, which should have caught it and said how far it was", args)
}

// programDir returns where testscript has put the command.
func programDir(ts *testscript.TestScript) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "explore")); err == nil {
			return dir
		}
	}
	ts.Fatalf("explore is not in the path")
	return ""
}

// same fails unless two files hold the same statements, whatever time they took.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same file file")
	}
	a, b := timeless(ts.ReadFile(args[0])), timeless(ts.ReadFile(args[1]))
	if a != b {
		ts.Fatalf("%s and %s differ:\n%s\n%s", args[0], args[1], a, b)
	}
}

// equal is same for statements that took different work to come to.
func equal(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := regexp.MustCompile(`(?m)^  time .*`).ReplaceAllString(ts.ReadFile(name), "")
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
	same(ts, neg, args)
}

var seconds = regexp.MustCompile(`(time +)[0-9.]+ s|"seconds":[0-9.e-]+`)

func timeless(text string) string { return seconds.ReplaceAllString(text, "") }

// schema fails unless every line of a file is a JSON object whose fields are all in the
// comment of the command.
func schema(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: schema file")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		r := record{outcome: new(outcome)}
		ts.Check(dec.Decode(&r))
	}
}

// TestKill kills a search again and again, at random moments, and begins it anew from its
// checkpoint. In the end it says what one says that was left alone.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const program = "mm/list_lru/resize-vs-drain-vs-destroy@P6"
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []string{"1", "2"} {
		file := filepath.Join(t.TempDir(), "ckpt")
		command := func(more ...string) *exec.Cmd {
			cmd := exec.Command(exe, append(more, "-json", program)...)
			cmd.Env = append(os.Environ(), asCommand+"=1")
			return cmd
		}
		want, _ := command().Output()
		rng := rand.New(rand.NewPCG(1, 2))
		kills, left := 0, 0
		for {
			cmd := command("-j", workers, "-checkpoint", file, "-every", "1ms")
			var out strings.Builder
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// It is killed by what it has written, not by the clock: after more and more, so
			// that it comes to an end.
			times, later := 1+kills/8, time.Duration(rng.IntN(5))*time.Millisecond
			written := make(chan bool)
			go func() { written <- killWritten(cmd.Process, file, times, later) }()
			err := cmd.Wait()
			if <-written {
				left++
			}
			// A kill may come between its last word and its end.
			exit := (*exec.ExitError)(nil)
			if out.Len() > 0 || !errors.As(err, &exit) || exit.ExitCode() == exitFailed {
				if got := result(t, out.String()); got != result(t, string(want)) {
					t.Errorf("%s workers, after %d kills: %s, want %s", workers, kills, got, want)
				}
				break
			}
			if kills++; kills > 1000 {
				t.Fatal("1000 kills, and the search is not done")
			}
		}
		t.Logf("%s workers: %d kills, %d after a checkpoint", workers, kills, left)
		if left < 3 {
			t.Errorf("%s workers: %d kills after a checkpoint", workers, left)
		}
	}
}

// killWritten kills a process some time after it has written the file so many times, and reports
// whether it came to that before it ended.
func killWritten(p *os.Process, file string, times int, later time.Duration) bool {
	last := modified(file)
	for times > 0 && p.Signal(syscall.Signal(0)) == nil {
		time.Sleep(time.Millisecond)
		if now := modified(file); !now.Equal(last) {
			last = now
			times--
		}
	}
	time.Sleep(later)
	return p.Kill() == nil
}

// modified returns when a file was written, the zero time if there is none.
func modified(file string) (at time.Time) {
	if info, err := os.Stat(file); err == nil {
		at = info.ModTime()
	}
	return at
}

// result returns what a JSON statement says, without the effort it took.
func result(t *testing.T, text string) string {
	t.Helper()
	r := record{outcome: new(outcome)}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	r.Runs, r.Steps, r.Seconds = 0, 0, 0
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestSchema looks for every field of a record in the comment of the command.
func TestSchema(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, doc, _ := strings.Cut(string(source), "# JSON")
	doc, _, _ = strings.Cut(doc, "package main")
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(doc, func(r rune) bool {
		return !('a' <= r && r <= 'z' || r == '_')
	}) {
		words[w] = true
	}
	var look func(typ reflect.Type)
	look = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !words[name] {
				t.Errorf("field %q is not documented", name)
			}
			look(f.Type)
		}
	}
	look(reflect.TypeFor[record]())
}

// TestProgress writes to what it takes for a terminal of 60 columns.
func TestProgress(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b)
	p.program("fs/aio/x@1", 0, 1)
	p.exhaust(explore.Progress{})
	p.sample(&sample{runs: 64}, 128)
	if b.Len() > 0 {
		t.Errorf("%q is written though there is no terminal", b.String())
	}
	p.width = 60
	p.program("fs/aio/x@1", 1, 3)
	for _, s := range []explore.Progress{
		{Bound: 2, Done: 100, Queued: 400, Nodes: 12345, Runs: 50000},
		{Bound: 2, Done: 200, Queued: 400, Nodes: 23456, Runs: 60000},
	} {
		p.last = time.Time{}
		p.start = p.start.Add(-10 * time.Second)
		p.exhaust(s)
		p.since = p.since.Add(-10 * time.Second)
	}
	p.last = time.Time{}
	p.sample(&sample{runs: 640}, 1280)
	p.clear()
	p.note("a note\n")
	lines := strings.Split(b.String(), "\r\x1b[K")
	want := []string{
		"", "2/3 fs/aio/x@1: bound 2 25%, 12,345 states, ",
		"2/3 fs/aio/x@1: bound 2 50%, 10s left in it, 23,456 states",
		"2/3 fs/aio/x@1: 50% of 1,280 executions, ", "a note\n",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %q", len(lines), len(want), lines)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) || len(line) > 59 {
			t.Errorf("line %d is %q, want %q", i, line, want[i])
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 steps", 1: "1 step", 999: "999 steps", 1000: "1,000 steps",
		1234567: "1,234,567 steps",
	} {
		if got := count(n, "step"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
