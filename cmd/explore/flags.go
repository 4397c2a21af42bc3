package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// unbounded is the value of -preemptions that stands for no bound.
const unbounded = -1

// defaultBudget is of -steps: a step takes 0.1 to 1.2 us, and some 650 of the 2,000 cells take
// all of it, so that the whole table takes one to two hours of a processor.
const defaultBudget = 10_000_000

// A command is what the command line says.
type command struct {
	patterns      []string
	list, exhaust bool
	classes       bool
	clean, brief  bool
	expected      bool
	preemptions   int
	random        int
	guided        int
	bench         string
	seeds, cap    int
	steps         int
	strategies    string
	measures      bool
	sampler       string
	estimate      int
	tapeText      string
	tape          schedule.Tape
	lockdep       bool
	orders        []program.Order
	seed          uint64
	lookUp        bool
	nodes         int
	memory        int
	workers       int
	symmetry      bool
	states        bool
	checkpoint    explore.Checkpoint
	muteText      string
	mute          schedule.Kinds
	json          bool
}

// parseFlags reads the command line. Help, if asked for, goes to stderr.
func parseFlags(args []string, stderr io.Writer) (*command, error) {
	c := new(command)
	fs := flag.NewFlagSet("explore", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // one line says what is wrong, not all flags
	fs.BoolVar(&c.list, "list", false, "print the programs, and how each is expected to fail")
	fs.BoolVar(&c.exhaust, "exhaust", false, "run every execution (the default)")
	fs.BoolVar(&c.classes, "classes", false, "run one execution of each class")
	fs.BoolVar(&c.clean, "clean", false, "only programs that are documented never to fail")
	fs.BoolVar(&c.expected, "expected", false,
		"exit with 0 if each program fails as it is documented to")
	fs.BoolVar(&c.brief, "brief", false, "print a line for each program")
	fs.IntVar(&c.random, "random", 0, "run `n` executions at random")
	fs.IntVar(&c.guided, "guided", 0, "run `n` executions, each guided by those before")
	fs.StringVar(&c.bench, "bench", "", "compare all strategies on what fails, and write the table into `dir`")
	fs.IntVar(&c.seeds, "seeds", 100, "of -bench, `n`")
	fs.IntVar(&c.cap, "cap", 100_000, "of -bench, `n` executions after which a seed gives up")
	fs.IntVar(&c.steps, "steps", defaultBudget, "of -bench, `n` after which a cell of the table ends")
	fs.StringVar(&c.strategies, "strategies", "",
		"of -bench, only these `names`: guided,pos (default guided and those of the literature)")
	fs.BoolVar(&c.measures, "measure", true,
		"of -bench, measure what is missing, or of an older revision; else only write the table")
	fs.StringVar(&c.sampler, "sampler", "walk",
		"of -random, `name`: "+strings.Join(samplers.Names(), ", "))
	fs.IntVar(&c.estimate, "estimate", 0, "estimate the size of a search from `n` random executions")
	fs.StringVar(&c.tapeText, "tape", "", "print the execution of a tape, `digits`")
	fs.BoolVar(&c.lockdep, "lockdep", false, "look at the order of locks too")
	for i, usage := range []string{"with store buffers, as x86 has them",
		"with store buffers that reorder", "with loads that reorder, too"} {
		o := program.Orders[i]
		fs.BoolFunc(string(o), usage, func(text string) error {
			on, err := strconv.ParseBool(text)
			if on {
				c.orders = append(c.orders, o)
			}
			return err
		})
	}
	fs.BoolVar(&c.lookUp, "lookup", true, "of -random, do not run what is known by its states")
	fs.Uint64Var(&c.seed, "seed", 1, "of -random, -guided and -estimate, `n`")
	fs.IntVar(&c.preemptions, "preemptions", unbounded, "run executions with at most `n` preemptions")
	fs.IntVar(&c.nodes, "nodes", explore.DefaultMaxNodes, "states, or classes, that a search may keep, `n`")
	fs.IntVar(&c.memory, "memory", 0, "`MiB` that they may take (default as many as they need)")
	fs.IntVar(&c.workers, "j", 1,
		"programs, executions of one, or cells of -bench, that have their turn at the same time, `n`")
	fs.BoolVar(&c.symmetry, "symmetry", false, "exchange threads that run the same code")
	fs.BoolVar(&c.states, "states", false, "count the states between any two steps too")
	fs.StringVar(&c.checkpoint.File, "checkpoint", "", "write the search to `file`, and go on from it")
	fs.DurationVar(&c.checkpoint.Every, "every", explore.DefaultCheckpointEvery, "write it so often")
	fs.StringVar(&c.muteText, "mute", "",
		"go on after these `kinds` of failure, such as double-kill,double-release")
	fs.BoolVar(&c.json, "json", false, "print one JSON object a line for each program")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: explore [flags] pattern...\n       explore -list [pattern...]\n"+
			"       explore -bench dir [flags] [pattern...]")
		fs.PrintDefaults()
	}
	if err != nil {
		return nil, err
	}
	c.patterns = fs.Args()
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	return c, c.check(set)
}

