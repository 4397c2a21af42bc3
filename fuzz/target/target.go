// Package target is what all fuzzing engines share: a target, fed with the input of an
// engine. A [Fuzzer] runs one input after the other, tells statecov of the states on the
// way, makes the report of a failure, and draws inputs for engines that ask for mutations.
//
// It knows no engine: how an input comes, and what is to be done about a failure, is the
// business of the callers, package fuzz for go test -fuzz and fuzz/libfuzzer for
// libFuzzer. It keeps no inputs and decides nothing about them.
//
// It is linked into the binaries of the engines, which may read a counter of every block of
// code after every input, so its imports are few. Under the tag gofuzz alone, of dvyukov's
// go-fuzz, a report is the tape and little else (report_gofuzz.go), and nothing is drawn. Start
// reading at [Fuzzer.Run].
package target

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/fuzz/statecov"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// MaxInput is the most bytes of an input that are read: more than any workload takes decisions.
// Engines that do not bound their inputs make them grow.
const MaxInput = schedule.MaxInput

// checkEvery is how often an input is run twice to see that the model does the same.
const checkEvery = 1024

// A Fuzzer runs the inputs of one program. It belongs to one goroutine.
type Fuzzer struct {
	program program.Program
	runner  *schedule.Runner
	feed    feeder
	runs    int
}

// New returns a fuzzer of p.
func New(p program.Program) *Fuzzer {
	in := p.New()
	x := &Fuzzer{program: p}
	x.runner = schedule.NewRunner(schedule.Program{
		Name: p.Name(),
		New:  func() func(*schedule.Exec) { return in.Begin },
	})
	x.feed.abstract = in.Abstract
	x.feed.hit = x.feed.see
	return x
}

// Close ends the coroutines of x. x must not be used again.
func (x *Fuzzer) Close() { x.runner.Close() }

// Run runs one input and reports whether it failed. Every so often it runs one twice: an
// error says that the model did not do the same again.
func (x *Fuzzer) Run(in []byte) (failed bool, err error) {
	data := in[:min(len(in), MaxInput)]
	x.feed.Reset(data)
	x.feed.seen = [len(x.feed.seen)]uint64{}
	res := x.runner.Run(&x.feed)
	if x.runs++; x.runs%checkEvery == 0 {
		err = x.runner.CheckDeterminism(slices.Clone(x.runner.Taken()))
	}
	return res.Outcome == schedule.Fail, err
}

// Digits returns the tape of an input in bytes, for who changes tapes: what is drawn at its end
// is written out.
func (x *Fuzzer) Digits(in []byte) []byte { return x.runner.TapeOf(in).Bytes() }

// A Report is what a developer is told of a failure.
type Report struct {
	Title string // "KASAN: use-after-free in lookup_ioctx"
	Text  string
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
	if statecov.Active() && !e.Enabled().Empty() {
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
