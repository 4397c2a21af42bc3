package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/fuzz/libfuzzer"
)

var engines = flag.Bool("engines", false, "run the tests that need the Go fuzzer itself")

// needsEngines skips a test that builds the targets for the Go fuzzer: from an empty build
// cache that takes as long as many other tests together. .ci/run does not skip it.
func needsEngines(t *testing.T) {
	t.Helper()
	if !*engines {
		t.Skip("it builds the targets for the Go fuzzer: go test ./cmd/continuous -engines")
	}
}

// circleTarget fails at once, whoever fuzzes it.
const circleTarget = "FuzzGetNetNsById"

// A circle is a directory to work in, and the commands.
type circle struct {
	t    *testing.T
	root string // of the repository
	dir  string
}

// path returns the path of a file in the directory.
func (c *circle) path(elem ...string) string {
	return filepath.Join(append([]string{c.dir}, elem...)...)
}

// run runs a command of the directory and returns its standard output.
func (c *circle) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(c.path(name), args...)
	cmd.Dir = c.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, &out, &errs)
	}
	return out.String()
}

// signature has cmd/minimize minimize a failure, and returns its signature.
func (c *circle) signature(args ...string) string {
	c.t.Helper()
	var d struct {
		Signature string
	}
	out := c.run("minimize", append([]string{"-explain", "0", "-format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		c.t.Fatal(err)
	}
	return d.Signature
}

// goFuzz has the Go fuzzer run n inputs of the target, and returns the file that it has left if
// one failed.
func (c *circle) goFuzz(n int) (crash string) {
	c.t.Helper()
	cmd := exec.Command(c.path("fuzz.test"), "-test.run=^$", "-test.fuzz=^"+circleTarget+"$",
		"-test.fuzzcachedir="+c.path("cache", "fuzz"), fmt.Sprintf("-test.fuzztime=%dx", n),
		"-test.parallel=1")
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	crashes, _ := filepath.Glob(c.path("testdata", "fuzz", circleTarget, "*"))
	if (err != nil) != (len(crashes) > 0) {
		c.t.Fatalf("%v, crashes %v\n%s", err, crashes, out)
	}
	if len(crashes) == 0 {
		return ""
	}
	return crashes[0]
}

// entries returns the ids of the entries that a pack has for the target.
func (c *circle) entries(pack string) (ids []uint64) {
	c.t.Helper()
	p, err := corpus.Open(c.path(pack))
	if err != nil {
		c.t.Fatal(err)
	}
	for e := range p.All() {
		if e.Program == circleTarget {
			ids = append(ids, e.ID())
		}
	}
	slices.Sort(ids)
	return ids
}

// TestCircle goes the whole way round: what the Go fuzzer has found is packed, grows here, is
// given to libFuzzer as files and as a zip, comes back, and goes to the Go fuzzer again; and
// the failure that it found is the same wherever it turns up.
func TestCircle(t *testing.T) {
	needsEngines(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := &circle{t, root, t.TempDir()}
	c.build()
	// A Go fuzzer that fails at one of its first inputs has kept none, and made no directory.
	if err := os.MkdirAll(c.path("cache", "fuzz"), 0o777); err != nil {
		t.Fatal(err)
	}
	crash := c.goFuzz(100_000)
	if crash == "" {
		t.Fatal("the Go fuzzer has found nothing")
	}
	want := c.signature(crash)

	// Packed, and grown here, by both engines.
	c.run("corpus", "pack", "go.pack", "cache/fuzz", "testdata/fuzz")
	config := fmt.Sprintf("targets = [%q]\nseeds = [\"go.pack\"]\nhttp = \"off\"\nnative = %q\n",
		circleTarget, root)
	if err := os.WriteFile(c.path("c.toml"), []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
	c.run("continuous", "-config", "c.toml", "-executions", "20000", "data")
	grown := c.entries("data/corpus.pack")
	if len(grown) == 0 {
		t.Fatal("no entries")
	}
	c.sameFailure(want)
	c.toLibFuzzer(grown)

	// And to the Go fuzzer again, which reads them all before it begins.
	if err := os.RemoveAll(c.path("cache")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(c.path("testdata")); err != nil {
		t.Fatal(err)
	}
	c.run("corpus", "unpack", "-o", "cache/fuzz", "back.pack")
	if crash := c.goFuzz(1); crash != "" {
		t.Errorf("an entry of the corpus fails: %s", crash)
	}
}

// build builds the commands, and the targets for the Go fuzzer.
func (c *circle) build() {
	for name, args := range map[string][]string{
		"corpus":     {"build", "-o", c.path("corpus"), "./cmd/corpus"},
		"minimize":   {"build", "-o", c.path("minimize"), "./cmd/minimize"},
		"continuous": {"build", "-o", c.path("continuous"), "./cmd/continuous"},
		"fuzz.test":  {"test", "-c", "-fuzz=.", "-o", c.path("fuzz.test"), "./fuzz"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = c.root
		if out, err := cmd.CombinedOutput(); err != nil {
			c.t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
}

// sameFailure checks that the failure of the Go fuzzer was reported here, and that each form
// in which it is kept is minimized to the same signature.
func (c *circle) sameFailure(want string) {
	reports, _ := filepath.Glob(c.path("data", failuresDir, "*", bugFile))
	for _, file := range reports {
		var b bug
		if err := json.Unmarshal([]byte(read(c.t, file)), &b); err != nil {
			c.t.Fatal(err)
		}
		if b.Signature != want {
			continue
		}
		dir := filepath.Dir(file)
		for _, args := range [][]string{
			{filepath.Join(dir, goldenFile)},
			{"-target", circleTarget, filepath.Join(dir, tapeFile)},
			{"-target", circleTarget, b.Tape},
			{"-target", circleTarget, c.libFuzzerCrash(filepath.Join(dir, tapeFile))},
		} {
			if got := c.signature(args...); got != want {
				c.t.Errorf("minimize %v: %s, want %s", args, got, want)
			}
		}
		return
	}
	c.t.Errorf("no report of %s among %d", want, len(reports))
}

// libFuzzerCrash runs an input as libFuzzer does, and leaves it in a file as it does if the
// input fails.
func (c *circle) libFuzzerCrash(file string) (crash string) {
	input := []byte(read(c.t, file))
	defer func() {
		if recover() == nil {
			c.t.Errorf("%s passes under libFuzzer", file)
		}
		crash = c.path("crash-file")
		if err := os.WriteFile(crash, input, 0o666); err != nil {
			c.t.Fatal(err)
		}
	}()
	libfuzzer.Run(circleTarget, input)
	return ""
}

// toLibFuzzer gives the corpus to libFuzzer's targets, as files and as a zip, and packs both
// again: nothing is lost or added.
func (c *circle) toLibFuzzer(want []uint64) {
	c.run("corpus", "unpack", "-format", "raw", "-o", "raw", "data/corpus.pack")
	c.run("corpus", "unpack", "-format", "zip", "-o", "seeds.zip", "data/corpus.pack")
	files, err := filepath.Glob(c.path("raw", circleTarget, "*"))
	if err != nil || len(files) != len(want) {
		c.t.Fatalf("%d files of %d entries, %v", len(files), len(want), err)
	}
	for _, file := range files {
		libfuzzer.Run(circleTarget, []byte(read(c.t, file))) // it panics if the input fails
	}
	for pack, source := range map[string]string{
		"back.pack": "raw/" + circleTarget, "zip.pack": "seeds.zip",
	} {
		c.run("corpus", "pack", "-program", circleTarget, "-raw", pack, source)
		if got := c.entries(pack); !slices.Equal(got, want) {
			c.t.Errorf("%s: %d entries came back, want %d", source, len(got), len(want))
		}
	}
}
