// Corpus keeps the tapes that fuzzing found: it packs the corpora of the engines into
// one file, looks after that file, and gives them back in the form an engine wants.
//
//	go run ./cmd/corpus pack aio.pack fuzz/testdata/fuzz $(go env GOCACHE)/fuzz
//	go run ./cmd/corpus distil -o small.pack aio.pack
//	go run ./cmd/corpus unpack -o small/fuzz small.pack
//	go test -fuzz=FuzzLookupIoctx ./fuzz -test.fuzzcachedir=$PWD/small/fuzz
//
// Usage:
//
//	corpus command [flags] pack...
//
// The commands are
//
//	pack [-program name] [-raw] pack source...
//	    add inputs to a pack, which is made if there is none. A source is a file, a
//	    directory with all that is in it, or a zip. Files that begin with "go test fuzz
//	    v1" are the Go fuzzer's; where they lie says for which target they are
//	    (FuzzName/file, in testdata, in the build cache or elsewhere). All others are raw,
//	    as libFuzzer, AFL and go-fuzz keep them, and need -program; -raw takes any file
//	    for raw. What these engines keep beside their inputs is left out. A golden file of
//	    minimize says itself what it is for; its tape is packed, and no more of it. The
//	    name of a file becomes the label of the entry, unless it is a hash or otherwise an
//	    engine's.
//	unpack [-program name] [-format go|raw|zip] -o out pack...
//	    write the entries as files of the Go fuzzer, out/FuzzName/file; as raw files, named
//	    by SHA-1 as libFuzzer does; or as one zip of raw files, which is what OSS-Fuzz
//	    takes as name_seed_corpus.zip. No file is overwritten.
//	merge pack from...
//	    add the entries of other packs to a pack, which is made if there is none.
//	distil [-abstract] -o out pack...
//	    make a new pack with fewer entries that reach the same states of each program. Those of
//	    a program that is no more stay all, and standard error names it.
//	list [-program name] pack...
//	    print a line for each entry: id, program, digits of the tape, label.
//	cat pack [id...]
//	    print tapes in digits, as minimize takes them. The first digits of an id will do.
//	stat pack...
//	    print how many entries there are for which program.
//	verify pack...
//	    read everything and name what is damaged, and what is lost by it.
//	repair pack
//	    write the pack anew without what is damaged. The damaged file stays, with .damaged
//	    behind its name.
//	compact pack
//	    write the pack anew, sorted. Packs with the same entries come out the same.
//
// The name in -program is that of a fuzz target, FuzzLookupIoctx, or of a program,
// fs/aio/workload@1e. An input whose end is drawn (schedule.Tape) is run, to have its decisions.
//
// What distil keeps: a state is a value of schedule.Exec.State, at a decision or at the end
// of an execution, and every signature of a failure counts as one more. With -abstract it
// is a word of the program's Abstract, of which there are some hundred at most: that is
// what the Go fuzzer is told, and the size of corpus that it can cope with. The subset is that of
// corpus.Distil: the greedy one, which is small but not always the smallest; simpler tapes
// go first.
//
// Nothing but repair and compact takes anything out of a pack. If pack or merge fails, a pack
// that it has made is removed, and one that was there may have some of the new entries. A
// pack has one writer at a time; reading is always possible.
//
// The exit status is
//
//	0  done
//	1  something is damaged: a pack, or files of a directory or zip that is packed.
//	   Standard error names it, and everything else has been done
//	2  wrong usage, an input that cannot be read, an output that is there already or
//	   cannot be written
//
// "go run" itself exits with 1 whatever it is; go build keeps the number.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The exit statuses.
const (
	exitDone    = 0
	exitDamaged = 1
	exitWrong   = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// A command is what the command line says, and what has come of it.
type command struct {
	stdout, stderr io.Writer
	flags          *flag.FlagSet
	damaged        bool           // something that was read is damaged
	foreign        map[string]int // files left out, by target
	runners        map[string]*schedule.Runner

	program, format, out string
	raw, abstract        bool
}

// A verb is one of the commands.
type verb struct {
	usage string
	least int // arguments
	most  int // 0: any number
	flags func(c *command)
	do    func(c *command, args []string) error
}

var verbs = map[string]verb{
	"cat":     {"cat pack [id...]", 1, 0, nil, (*command).cat},
	"compact": {"compact pack", 1, 1, nil, (*command).compact},
	"distil":  {"distil [-abstract] -o out pack...", 1, 0, distilFlags, (*command).distil},
	"list":    {"list [-program name] pack...", 1, 0, programFlag, (*command).list},
	"merge":   {"merge pack from...", 2, 0, nil, (*command).merge},
	"pack":    {"pack [-program name] [-raw] pack source...", 2, 0, packFlags, (*command).pack},
	"repair":  {"repair pack", 1, 1, nil, (*command).repair},
	"stat":    {"stat pack...", 1, 0, nil, (*command).stat},
	"unpack": {"unpack [-program name] [-format go|raw|zip] -o out pack...", 1, 0,
		unpackFlags, (*command).unpack},
	"verify": {"verify pack...", 1, 0, nil, (*command).verify},
}

const usage = `usage: corpus command [flags] pack...
commands: pack, unpack, merge, distil, list, cat, stat, verify, repair, compact
corpus command -h has the flags; go doc ./cmd/corpus has all
`

// An output is standard output that remembers what could not be written to it: a list that was cut
// short must not look like one that was written.
type output struct {
	w   io.Writer
	err error
}

// Write implements [io.Writer].
func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	o.err = cmp.Or(o.err, err)
	return n, err
}

