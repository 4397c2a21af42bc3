// Minimize shrinks a failing schedule to the smallest one that fails in the same
// way, and prints the report of that: what happens, the interleaving in columns, the steps
// that take part with their stacks, why it fails (the orders of steps with which every
// execution does), in which other variants of the program these orders do the same, how
// probable the failure is, and what is known to be minimal about it.
//
//	go run ./cmd/minimize fuzz/testdata/fuzz/FuzzLookupIoctx/916d9d9c4ab2b4ae
//
// Usage:
//
//	minimize [flags] file|tape
//
// The argument is one of
//
//   - a file that "go test -fuzz" has written. Where it lies says which fuzz target it
//     is for: .../testdata/fuzz/FuzzName/file, or the same in the Go build cache.
//   - a raw file, as libFuzzer and OSS-Fuzz keep them. It needs -target or -program.
//   - a golden file that -o has written. It says itself what it is for.
//   - a tape in digits, 0010000100001. It needs -target or -program. A file of that
//     name goes first.
//
// Bytes of fuzzers are read leniently, as the fuzz targets read them. If their end is
// drawn (schedule.Tape), the program draws it, so in another -variant it may come to other
// decisions: there give the tape that the report has. Digits, which somebody has written
// down, are read strictly: one that does not fit the program is an error.
//
// The flags are
//
//	-target name    the fuzz target that the tape is for: FuzzLookupIoctx
//	-variant name   another variant of the same program: 1d
//	-program name   the full name of a program: fs/aio/workload@1e
//	-mute kinds     go on after these kinds of failure, as the kernel does after a
//	                warning, to see what comes of it: refcount-resurrect,double-release
//	-nodes n        states that the exact search may keep
//	-explain n      executions that finding out why may take, for each variant, and how
//	                probable it is; 0: do not
//	-format name    of the report: text, markdown (for a mail or an issue), json
//	                (docs/report.schema.json), html (a page in one file, with the
//	                interleaving as a picture) or delays (what widens the same window in
//	                a real kernel)
//	-o file         write the result as a golden file, which a test can read back; no other
//	                file is overwritten
//	-v              print what each pass has tried to standard error
//
// Text is in colour on a terminal, unless NO_COLOR is set. Names are never cut: columns are
// folded to fit 100 characters.
//
// Sameness is decided by the signature, the last line of the numbers in the report:
// kind and kernel functions. Another failure that is met on the way is listed in
// the report with its tape, and not followed.
//
// The exit status is
//
//	0  minimized; the report is on standard output
//	1  the input does not reproduce: its tape passes, or fails in another way than
//	   the golden file says
//	2  wrong usage, an input that cannot be read or does not fit the program, or
//	   an output that cannot be written
//
// "go run" itself exits with 1 whatever it is; go build keeps the number.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/report"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// The exit statuses.
const (
	exitMinimized     = 0
	exitNotReproduced = 1
	exitWrong         = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its arguments and outputs given.
func run(args []string, stdout, stderr io.Writer) int {
	c, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitMinimized
	} else if err != nil {
		fmt.Fprintf(stderr, "minimize: %v; minimize -h has the flags\n", err)
		return exitWrong
	}
	if err = c.minimize(stdout, stderr); err == nil {
		return exitMinimized
	}
	fmt.Fprintf(stderr, "minimize: %v\n", err)
	if _, ok := errors.AsType[*triage.NotReproducedError](err); ok {
		return exitNotReproduced
	}
	return exitWrong
}

// A command is what the command line says.
type command struct {
	arg                      string
	target, variant, program string
	mute, out                string
	nodes, explain           int
	verbose                  bool
	format                   format
}

// parseFlags reads the command line. Help, if asked for, goes to stderr.
func parseFlags(args []string, stderr io.Writer) (*command, error) {
	c := &command{format: format(report.Formats()[0])}
	fs := flag.NewFlagSet("minimize", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // one line says what is wrong, not all flags
	fs.StringVar(&c.target, "target", "",
		"`name` of the fuzz target that the tape is for, FuzzLookupIoctx")
	fs.StringVar(&c.variant, "variant", "", "`name` of another variant of the same program, 1d")
	fs.StringVar(&c.program, "program", "", "full `name` of a program, fs/aio/workload@1e")
	fs.StringVar(&c.mute, "mute", "",
		"go on after these `kinds` of failure, such as double-kill,double-release")
	fs.IntVar(&c.nodes, "nodes", triage.DefaultNodes, "states that the exact search may keep")
	fs.IntVar(&c.explain, "explain", triage.DefaultExplaining,
		"executions that finding out why may take, for each variant; 0: do not")
	fs.Var(&c.format, "format", "`name` of the format of the report: "+formatNames())
	fs.StringVar(&c.out, "o", "", "write the result as a golden `file`")
	fs.BoolVar(&c.verbose, "v", false, "print what each pass has tried to standard error")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: minimize [flags] file|tape")
		fs.PrintDefaults()
	}
	if err == nil {
		err = c.check(fs)
	}
	c.arg = fs.Arg(0)
	return c, err
}

// check says what is wrong with flags that can be read.
func (c *command) check(fs *flag.FlagSet) error {
	for i, arg := range fs.Args() {
		if i > 0 && strings.HasPrefix(arg, "-") {
			return fmt.Errorf("%s: flags go before the file or tape", arg)
		}
	}
	switch {
	case fs.NArg() == 0:
		return errors.New("no file and no tape given")
	case fs.NArg() > 1:
		return fmt.Errorf("%s: one file or tape at a time", fs.Arg(1))
	case c.nodes < 1:
		return fmt.Errorf("-nodes %d: want 1 or more", c.nodes)
	case c.explain < 0:
		return fmt.Errorf("-explain %d: want 0 or more", c.explain)
	}
	return nil
}

// minimize reads the input, shrinks it and writes the report.
func (c *command) minimize(stdout, stderr io.Writer) error {
	in, err := readInput(c.arg)
	if err != nil {
		return err
	}
	if err := c.apply(in); err != nil {
		return in.errorf(err)
	}
	if err := in.check(); err != nil {
		return in.errorf(err)
	}
	if err := c.checkOut(); err != nil {
		return err
	}
	res, err := triage.Minimize(context.Background(), in.program.Schedule(), in.tape,
		triage.Options{Mute: in.mute, Want: in.want, Nodes: c.nodes})
	if err != nil {
		return in.errorf(in.advise(err))
	}
	if c.verbose {
		writePasses(stderr, &res)
	}
	r, err := report.New(context.Background(), in.program, &res, in.mute, c.explain)
	if err != nil {
		return in.errorf(err)
	}
	err = c.format.write(r, stdout)
	if c.out != "" { // the report may be all that there is room for
		err = errors.Join(err, writeGolden(c.out, in, &res))
	}
	return err
}
