package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
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

// cellLimits returns how much a program is measured with a strategy. SafeStack gets 100 times the
// executions. The guided strategy has no budget, so that it is decided whether it finds
// everything with every seed.
func (c *command) cellLimits(program, strategy string) compare.Limits {
	l := compare.Limits{Seeds: c.seeds, Cap: c.cap, Budget: c.steps}
	if strings.HasPrefix(program, "SafeStack@") {
		l.Cap *= 100
	}
	if strategy == guidedStrategy {
		l.Budget = 0
	}
	return l
}

// benchPrograms returns the programs of package bench, in all forms, and the racy workloads of
// the fuzz targets.
func benchPrograms() (out []schedule.Program) {
	for _, p := range bench.Programs() {
		for _, f := range bench.Forms() {
			out = append(out, p.Schedule(f))
		}
	}
	for _, target := range kmodel.Targets() {
		if p, err := target.Program(""); err == nil && p.Racy() {
			out = append(out, p.Schedule())
		}
	}
	return out
}

// findBench returns the programs that the patterns mean, all if there are none: by their name,
// or that without the form.
func (c *command) findBench() ([]schedule.Program, error) {
	all := benchPrograms()
	if len(c.patterns) == 0 {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, pattern := range c.patterns {
		found := false
		for _, p := range all {
			name, _, _ := strings.Cut(p.Name, "@")
			full, err := path.Match(pattern, p.Name)
			if short, _ := path.Match(pattern, name); full || short {
				wanted[p.Name], found = true, true
			} else if err != nil {
				return nil, fmt.Errorf("%s: a bracket [ without its end ], or nothing in it", pattern)
			}
		}
		if !found {
			return nil, fmt.Errorf("%s: no such program of package schedule/bench, nor workload", pattern)
		}
	}
	return slices.DeleteFunc(all, func(p schedule.Program) bool { return !wanted[p.Name] }), nil
}

// benchStrategies returns the names of the columns.
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

// jobs returns the cells to measure, which are not among those that there are.
func (c *command) jobs(programs []schedule.Program, cells []compare.Cell) ([]job, error) {
	for _, old := range cells {
		if l := c.cellLimits(old.Program, old.Strategy); old.Limits != l {
			return nil, fmt.Errorf("%s, %s: measured with %s, not with %s: "+
				"give -seeds, -cap and -steps as then, or another directory",
				old.Program, old.Strategy, limitsText(old.Limits), limitsText(l))
		}
	}
	have := compare.NewTable(cells)
	var out []job
	for _, p := range programs {
		for _, name := range benchStrategies() {
			asked := c.strategies == "" || slices.Contains(strings.Split(c.strategies, ","), name)
			if _, measured := have.Cell(p.Name, name); asked && !measured {
				out = append(out, job{p, name, c.cellLimits(p.Name, name)})
			}
		}
	}
	return out, nil
}

func limitsText(l compare.Limits) string {
	text := plural(l.Seeds, "seed") + " of at most " + plural(l.Cap, "execution")
	if l.Budget > 0 {
		text += " and " + plural(l.Budget, "step") + " for all"
	}
	return text
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
	jobs, err := c.jobs(programs, cells)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if cells == nil {
		if err := compare.WriteCSV(f, true); err != nil {
			return 0, err
		}
	}
	fresh, err := c.fill(ctx, f, jobs, pr)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	if status = exitDone; len(fresh) < len(jobs) {
		status = exitEarly
	}
	cells = append(cells, fresh...)
	fmt.Fprintf(stdout, "%s: %s\n", file, plural(len(cells), "cell"))
	return status, c.writeTable(cells)
}

// readCells reads the cells of a file; none if there is no such file. A last line that was
// cut off, as a kill may leave it, is taken away.
func readCells(file string) ([]compare.Cell, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
		data = data[:whole]
		if err := os.Truncate(file, int64(whole)); err != nil {
			return nil, err
		}
	}
	if len(data) == 0 {
		return nil, nil
	}
	cells, err := compare.ReadCSV(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return append([]compare.Cell{}, cells...), nil // not nil: there is a heading
}

// writeTable writes the cells in the order of all programs and strategies.
func (c *command) writeTable(cells []compare.Cell) error {
	have := compare.NewTable(cells)
	var sorted []compare.Cell
	for _, p := range benchPrograms() {
		for _, name := range benchStrategies() {
			if cell, ok := have.Cell(p.Name, name); ok {
				sorted = append(sorted, cell)
			}
		}
	}
	table := compare.NewTable(sorted)
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
