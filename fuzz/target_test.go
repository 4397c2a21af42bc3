package fuzz

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
	"github.com/kschedfuzz/kschedfuzz/fuzz/statecov"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// maxInput is the most bytes of an input that are read. The engine does not bound its
// inputs and they grow; the longest workload takes fewer decisions.
const maxInput = 512

// A worker of the engine has ten seconds for one input, so minimizing within the
// target is bounded: cmd/minimize has all the time it wants.
var minimizing = triage.Options{Executions: 3_000, Nodes: 2_000}

// explaining is the most executions for why it fails: most failures take fewer.
const explaining = 20_000

// checkEvery is how often an input is run twice to see that the model does the same.
const checkEvery = 1024

var variant = flag.String("variant", "", "fuzz this `variant` of the object instead of the target's own")

// fuzz is the body of every target.
func fuzz(f *testing.F, name string) {
	target, err := kmodel.FindTarget(name)
	if err != nil {
		f.Fatal(err)
	}
	p, err := target.Program(*variant)
	if err != nil {
		switch {
		case *variant == "":
			f.Fatal(err)
		case !fuzzing(name) && (fuzzingAny() || anyObjectHas(*variant)):
			f.Skipf("-variant=%s is of another object", *variant)
		}
		f.Fatalf("-variant=%s: %v", *variant, err)
	}
	statecov.KeepFinds()
	oneProcessor()
	x := newFuzzer(target, p)
	f.Cleanup(x.runner.Close)
	f.Add([]byte(nil))
	f.Fuzz(x.run)
}

// fuzzing reports whether target name is the one that -fuzz selects.
func fuzzing(name string) bool {
	pattern := flag.Lookup("test.fuzz").Value.String()
	ok, err := regexp.MatchString(pattern, name)
	return pattern != "" && err == nil && ok
}

// fuzzingAny reports whether a target is fuzzed, so that the others need not answer.
func fuzzingAny() bool { return flag.Lookup("test.fuzz").Value.String() != "" }

// anyObjectHas reports whether there is a target with that variant.
func anyObjectHas(variant string) bool {
	return slices.ContainsFunc(kmodel.Targets(), func(t kmodel.Target) bool {
		_, err := t.Program(variant)
		return err == nil
	})
}

// oneProcessor has the workers of the engine run on one processor each: there are as
// many as there are processors, and the engine passes every input from one goroutine to
// another, which is dear across processors.
func oneProcessor() {
	if flag.Lookup("test.fuzz").Value.String() == "" {
		return
	}
	if _, given := os.LookupEnv("GOMAXPROCS"); !given {
		os.Setenv("GOMAXPROCS", "1")
	}
}

// A fuzzer runs the inputs of one target.
type fuzzer struct {
	target kmodel.Target
	p      program.Program
	runner *schedule.Runner
	feed   feeder
	runs   int
}

func newFuzzer(target kmodel.Target, p program.Program) *fuzzer {
	in := p.New()
	x := &fuzzer{target: target, p: p}
	x.runner = schedule.NewRunner(schedule.Program{
		Name: p.Name(),
		New:  func() func(*schedule.Exec) { return in.Begin },
	})
	x.feed.abstract = in.Abstract
	x.feed.hit = x.feed.see
	return x
}

// run runs one input.
func (x *fuzzer) run(t *testing.T, in []byte) {
	data := in[:min(len(in), maxInput)]
	x.feed.Reset(data)
	x.feed.seen = [len(x.feed.seen)]uint64{}
	res := x.runner.Run(&x.feed)
	if x.runs++; x.runs%checkEvery == 0 {
		if err := x.runner.CheckDeterminism(schedule.FromBytes(data)); err != nil {
			t.Fatal(err)
		}
	}
	if res.Outcome == schedule.Fail {
		x.report(t, in)
	}
}

// report minimizes the failure of the last run and fails the test with what a developer
// wants to see, the next command to type last.
func (x *fuzzer) report(t *testing.T, in []byte) {
	tape := append(schedule.Tape(nil), x.runner.Taken()...)
	file := x.corpusFile(t, in)
	command := "go run ./cmd/minimize "
	if x.p.Variant != x.target.Variant {
		command += "-variant=" + x.p.Variant + " "
	}
	command += file
	res, err := triage.Minimize(context.Background(), x.p.Schedule(), tape, minimizing)
	if err != nil {
		t.Fatalf("%v\ntape %s\n%s", err, triage.TapeText(tape), command)
	}
	var out bytes.Buffer
	r := res.Report(triage.About{
		Versions: x.p.Versions, Patches: x.p.Patches, Command: command,
	})
	r.Explanation, err = triage.Explain(
		context.Background(), x.p.Schedule(), res.Final.Tape, 0, explaining)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	t.Fatalf("%s", out.Bytes())
}

// corpusFile names the file of the input, as seen from the top of the repository: the
// one that a seed was read from, or the one that the engine will write.
func (x *fuzzer) corpusFile(t *testing.T, in []byte) string {
	_, base, _ := strings.Cut(t.Name(), "/")
	if base == "" || strings.HasPrefix(base, "seed#") {
		base = fmt.Sprintf("%x", sha256.Sum256(gofile.Format(in)))[:16]
	}
	return "fuzz/testdata/fuzz/" + x.target.Name + "/" + base
}

// A feeder is the reader of the input, which also tells the engine of every state on
// the way. It does so at the decisions: between two of them the schedule has no say.
type feeder struct {
	schedule.ByteReader
	abstract func(e *schedule.Exec, hit func(uint64))
	hit      func(word uint64) // see, bound once
	seen     [64]uint64        // words that this execution has reported, by their last bits
}

// Choose implements [schedule.Chooser].
func (fd *feeder) Choose(e *schedule.Exec, n int) int {
	if statecov.Active() && e.Enabled() != 0 {
		fd.abstract(e, fd.hit)
	}
	return fd.ByteReader.Choose(e, n)
}

func (fd *feeder) see(word uint64) {
	if at := &fd.seen[word%uint64(len(fd.seen))]; *at != word {
		*at = word
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], word)
		statecov.Hit(xxhash.Sum64(b[:]))
	}
}