// run is main with its arguments and outputs given.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitWrong
	}
	v, ok := verbs[args[0]]
	if !ok && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		fmt.Fprint(stderr, usage)
		return exitDone
	} else if !ok {
		fmt.Fprintf(stderr, "corpus: %s: no such command; there are: %s; corpus help has more\n",
			args[0], strings.Join(slices.Sorted(maps.Keys(verbs)), ", "))
		return exitWrong
	}
	out := &output{w: stdout}
	c := &command{stdout: out, stderr: stderr,
		foreign: map[string]int{}, runners: map[string]*schedule.Runner{}}
	defer c.close()
	args, err := c.parse(v, args)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	} else if err != nil {
		fmt.Fprintf(stderr, "corpus: %v\n", err)
		return exitWrong
	}
	if err := cmp.Or(v.do(c, args), out.err); err != nil {
		fmt.Fprintf(stderr, "corpus: %v\n", err)
		return exitWrong
	}
	if c.damaged {
		return exitDamaged
	}
	return exitDone
}

// parse reads the arguments of a command. Help, if asked for, goes to standard error.
func (c *command) parse(v verb, args []string) ([]string, error) {
	c.flags = flag.NewFlagSet("corpus "+args[0], flag.ContinueOnError)
	c.flags.SetOutput(io.Discard) // one line says what is wrong, not all flags
	if v.flags != nil {
		v.flags(c)
	}
	err := c.flags.Parse(args[1:])
	n := c.flags.NArg()
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.flags.SetOutput(c.stderr)
		fmt.Fprintf(c.stderr, "usage: corpus %s\n", v.usage)
		c.flags.PrintDefaults()
		return nil, err
	case err != nil:
	case n < v.least:
		err = errors.New("too few arguments")
	case v.most > 0 && n > v.most:
		err = errors.New("too many arguments")
	default:
		return c.flags.Args(), nil
	}
	return nil, fmt.Errorf("%s: %w; usage: corpus %s", args[0], err, v.usage)
}

func programFlag(c *command) {
	c.flags.StringVar(&c.program, "program", "", "fuzz target or full `name` of a program")
}

func packFlags(c *command) {
	programFlag(c)
	c.flags.BoolVar(&c.raw, "raw", false, "take files of the Go fuzzer for raw, too")
}

func unpackFlags(c *command) {
	programFlag(c)
	c.flags.StringVar(&c.format, "format", "go", "`go`, raw or zip")
	c.flags.StringVar(&c.out, "o", "", "directory, or zip, to write `to`")
}

func distilFlags(c *command) {
	c.flags.BoolVar(&c.abstract, "abstract", false, "keep abstract states, which are fewer, only")
	c.flags.StringVar(&c.out, "o", "", "new `pack` to write")
}

// damage says on standard error that something that was read is damaged.
func (c *command) damage(err error) {
	c.damaged = true
	fmt.Fprintf(c.stderr, "corpus: %v\n", err)
}

// open opens a pack, and says if it is damaged.
func (c *command) open(name string) (*corpus.Pack, error) {
	p, err := corpus.Open(name)
	if err != nil {
		return nil, err
	}
	c.warn(p)
	return p, nil
}

func (c *command) warn(p *corpus.Pack) {
	if len(p.Damage()) > 0 {
		c.damage(fmt.Errorf("%[1]s: %[2]s, the rest is read; to see what is lost: corpus verify %[1]s",
			p.Name(), state(p)))
	}
}

// openAll opens packs.
func (c *command) openAll(names []string) ([]*corpus.Pack, error) {
	var packs []*corpus.Pack
	for _, name := range names {
		p, err := c.open(name)
		if err != nil {
			return nil, err
		}
		packs = append(packs, p)
	}
	return packs, nil
}