// strategies are the flags that say what is done; without one it is -exhaust.
var strategies = []string{"list", "exhaust", "classes", "random", "guided", "estimate", "tape", "bench"}

// belongs says which flags need which strategy.
var belongs = map[string][]string{
	"seed":        {"random", "guided", "estimate"},
	"sampler":     {"random"},
	"lookup":      {"random"},
	"seeds":       {"bench"},
	"cap":         {"bench"},
	"steps":       {"bench"},
	"strategies":  {"bench"},
	"measure":     {"bench"},
	"expected":    {"exhaust", "classes"},
	"brief":       {"exhaust", "classes"},
	"preemptions": {"exhaust", "estimate"},
	"nodes":       {"exhaust", "classes"},
	"memory":      {"exhaust"},
	"j":           {"exhaust", "classes", "guided", "bench"},
	"symmetry":    {"exhaust"},
	"states":      {"exhaust"},
	"checkpoint":  {"exhaust"},
	"every":       {"exhaust"},
	"mute":        {"exhaust", "classes", "random", "guided", "estimate", "tape"},
	"tso":         {"exhaust", "classes", "random", "guided", "estimate", "tape"},
	"pso":         {"exhaust", "classes", "random", "guided", "estimate", "tape"},
	"rmo":         {"exhaust", "classes", "random", "guided", "estimate", "tape"},
	"lockdep":     {"exhaust", "classes", "random", "guided"},
}

// check says what is wrong with the flags, of which those in set were given.
func (c *command) check(set map[string]bool) (err error) {
	strategy := "exhaust"
	for i, name := range strategies {
		for _, other := range strategies[i+1:] {
			if set[name] && set[other] {
				return fmt.Errorf("-%s and -%s: give one of them", name, other)
			}
		}
		if set[name] {
			strategy = name
		}
	}
	if len(c.orders) > 1 && c.orders[0] != c.orders[1] {
		return fmt.Errorf("-%s and -%s: give one of them", c.orders[0], c.orders[1])
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if with := belongs[name]; with != nil && !slices.Contains(with, strategy) {
			return fmt.Errorf("-%s goes with -%s, not with -%s",
				name, strings.Join(with, " and -"), strategy)
		}
	}
	for _, p := range c.patterns {
		if strings.HasPrefix(p, "-") {
			return fmt.Errorf("%s: flags go before the programs", p)
		}
	}
	if _, err := samplers.New(c.sampler, 0); err != nil {
		return fmt.Errorf("-%w", err)
	}
	if err := c.checkStrategies(); err != nil {
		return err
	}
	switch {
	case len(c.patterns) == 0 && !c.list && c.bench == "":
		return errors.New("no program given; explore -list prints what there is")
	case set["random"] && c.random < 1:
		return fmt.Errorf("-random %d: want 1 or more executions", c.random)
	case set["guided"] && c.guided < 1:
		return fmt.Errorf("-guided %d: want 1 or more executions", c.guided)
	case c.seeds < 1 || c.cap < 1 || c.steps < 1:
		return fmt.Errorf("-seeds %d -cap %d -steps %d: want 1 or more", c.seeds, c.cap, c.steps)
	case max(c.seeds, c.steps) > compare.MaxCount || c.cap > compare.MaxCount/moreOfSafeStack:
		return fmt.Errorf("-seeds %d -cap %d -steps %d: want at most %d, and -cap a hundredth of that",
			c.seeds, c.cap, c.steps, compare.MaxCount)
	case set["estimate"] && c.estimate < 1:
		return fmt.Errorf("-estimate %d: want 1 or more executions", c.estimate)
	case set["preemptions"] && c.preemptions < 0:
		return fmt.Errorf("-preemptions %d: want 0 or more; leave it out for no bound", c.preemptions)
	case c.nodes < 1:
		return fmt.Errorf("-nodes %d: want 1 or more", c.nodes)
	case set["memory"] && c.memory < 1:
		return fmt.Errorf("-memory %d: want 1 or more MiB", c.memory)
	case c.workers < 1:
		return fmt.Errorf("-j %d: want 1 or more", c.workers)
	case c.brief && c.json:
		return errors.New("-brief and -json: give one of them")
	case c.lockdep && c.expected:
		return errors.New("-lockdep and -expected: give one of them")
	case c.lockdep && set["checkpoint"]:
		return errors.New("-lockdep and -checkpoint: give one of them")
	case set["tape"] && c.tapeText == "":
		return errors.New("-tape: want digits; 0 is where no decision is another than the first")
	case set["tape"] && c.json:
		return errors.New("-tape and -json: give one of them")
	case c.states && (c.symmetry || set["checkpoint"]):
		return errors.New("-states goes with neither -symmetry nor -checkpoint")
	case c.checkpoint.Every <= 0 || set["every"] && !set["checkpoint"]:
		return errors.New("-every: want a time above 0, and -checkpoint with it")
	}
	if set["tape"] {
		if c.tape, err = schedule.Parse(c.tapeText); err != nil {
			return fmt.Errorf("-tape: %w", err)
		}
	}
	if c.muteText != "" {
		if c.mute, err = triage.ParseKinds(c.muteText); err != nil {
			return fmt.Errorf("-mute: %w", err)
		}
	}
	return nil
}
