package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/report"
	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// maxInput is the largest file that is read, in bytes. A tape of a million
// decisions is longer than any execution.
const maxInput = 1 << 20

// An input is what is to be minimized, from whatever it was read.
type input struct {
	file    string // empty: the tape was the argument
	tape    schedule.Tape
	data    []byte // of a fuzzer; check makes them the tape
	strict  bool   // written down by somebody, so that every digit must fit
	target  string // fuzz target; empty: not known
	name    string // full name of the program; empty: not known
	comment string // of a golden file
	mute    schedule.Kinds
	want    triage.Signature // zero: any failure

	program program.Program // set by apply
}

// errorf puts the file in front of err.
func (in *input) errorf(err error) error {
	if in.file == "" {
		return err
	}
	return fmt.Errorf("%s: %w", in.file, err)
}

// readInput reads arg: an existing file, else a tape.
func readInput(arg string) (*input, error) {
	// A file goes first: a corpus may well have one that is called 0010, and a
	// tape can always be given a zero more.
	data, err := readFile(arg)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
		tape, bad := schedule.Parse(arg)
		if bad != nil || arg == "" {
			return nil, notTape(arg, bad)
		}
		return &input{tape: tape, strict: true}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	in := &input{file: arg, target: gofile.TargetOfData(arg, data)}
	if triage.IsGolden(data) {
		return in, in.readGolden(data)
	}
	switch {
	case corpus.IsPack(data):
		return nil, fmt.Errorf("%s: a pack of many tapes: go run ./cmd/corpus list prints them", arg)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return nil, fmt.Errorf("%s: a zip of many inputs: unzip it, and name one", arg)
	}
	// Raw bytes are never an error, so a file in the place of a corpus that does
	// not read as one must not be taken for raw bytes.
	if in.target != "" || gofile.Is(data) {
		if data, err = gofile.Parse(arg, data); err != nil {
			return nil, err
		}
	}
	in.data = data
	return in, nil
}

// notTape says what is wrong with arg, which is neither a file nor a tape: what it lacks to be
// the one that it looks like.
func notTape(arg string, bad error) error {
	if arg != "" && strings.Trim(arg, "0123456789abcdef") == "" {
		return fmt.Errorf("%s: %w", arg, bad)
	}
	return fmt.Errorf("%s: no such file, and no tape either: that is hex digits only (0-9, a-f)", arg)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, innermost(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err != nil {
		return nil, innermost(err)
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("larger than the limit of %d bytes", maxInput)
	}
	return data, nil
}

// innermost takes the name of the file off err, to be put in front.
func innermost(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

func (in *input) readGolden(data []byte) error {
	g, err := triage.ParseGolden(in.file, data)
	if err != nil {
		return err
	}
	in.tape, in.strict, in.name = g.Tape, true, g.Program
	in.comment, in.mute, in.want = g.Comment, g.Mute, g.Want
	in.target = "" // it says itself what it is for
	return nil
}

// apply finds the program, and lets the flags overrule what the input says.
func (c *command) apply(in *input) (err error) {
	if c.program != "" && (c.target != "" || c.variant != "") {
		return errors.New("-program is a full name: it goes with neither -target nor -variant")
	}
	if c.mute != "" {
		if in.mute, err = triage.ParseKinds(c.mute); err != nil {
			return fmt.Errorf("-mute: %w", err)
		}
	}
	if c.program != "" {
		in.target, in.name = "", c.program
	}
	if c.target != "" {
		in.target, in.name = c.target, ""
	}
	switch {
	case in.name != "":
		name := in.name
		if path, _, ok := strings.Cut(name, "@"); ok && c.variant != "" {
			name = path + "@" + c.variant
		}
		in.program, err = kmodel.Find(name)
	case in.target != "":
		var t kmodel.Target
		if t, err = kmodel.FindTarget(in.target); err == nil {
			in.program, err = t.Program(c.variant)
		}
	default:
		return errors.New("nothing says which program it is for: " +
			"add -target FuzzName or -program name")
	}
	return c.blame(err)
}

// blame puts the flag in front of an error that it has made.
func (c *command) blame(err error) error {
	_, noVariant := errors.AsType[*kmodel.NoVariantError](err)
	switch {
	case err == nil:
		return nil
	case noVariant && c.variant != "":
		return fmt.Errorf("-variant: %w", err)
	case c.program != "":
		return fmt.Errorf("-program: %w", err)
	case c.target != "":
		return fmt.Errorf("-target: %w", err)
	}
	return err
}

// check replays what was written down, to see whether every digit fits. Bytes
// of a fuzzer fit always, and are read here: what is drawn needs the program.
func (in *input) check() error {
	r := schedule.NewRunner(in.program.Schedule())
	defer r.Close()
	r.Mute = in.mute
	if !in.strict {
		in.tape = r.TapeOf(in.data)
		return nil
	}
	_, err := r.Replay(in.tape)
	return err
}

// advise adds to an error what to try next.
func (in *input) advise(err error) error {
	no, ok := errors.AsType[*triage.NotReproducedError](err)
	if !ok || no.Result.Outcome != schedule.Pass {
		return err
	}
	var others []string
	for _, p := range report.Siblings(in.program) {
		others = append(others, p.Variant)
	}
	return fmt.Errorf("%w; if it is for another variant, add -variant with one of %s",
		err, strings.Join(others, ", "))
}

// checkOut says early that -o names a file that is no golden file, which is not overwritten, or one
// that cannot be written.
func (c *command) checkOut() error {
	if c.out == "" {
		return nil
	}
	data, err := readFile(c.out)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("-o %s: %w", c.out, err)
	case !triage.IsGolden(data):
		return fmt.Errorf("-o %s: there is such a file, and it is no golden file: not overwritten", c.out)
	}
	return writeOut(c.out, nil)
}

// writeGolden writes the result as a golden file.
func writeGolden(file string, in *input, res *triage.Result) error {
	g := triage.NewGolden(res.Trace, in.mute)
	g.Comment = in.comment
	var b bytes.Buffer
	if _, err := g.WriteTo(&b); err != nil {
		return err
	}
	return writeOut(file, b.Bytes())
}

// writeOut writes the file of -o, under another name until it is whole: there is always the old one
// or the new one. Without data it finds out whether that can be done. What has that other name
// already is left alone: it is somebody else's, or another minimize is about to rename it.
func writeOut(file string, data []byte) error {
	next := file + ".tmp"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, os.ErrExist):
		return fmt.Errorf("-o %s: %s is in the way: remove it, or wait for who writes it", file, next)
	case err == nil:
		_, err = f.Write(data)
		err = cmp.Or(err, f.Close())
		if err == nil && data != nil {
			err = os.Rename(next, file)
		}
		if err != nil || data == nil {
			os.Remove(next)
		}
	}
	if err != nil {
		return fmt.Errorf("-o %s: %w", file, cmp.Or(errors.Unwrap(err), err))
	}
	return nil
}

// writePasses writes the table of -v.
func writePasses(w io.Writer, res *triage.Result) {
	fmt.Fprintf(w, "%-10s %8s %8s\n", "pass", "tries", "accepted")
	for _, p := range res.Passes {
		fmt.Fprintf(w, "%-10s %8d %8d\n", p.Name, p.Tries, p.Accepted)
	}
	fmt.Fprintf(w, "rounds %d, executions %d\n", res.Rounds, res.Executions)
}
