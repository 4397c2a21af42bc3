// Explore runs all executions of kernel models, all with few preemptions, or a random
// sample of them, and says what it covered: a statement that can be quoted.
//
//	go run ./cmd/explore fs/aio/io_getevents-vs-io_destroy@1f
//
// Usage:
//
//	explore [flags] pattern...
//	explore -list [pattern...]
//	explore -bench dir [-seeds n] [-cap n] [-steps n] [-j n] [-strategies names] [pattern...]
//	explore -bench dir -measure=false
//
// A pattern is the full name of a program, such as the one above; the same without the
// variant, for all variants; an object, fs/aio, for all its programs; or any of these
// with *, ? and [] in it, as package path has them: fs/aio/*@1f. A * does not cross a
// slash, but fs/... is all that is below fs, as with the go command. The name of a fuzz
// target means its program. Programs whose tape chooses the system calls too, the
// workloads, are too large to exhaust: a pattern means them where they are named in full,
// or with -random or -guided.
//
// One of these says what is done with each program:
//
//	-exhaust     run every execution, the default. The search visits states, by number
//	             of preemptions; see go doc ./schedule/explore.
//	-classes     run one execution of each class of those that differ by the order of
//	             independent steps only: a second opinion, see [explore.Classes]. With store
//	             buffers there are too many classes for most, so a pattern does not mean
//	             programs with them, but for a full name, or with one of these orders
//	-random n    run n executions at random, as -sampler has it
//	-guided n    run n executions, or fewer if there is nothing left to see, each guided by
//	             what those before have come to; see go doc ./schedule/guided
//	-estimate n  run n at random to estimate how many there are, and how many states a
//	             search would keep; see [explore.EstimateSize]
//	-tape digits print the one execution that a tape stands for, in columns, whether it fails
//	             or not; a report of one that fails is what minimize is for
//	-list        print the programs, and how each is expected to fail
//	-bench dir   see below
//
// The others are
//
//	-preemptions n   run only executions with at most n preemptions
//	-clean           of what the patterns mean, only programs that are documented never to
//	                 fail: what a proof is for
//	-expected        have the exit status say whether each program fails as it is documented to, the
//	                 clean ones not at all, instead of whether any fails; see below
//	-brief           print a line for each program, and one for all of them
//	-lockdep         look at the order of locks too, as CONFIG_PROVE_LOCKING does: report what
//	                 could deadlock, although no execution may have; see below
//	-tso             with store buffers, as x86 has them: a store of one CPU may come after the
//	                 loads that follow it, unless there is a full barrier. See go doc ./schedule
//	                 Exec.BufferStores. The program of one variant is also named so, @1f-tso
//	-pso             with store buffers of which stores to different words come out in any order,
//	                 unless there is smp_wmb(), a release or a full barrier: Exec.ReorderStores
//	-rmo             and with loads that pass loads before them, unless there is smp_rmb(), an
//	                 acquire, a full barrier or an address between: Exec.ReorderLoads
//	-mute kinds      go on after these kinds of failure, as the kernel does after a
//	                 warning, to see what comes of it: refcount-resurrect
//	-nodes n         states, or classes, that a search may keep, else 10,000,000
//	-memory n        MiB that they may take, else as many as they need
//	-j n             programs that are searched, or cells of a table that are measured, at the
//	                 same time, else 1; of one program, executions of its search. The result
//	                 does not depend on it, but what -guided runs of one program does, and
//	                 which executions -lockdep shows of one, and on which of the n is quicker
//	-symmetry        exchange threads that run the same code, where the program says that it
//	                 has such: fewer states, the same numbers of executions
//	-states          count the states between any two steps too, as other model checkers
//	                 do; takes more time and memory
//	-checkpoint file write the search to the file every half a minute and when it ends,
//	                 and go on from there if the file exists; for one program
//	-every d         write it as often as this, 10s
//	-sampler name    of -random: walk, every decision uniform; pct2, pct3, pct5; pos; surw;
//	                 rf; qlearn; delays2, delays5; preemptions2, preemptions5; and of our
//	                 own demote, surw-demote, rf-demote; else walk. See go doc ./schedule/sample
//	-seed n          of -random, -guided and -estimate; the same seed runs the same executions,
//	                 else 1
//	-lookup=false    of -random: run also the executions each step of which others have taken in
//	                 the same state (schedule.Memo); they come to the same
//	-json            print one JSON object a line for each program, see below
//
// On a terminal a line on standard error tells how far the search is. An interrupt (^C)
// ends it: what was covered so far is printed, and programs that did not have their turn
// are not begun. A second one ends the command at once.
//
// A search that comes to the limit of -nodes or -memory ends like one that is interrupted:
// what it has found and which bound it has finished is printed, and a checkpoint is good
// for going on with a higher limit. Even a kill leaves a checkpoint that is whole, and
// going on from it leads to the numbers that an uninterrupted search would have had.
//
// # What is printed
//
// For each program: whether an execution fails; what was covered, with the bounds that
// kept it from more; the number of states and the exact number of executions; and for
// each way to fail the fewest preemptions that it takes, the tape of an execution that
// fails so, and the command that makes a report of it. Where everything was covered, the
// kinds of failure and their fewest preemptions are compared with those that the model
// is documented to have (-list prints them).
//
// # The order of locks
//
// With -lockdep, explore also keeps which class of locks is taken while which is held, and whether
// interrupts and softirqs are on, in all executions that it runs. What could deadlock by that it
// reports in the words of the kernel; go doc ./kmodel/linux/lockdep has the rules, and what is not
// modelled. A report is no failure of an execution. It names the classes, each taken while the one
// before is held; for each two of them, and for a handler that comes between, it says by whom and
// where, with the command that prints an execution in which it is so (-tape). inode->i_lock is that
// lock of any inode, l[*] is any of an array, and A/1 an A that is taken while another A is held;
// (work_completion)(&x) is a work item, held while its function is called and taken by who waits
// for it, and x.seqcount the sequence of a seqlock. A search that covers everything has seen all
// there is to see, any other what it has run.
//
// It goes with -exhaust, -classes, -random and -guided; not with -checkpoint, since what goes on
// from a file has not seen what was run before.
//
// # The benchmark
//
// With -bench a pattern means programs of package schedule/bench, in all forms, as CS.reorder_5,
// or in one, as CS.reorder_5@main(7). Any other means of the kernel models what it means elsewhere,
// but only what is documented to fail: fs/aio, or mm/..., are all racy programs of these, with the
// store buffers that a variant has in its name. None means all of package schedule/bench and the
// workloads of the fuzz targets that fail.
//
// A cell of the table is a program with a strategy: -guided, or a sampler. The strategy is given
// -seeds seeds, else 100, one after the other, and each of them so many executions as it takes to
// the first failure, or -cap, else 100,000, and 100 times as many for SafeStack. When the cell has
// taken -steps steps, else 10,000,000, it ends: the seed under way gives up there, and those after
// it have no turn, however few were before it. So what it takes to know that a sampler finds
// nothing is bounded by a number, not a time, and the table is the same on every machine. -guided
// alone has no such budget, so that it is decided whether it finds a failure with every seed. What
// is concluded takes every seed for as long as it ran.
//
// This may take hours; an interrupt ends it, and the same command goes on. -strategies guided,pos
// measures only these, demote or surw-demote only if it names them; what it leaves out, a later
// command adds. One with more -steps measures the cells anew that it asks for and that had spent
// fewer; one with as many or fewer leaves what there is. Other -seeds or -cap than before are an
// error.
//
// A cell has the revision of its strategy, a number that goes up when the same seeds decide
// otherwise than before. One of an older revision is measured anew like one that is missing, but
// if it has taken more than -steps steps: less would be known then. -measure=false measures
// nothing, and writes table.md and cactus.svg of the cells that there are; in these what is of an
// older revision is marked. In the directory are then
//
//	table.csv   a line for each cell, written when it was measured: revision, seeds, cap, budget
//	            (of steps, 0 for none), runs (seeds that had their turn), found, mean, median, sd,
//	            executions/s, steps, ms, and the executions of each run, with a + if it gave up
//	table.md    the same to read, with log-rank tests, and what has been published
//	cactus.svg  how many programs each strategy finds the bug of in so many executions
//
// # Exit status
//
//	0  done as asked, and no execution failed
//	1  an execution failed, or -lockdep has something to report
//	2  wrong usage, a program that does not exist, patterns of which -clean or -classes
//	   leaves nothing, a checkpoint that cannot be read or written, or a program that breaks
//	   the rules that make a search possible: its numbers are not to be trusted
//	3  ended before it was done, by a limit or an interrupt, and by then no execution
//	   had failed, and -lockdep had nothing to report
//
// With -expected they are
//
//	0  each program fails as -list has it: in these kinds, with these fewest preemptions, and in no
//	   others. Of -preemptions n, as far as that goes. With store buffers that are not listed,
//	   in these, with no more preemptions
//	1  one does not: it fails otherwise, or does not fail
//	2  as above, or a workload, which has no such verdict
//	3  ended before it was done, and by then nothing was otherwise
//
// "go run" itself exits with 1 whatever it is; go build keeps the number.
//
// # JSON
//
// Every line is an object. Numbers that may be large are decimal strings. A field
// without a value is left out.
//
//	program, object, scenario, variant, versions, patches, workload
//	                 strings, and a bool; versions are the kernels that had this code
//	expect           of -list: [{kind, preemptions, mute}]
//	strategy         "exhaust", "classes", "random", "guided" or "estimate"
//	limits           {preemptions, nodes, bytes, runs, sampler, seed, workers, steps, mute}: as
//	                 asked for; steps is the most that an execution may take, and workers
//	                 is there if what is run depends on it
//	symmetry         bool: -symmetry
//	stop             why it ended: "exhausted", "bound reached", "node limit", "memory
//	                 limit", "cancelled", "unsound", "bad checkpoint"; of the others
//	                 "done" or "cancelled"
//	complete         bool: every execution was covered
//	covered          the sentence that is printed
//	failed           bool: an execution failed
//	as_listed        bool: the failures are those of -list; only if that can be said
//	bound            highest number of preemptions that was finished
//	nodes, edges     decisions to take and their alternatives, merged by state
//	states           number of states between steps, of -states
//	runs, steps      executions run, whole or in part, and steps in them
//	executions       string: how many there are, exactly
//	by_preemptions   strings: of them with 0, 1, 2 ... preemptions
//	cycle            bool: the program can come back to a state it was in, so that its
//	                 executions have no number
//	classes          of -classes, how many there are
//	blocked          of its runs, those that ended since all that could follow was covered
//	repeated         of its runs, those of a class that had been run
//	distinct         different tapes of a sample
//	looked_up        executions of a sample each step of which others had taken in the same
//	                 state, and which so were not run
//	guided           {decisions, memories, last_new, repeated, unguided, discovery,
//	                 nothing_left}: see go doc ./schedule/guided Stats
//	estimate         {executions, error, nodes, seen, bytes, steps}: executions is a
//	                 string, error its standard error as a fraction of it, nodes a lower
//	                 bound, seen how many of them were, steps those of an execution
//	lockdep          of -lockdep, {classes, dependencies, reports}: the names of the classes, "a
//	                 -> b" for each dependency, and [{title, chain, facts}], where facts are
//	                 [{kind, from, to, text, tape}] and kind is "dependency", "recursion",
//	                 "used in hardirq", "hardirqs enabled" or these of softirqs
//	endings          [{outcome, kind, text, preemptions, switches, steps, tape, minimal,
//	                 executions, by_preemptions, classes}]: each way to end, with its
//	                 smallest execution; of a sample and of classes with the smallest seen
//	seconds          number
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// The exit statuses, from the least to the most that can be said of several programs:
// see worse.
const (
	exitDone   = 0
	exitFailed = 1
	exitWrong  = 2
	exitEarly  = 3
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its arguments and outputs given.
func run(args []string, stdout, stderr io.Writer) int {
	c, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	} else if err != nil {
		fmt.Fprintf(stderr, "explore: %v; explore -h has the flags\n", err)
		return exitWrong
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that the second interrupt is not caught
	status, err := c.explore(ctx, stdout, newProgress(stderr))
	if err != nil {
		fmt.Fprintf(stderr, "explore: %v\n", err)
		return exitWrong
	}
	return status
}

// explore does what the command line says, program after program.
func (c *command) explore(ctx context.Context, stdout io.Writer, pr *progress) (int, error) {
	if c.bench != "" {
		return c.measure(ctx, stdout, pr)
	}
	programs, skipped, err := c.find()
	if err != nil {
		return 0, err
	}
	if c.list {
		return exitDone, writeList(stdout, programs, c.json)
	}
	if c.tapeText != "" {
		return c.replay(stdout, programs)
	}
	if c.checkpoint.File != "" && len(programs) != 1 {
		return 0, fmt.Errorf("-checkpoint: %d programs, but the file is for one", len(programs))
	}
	if err := checkCheckpoint(c.checkpoint.File); err != nil {
		return 0, fmt.Errorf("-checkpoint: %w", err)
	}
	for _, p := range programs {
		if c.symmetry && p.Class == nil {
			why := ""
			if p.Order() != "" {
				why = ": each has a store buffer, and these are not exchanged"
			}
			return 0, fmt.Errorf("-symmetry: no two threads of %s may be exchanged%s", p.Name(), why)
		}
	}
	for _, p := range programs {
		if c.expected && !documented(p, c.mute) {
			return 0, fmt.Errorf("-expected: %s has no verdict with its fewest preemptions", p.Name())
		}
	}
	if len(programs) == 0 {
		return 0, fmt.Errorf("%s: %s", strings.Join(c.patterns, " "), c.nothingLeft(skipped))
	}
	for _, p := range skipped {
		if c.brief {
			break // they are counted in the last line
		}
		pr.note("explore: %s: skipped, a workload is too large to exhaust: "+
			"use -random or -guided, or name it in full\n", p.Name())
	}
	status, sum := exitDone, total{workloads: len(skipped), expected: c.expected}
	left := 0 // programs that were not begun
	for s := range c.searches(ctx, programs, pr) {
		pr.clear()
		if s == nil {
			left++
			continue
		}
		if s.report.Stop == explore.BadCheckpoint && s.report.Runs == 0 { // nothing to tell
			return 0, fmt.Errorf("-checkpoint: %w", s.report.Err)
		}
		if err := c.write(stdout, s); err != nil {
			return 0, err
		}
		status = worse(status, s.status(c.expected))
		sum.add(s)
	}
	if left > 0 {
		pr.note("explore: interrupted: %s not begun\n", count(left, "more program"))
		status = worse(status, exitEarly)
	}
	if c.brief {
		return status, sum.write(stdout)
	}
	return status, nil
}

// nothingLeft says why none of the programs that the patterns mean is looked at.
func (c *command) nothingLeft(skipped []kernelProgram) string {
	if len(skipped) > 0 {
		return "only workloads, which are too large to exhaust: " +
			"use -random or -guided, or name one in full: " +
			skipped[0].Name()
	}
	var why []string
	if c.clean {
		why = append(why, "-clean leaves out what may fail")
	}
	if c.classes {
		why = append(why, "-classes leaves out what has store buffers: name one in full, or use -tso")
	}
	return "nothing is left: " + strings.Join(why, ", ")
}

// search does what is to be done with one program.
func (c *command) search(ctx context.Context, p kernelProgram, pr *progress) *statement {
	switch {
	case c.random > 0:
		return c.sample(ctx, p, pr)
	case c.guided > 0:
		return c.guide(ctx, p, pr)
	case c.estimate > 0:
		return c.guess(ctx, p)
	case c.classes:
		return c.byClass(ctx, p, pr)
	}
	return c.exhaustive(ctx, p, pr)
}

// write prints a statement.
func (c *command) write(w io.Writer, s *statement) error {
	switch {
	case c.json:
		return s.writeJSON(w)
	case c.brief:
		return s.writeBrief(w)
	}
	return s.writeText(w)
}
