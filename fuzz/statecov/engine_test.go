package statecov

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// compileForFuzzing compiles the tests of this package as go test -fuzz does
// and returns the binary. It skips the test where that is not to be had.
func compileForFuzzing(t *testing.T, flags ...string) string {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("compiles an instrumented binary")
	case *instrumented || fuzzing():
		t.Skip("this is an instrumented binary")
	case !engineInstruments:
		t.Skip("go test -fuzz does not instrument on this platform")
	}
	binary := filepath.Join(t.TempDir(), "statecov.test")
	args := append([]string{"test", "-c", "-fuzz=FuzzToy", "-o", binary}, flags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	return binary
}

// run runs a test binary in an empty directory, where it may leave files. It
// returns the output and whether the tests passed. Any end but a test binary's
// own, a signal for one, ends this test.
func run(t *testing.T, binary string, args ...string) (output []byte, passed bool) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = t.TempDir()
	output, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%s: %v\n%s", cmd, err, output)
	}
	return output, err == nil
}

// TestInstrumented runs the tests of the backend where there is one.
func TestInstrumented(t *testing.T) {
	binary := compileForFuzzing(t)
	output, passed := run(t, binary, "-instrumented", "-test.v",
		"-test.run=^(TestActive|TestHit|TestHitTogether|TestFindAgain)$")
	if !passed {
		t.Errorf("in a build for fuzzing:\n%s", output)
	}
	t.Logf("%s", output)
}

// TestNotInlined checks that the package gives up, and the tests with it
// pass, where the compiler leaves it too few spare counters.
func TestNotInlined(t *testing.T) {
	binary := compileForFuzzing(t, "-gcflags=-l")
	output, passed := run(t, binary, "-test.run=^(TestActive|TestHit|FuzzToy)$")
	if !passed {
		t.Errorf("in a build for fuzzing without inlining:\n%s", output)
	}
}

var cracked = regexp.MustCompile(`toy cracked: execution (\d+) of this worker`)

// TestNativeEngine is the proof of the package: the engine of go test, as it
// comes, cracks the toy when it is shown the states, and blind it does not
// with three times the executions. Budgets are counts, so a slow or busy
// machine makes the test longer but does not change how it ends.
func TestNativeEngine(t *testing.T) {
	binary := compileForFuzzing(t)

	// fuzz returns the number of executions that cracked the toy, or 0.
	fuzz := func(budget int, flags ...string) int {
		const workers = 2
		output, passed := run(t, binary, append([]string{
			"-instrumented",
			"-test.run=^$",
			"-test.fuzz=^FuzzToy$",
			"-test.fuzzcachedir=" + t.TempDir(),
			"-test.fuzztime=" + strconv.Itoa(budget) + "x",
			"-test.parallel=" + strconv.Itoa(workers),
		}, flags...)...)
		if passed {
			return 0
		}
		m := cracked.FindSubmatch(output)
		if m == nil {
			t.Fatalf("failed, and not because the toy was cracked:\n%s", output)
		}
		tries, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		return tries * workers // which take equal shares
	}

	// The engine needs about a twentieth of the budget on the machine this was
	// written on. It gives every corpus entry 100 ms in turn, so a faster machine
	// needs more executions, though less time.
	const budget = 2_000_000
	tries := fuzz(budget)
	if tries == 0 {
		t.Fatalf("shown the states: not cracked in %d executions", budget)
	}
	t.Logf("shown the states: cracked in about %d executions", tries)
	if n := fuzz(3*tries, "-blind"); n != 0 {
		t.Fatalf("blind: cracked in about %d executions", n)
	}
	t.Logf("blind: not cracked in %d executions", 3*tries)
}
