package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// The files that -bench writes into its directory.
const (
	benchCSV      = "table.csv"
	benchMarkdown = "table.md"
	benchPlot     = "cactus.svg"
)

// guidedStrategy is the name of the column that is not a sampler's.
const guidedStrategy = "guided"

// moreOfSafeStack is how many times the executions of others a seed of SafeStack may take.
const moreOfSafeStack = 100

// cellLimits returns how much a program is measured with a strategy. The guided strategy has no
// budget, so that it is decided whether it finds everything with every seed.
func (c *command) cellLimits(program, strategy string) compare.Limits {
	l := compare.Limits{Seeds: c.seeds, Cap: c.cap, Budget: c.steps}
	if strings.HasPrefix(program, "SafeStack@") {
		l.Cap *= moreOfSafeStack
	}
	if strategy == guidedStrategy {
		l.Budget = 0
	}
	return l
}

// benchStrategies returns the names of all columns that there can be.
func benchStrategies() []string { return append([]string{guidedStrategy}, samplers.Names()...) }

// maker returns what makes the samplers of a column.
func maker(strategy string) compare.Maker {
	return func(seed uint64) samplers.Sampler {
		if strategy == guidedStrategy {
			return guided.New(seed, guided.Options{})
		}
		s, err := samplers.New(strategy, seed)
		if err != nil {
			panic(err) // checkStrategies has looked at it
		}
		return s
	}
}

// revision returns which code of a column there is.
func revision(strategy string) int {
	if strategy == guidedStrategy {
		return guided.Revision
	}
	return samplers.Revision(strategy)
}

// checkStrategies says what is wrong with -strategies.
func (c *command) checkStrategies() error {
	all := benchStrategies()
	for name := range strings.SplitSeq(c.strategies, ",") {
		if c.strategies != "" && !slices.Contains(all, name) {
			return fmt.Errorf("-strategies: no %q; there are %s", name, strings.Join(all, ", "))
		}
	}
	return nil
}

// measure goes on with the table in the directory, and writes it as Markdown and as a
// plot.
func (c *command) measure(
	ctx context.Context, stdout io.Writer, pr *progress,
) (status int, err error) {
	programs, err := c.findBench()
	if err != nil {
		return 0, err
	}
	file := filepath.Join(c.bench, benchCSV)
	cells, err := readCells(file)
	if err != nil {
		return 0, err
	}
	if cells == nil && !c.measures {
		return 0, fmt.Errorf("-measure=false: there is no %s", file)
	}
	jobs, err := c.jobs(programs, cells)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	fresh, err := c.appendTo(ctx, file, cells == nil, jobs, pr)
	if err == nil {
		err = dropReplaced(file)
	}
	if err != nil {
		return 0, err
	}
	if status = exitDone; fresh < len(jobs) {
		status = exitEarly
	}
	if cells, err = readCells(file); err != nil {
		return 0, err
	}
	fmt.Fprintf(stdout, "%s: %s%s\n", file, count(len(cells), "cell"), olderText(cells))
	return status, c.writeTable(cells)
}

// appendTo measures the cells, writes each to the end of the file, which is empty if new, and
// returns how many were done.
func (c *command) appendTo(
	ctx context.Context, file string, empty bool, jobs []job, pr *progress,
) (done int, err error) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if empty {
		if err := compare.WriteCSV(f, true); err != nil {
			return 0, err
		}
	}
	cells, err := c.fill(ctx, f, jobs, pr)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return len(cells), err
}

// writeTable writes the cells in the order of all programs and strategies.
func (c *command) writeTable(cells []compare.Cell) error {
	have := compare.NewTable(cells)
	var sorted []compare.Cell
	for _, p := range tableOrder(have.Programs) {
		for _, name := range benchStrategies() {
			if cell, ok := have.Cell(p, name); ok {
				sorted = append(sorted, cell)
			}
		}
	}
	table := compare.NewTable(sorted)
	table.Revisions = map[string]int{}
	for _, name := range benchStrategies() {
		table.Revisions[name] = revision(name)
	}
	for name, write := range map[string]func(io.Writer) error{
		benchMarkdown: table.WriteMarkdown, benchPlot: table.WritePlot,
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(c.bench, name), []byte(b.String()), 0o666); err != nil {
			return err
		}
	}
	return nil
}
