package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

const (
	// nativeInputs is how many inputs the Go fuzzer runs in a turn. It is a count and no
	// time, since at a deadline it fails now and then without a reason.
	nativeInputs = 20_000
	// nativeSeeds is how many inputs it is given, the newest. It gives every input the same
	// time again, so more would leave none for what it finds.
	nativeSeeds = 64
	// nativeGrace is how long it has to end when it is told to.
	nativeGrace = 300 * time.Millisecond
)

// buildNative builds the fuzz targets for the Go fuzzer, if the configuration wants it.
func (c *campaign) buildNative(ctx context.Context) error {
	if c.config.Native.dir == "" {
		return nil
	}
	var targets []*target
	for _, t := range c.targets {
		if strings.HasPrefix(t.name, "Fuzz") {
			targets = append(targets, t)
		}
	}
	if len(targets) == 0 {
		return errors.New("native: no fuzz target is among the targets, only programs: " +
			"leave it out of the configuration")
	}
	binary, err := filepath.Abs(c.nativeBinary())
	if err != nil {
		return err
	}
	c.log.Printf("building %s", c.nativeBinary())
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-fuzz=.", "-o", binary, "./fuzz")
	cmd.Dir = c.config.Native.dir
	if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("native: in %s: %s: %w\n%s", cmd.Dir, cmd, err, bytes.TrimSpace(out))
	}
	c.native = newShare(targets)
	return nil
}

func (c *campaign) nativeBinary() string {
	return filepath.Join(c.store.dir, nativeDir, "fuzz.test")
}

// workNative gives the Go fuzzer turns at the targets, beside the workers.
func (c *campaign) workNative(ctx context.Context) {
	for ctx.Err() == nil && c.left.Load() > 0 {
		i := c.native.next()
		t := c.native.targets[i]
		x := nativeEngine{c, t}
		news, err := x.turn(ctx)
		if err != nil && ctx.Err() == nil {
			c.log.Printf("%s: go test -fuzz: %v", t.name, err)
			sleep(ctx, time.Second) // it may fail at once, for ever
		}
		c.native.done(i, news)
	}
}

// sleep waits, unless ctx is done first.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// A nativeEngine is the Go fuzzer as a child process: the compiled targets, run in a
// directory of their own with a cache of their own. Every turn begins with a fresh
// directory and the newest inputs; what it finds is given to the target, for the in-process
// engine to see what it is worth. So nothing has to be kept of a turn that is cut short.
type nativeEngine struct {
	c      *campaign
	target *target
}

// turn has the Go fuzzer run, and returns how many inputs it found. An error is of the Go
// fuzzer, that it could not do that.
func (x nativeEngine) turn(ctx context.Context) (news int, err error) {
	root, err := filepath.Abs(filepath.Join(x.c.store.dir, nativeDir))
	if err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp(root, turnPrefix)
	if err != nil {
		return 0, inFile(root, err)
	}
	defer os.RemoveAll(work)
	cache := filepath.Join(work, "cache", x.target.name)
	given, err := x.export(cache)
	if err != nil {
		return 0, err
	}
	out, failure := x.fuzz(ctx, filepath.Join(root, "fuzz.test"), work)
	x.count(out)
	found, err := x.collect(cache, given)
	if err != nil {
		return found, err
	}
	crashes, err := x.collect(filepath.Join(work, "testdata", "fuzz", x.target.name), nil)
	if err == nil && failure != nil && crashes == 0 {
		err = fmt.Errorf("%w: %s", failure, lastLine(out))
	}
	return found, err
}

// export writes the newest inputs to dir and returns their names.
func (x nativeEngine) export(dir string) (map[string]bool, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, inFile(dir, err)
	}
	inputs := x.target.kept()
	given := map[string]bool{}
	for _, tape := range inputs[max(0, len(inputs)-nativeSeeds):] {
		data := gofile.Format(tape.Bytes())
		name := gofile.Name(data)
		given[name] = true
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return nil, inFile(filepath.Join(dir, name), err)
		}
	}
	return given, nil
}

// fuzz runs the compiled targets and returns what they print.
func (x nativeEngine) fuzz(ctx context.Context, binary, work string) (out []byte, err error) {
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.fuzz=^"+x.target.name+"$",
		"-test.fuzzcachedir="+filepath.Join(work, "cache"),
		"-test.fuzztime="+strconv.Itoa(nativeInputs)+"x", "-test.parallel=1")
	cmd.Dir = work
	cmd.WaitDelay = nativeGrace
	kill := group(cmd)
	out, err = cmd.CombinedOutput()
	if ctx.Err() != nil {
		kill() // whoever is left
	}
	return out, err
}

// executed finds how many inputs the Go fuzzer has run, in what it prints now and then.
var executed = regexp.MustCompile(`execs: ([0-9]+)`)

// count adds what the Go fuzzer has run to the totals, and takes it from what is left.
func (x nativeEngine) count(out []byte) {
	all := executed.FindAllSubmatch(out, -1)
	if all == nil {
		return
	}
	n, err := strconv.ParseInt(string(all[len(all)-1][1]), 10, 64)
	if err != nil {
		return
	}
	x.c.left.Add(-n)
	x.target.mu.Lock()
	x.target.totals.Native += n
	x.target.mu.Unlock()
}

// collect gives the target the inputs in dir but for those that are known, as tapes, and
// returns how many there were. A file that was cut short is left out.
func (x nativeEngine) collect(dir string, known map[string]bool) (n int, err error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return 0, ignoreGone(err)
	}
	runner := schedule.NewRunner(x.target.program.Schedule())
	defer runner.Close()
	for _, d := range list {
		if known[d.Name()] {
			continue
		}
		name := filepath.Join(dir, d.Name())
		data, err := os.ReadFile(name)
		if err != nil {
			return n, inFile(name, err)
		}
		if input, err := gofile.Parse(name, data); err == nil {
			x.target.give(given{tape: runner.TapeOf(input)})
			n++
		}
	}
	return n, nil
}

// lastLine returns the last line that is not empty.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
