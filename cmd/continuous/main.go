package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The exit statuses.
const (
	exitDone       = 0
	exitRegression = 1
	exitWrong      = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its arguments and outputs given.
func run(args []string, stdout, stderr io.Writer) int {
	c, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	} else if err != nil {
		fmt.Fprintf(stderr, "continuous: %v; continuous -h has the flags\n", err)
		return exitWrong
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := readConfig(c.config)
	regressions := 0
	if err == nil {
		regressions, err = c.fuzz(ctx, cfg, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "continuous: %v\n", err)
		return exitWrong
	}
	if regressions > 0 {
		return exitRegression
	}
	return exitDone
}

// A command is what the command line says.
type command struct {
	dir, config string
	duration    time.Duration
	executions  int64
	verbose     bool
}

func parseFlags(args []string, stderr io.Writer) (*command, error) {
	c := &command{}
	fs := flag.NewFlagSet("continuous", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // one line says what is wrong, not all flags
	fs.StringVar(&c.config, "config", "", "read the configuration from `file`")
	fs.DurationVar(&c.duration, "for", 0, "end after this `time`: 10m; 0: never")
	fs.Int64Var(&c.executions, "executions", 0, "end after so many, `n`; 0: never")
	fs.BoolVar(&c.verbose, "v", false, "print a line for every input that is kept to standard error")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: continuous [flags] directory")
		fs.PrintDefaults()
	}
	if err != nil {
		return nil, err
	}
	switch {
	case fs.NArg() == 0:
		err = errors.New("no directory given, to keep the data in")
	case fs.NArg() > 1:
		err = fmt.Errorf("%s: one directory, and flags go before it", fs.Arg(1))
	case c.duration < 0:
		err = fmt.Errorf("-for %v: want more than 0", c.duration)
	case c.executions < 0:
		err = fmt.Errorf("-executions %d: want more than 0", c.executions)
	}
	c.dir = fs.Arg(0)
	return c, err
}

// fuzz runs the campaign, prints the summary, and returns how many regressions there are.
func (cmd *command) fuzz(
	ctx context.Context, cfg config, stdout, stderr io.Writer,
) (regressions int, err error) {
	l, taken := cfg.HTTP.listen()
	if _, err := os.Stat(cmd.dir); taken != nil && err != nil {
		return 0, taken // nothing has been made; of a directory there may be more to say
	}
	if l != nil {
		defer l.Close()
	}
	c, err := newCampaign(cfg, cmd.dir, cmd.executions, stderr)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.store.close()) }()
	if taken != nil {
		return 0, taken
	}
	c.verbose = cmd.verbose
	if err := c.buildNative(ctx); err != nil {
		return 0, err
	}
	if l != nil {
		defer c.serve(l)()
	}
	return c.finish(ctx, cmd.duration, stdout)
}

// finish runs the campaign to its end, and prints the summary, whatever that end is.
func (c *campaign) finish(
	ctx context.Context, duration time.Duration, stdout io.Writer,
) (regressions int, err error) {
	err = c.run(ctx, duration)
	s := c.status()
	return s.Regressions, errors.Join(err, s.writeSummary(stdout))
}
