package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/internal/script"
)

// The scripts run the command as a user does, and the tests below kill it. For those the
// test binary is the command: with this in its environment.
const asCommand = "KSCHEDFUZZ_TEST_CONTINUOUS"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){"continuous": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  filepath.Join("testdata", "script"),
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"status": script.Status},
	})
}

// begin starts the command with a configuration, and returns what it prints to standard
// error, line by line.
func begin(t *testing.T, config string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], append([]string{"-config", file}, args...)...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewScanner(errs)
}

// kept is a line that acknowledges an input.
var kept = regexp.MustCompile(`kept ([0-9a-f]{16}) Fuzz`)

// TestKill kills the command with SIGKILL again and again, after ever more inputs, wherever
// it is then. Every input that was acknowledged is there, every report is whole, and the
// next instance goes on.
func TestKill(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	const config = `
targets = ["FuzzGetNetNsById", "FuzzFixedKthreadUseMm"]
http = "off"
workers = 2
`
	dir := filepath.Join(t.TempDir(), "data")
	acknowledged := map[string]bool{}
	for round := range rounds {
		cmd, lines := begin(t, config, "-v", dir)
		for n := 0; lines.Scan(); { // also what it says until it is dead
			if m := kept.FindStringSubmatch(lines.Text()); m != nil {
				acknowledged[m[1]] = true
				if n++; n == 1+40*round {
					cmd.Process.Kill()
				}
			} else if !strings.Contains(lines.Text(), "failure in FuzzGetNetNsById") {
				t.Fatalf("round %d: %s", round, lines.Text())
			}
		}
		cmd.Wait()
		p, err := corpus.Open(filepath.Join(dir, corpusFile))
		if err != nil {
			t.Fatal(err)
		}
		has := map[string]bool{}
		for e := range p.All() {
			has[fmt.Sprintf("%016x", e.ID())] = true
		}
		for id := range acknowledged {
			if !has[id] {
				t.Fatalf("round %d: %s is lost; damage %v", round, id, p.Damage())
			}
		}
		checkWhole(t, dir)
	}
	if len(acknowledged) < rounds {
		t.Errorf("%d inputs in %d rounds", len(acknowledged), rounds)
	}
}

// checkWhole checks that every report has all its files.
func checkWhole(t *testing.T, dir string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, failuresDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if strings.HasPrefix(filepath.Base(d), tempPrefix) {
			continue
		}
		for _, file := range reportFiles() {
			if _, err := os.Stat(filepath.Join(d, file)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestTerminate: SIGTERM ends it, whatever it does at the moment, with a summary and nothing
// left to clean up. (That it takes less than a second is measured, and not tested.)
func TestTerminate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	cmd, lines := begin(t, "targets = [\"FuzzLookupIoctx\"]\nhttp = \"off\"", "-v", dir)
	for lines.Scan() {
		if kept.MatchString(lines.Text()) {
			break
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	acknowledged := 1
	for lines.Scan() {
		if kept.MatchString(lines.Text()) {
			acknowledged++
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	p, err := corpus.Open(filepath.Join(dir, corpusFile))
	if err != nil || p.Len() != acknowledged || len(p.Damage()) > 0 {
		t.Errorf("%d entries, %d acknowledged, damage %v, %v", p.Len(), acknowledged, p.Damage(), err)
	}
	for _, pattern := range []string{
		"*.lock", tempPrefix + "*", failuresDir + "/" + tempPrefix + "*",
	} {
		if left, _ := filepath.Glob(filepath.Join(dir, pattern)); left != nil {
			t.Errorf("left: %v", left)
		}
	}
}

// TestServes: the page is on loopback as long as the command runs.
func TestServes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	cmd, lines := begin(t, "targets = [\"FuzzFixedPipeRelease\"]\nhttp = \"127.0.0.1:0\"", dir)
	lines.Scan()
	_, url, ok := strings.Cut(lines.Text(), "status at ")
	if !ok {
		t.Fatal(lines.Text())
	}
	res, err := http.Get(url + "status.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(text), StatusSchema) {
		t.Errorf("%s, %v", text, err)
	}
	second := exec.Command(os.Args[0], "-executions", "1", dir)
	second.Env = append(os.Environ(), asCommand+"=1")
	out, err := second.CombinedOutput()
	want := fmt.Sprintf("%s: process %d (", filepath.Join(dir, corpusFile), cmd.Process.Pid)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != exitWrong ||
		!strings.Contains(string(out), want) {
		t.Errorf("a second instance: %v\n%s", err, out)
	}
}
