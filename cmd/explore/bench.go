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

// A benchRow is a program of the table, and how much it is measured.
type benchRow struct {
	program    schedule.Program
	seeds, cap int
}

// benchRows returns the programs of package bench, in all forms, and the racy workloads of
// the fuzz targets. SafeStack gets 20 times the executions with a quarter of the seeds;
// programs with many threads, whose executions are long, get fewer of both.
func (c *command) benchRows() (rows []benchRow) {
	for _, p := range bench.Programs() {
		row := benchRow{seeds: c.seeds, cap: c.cap}
		switch {
		case p.Name == "SafeStack":
			row = benchRow{seeds: max(1, c.seeds/4), cap: 20 * c.cap}
		case p.Threads > 32:
			row = benchRow{seeds: max(1, c.seeds/4), cap: max(1, c.cap/5)}
		case p.Threads > 10:
			row = benchRow{seeds: max(1, c.seeds/2), cap: max(1, 2*c.cap/5)}
		}
		for _, f := range bench.Forms() {
			row.program = p.Schedule(f)
			rows = append(rows, row)
		}
	}
	for _, target := range kmodel.Targets() {
		if p, err := target.Program(""); err == nil && p.Racy() {
			rows = append(rows, benchRow{program: p.Schedule(), seeds: c.seeds, cap: c.cap})
		}
	}
	return rows
}

// findRows returns the rows that the patterns mean, all if there are none: by their name, or
// that without the form.
func (c *command) findRows() ([]benchRow, error) {
	rows := c.benchRows()
	if len(c.patterns) == 0 {
		return rows, nil
	}
	wanted := map[string]bool{}
	for _, pattern := range c.patterns {
		found := false
		for _, row := range rows {
			name, _, _ := strings.Cut(row.program.Name, "@")
			full, err := path.Match(pattern, row.program.Name)
			if short, _ := path.Match(pattern, name); full || short {
				wanted[row.program.Name], found = true, true
			} else if err != nil {
				return nil, fmt.Errorf("%s: a bracket [ without its end ], or nothing in it", pattern)
			}
		}
		if !found {
			return nil, fmt.Errorf("%s: no such program of package schedule/bench, nor workload", pattern)
		}
	}
	return slices.DeleteFunc(rows, func(r benchRow) bool { return !wanted[r.program.Name] }), nil
}

// benchStrategies returns the names of the columns and what makes their samplers.
func benchStrategies() (names []string, makers map[string]compare.Maker) {
	names = append([]string{"guided"}, samplers.Names()...)
	makers = map[string]compare.Maker{"guided": func(seed uint64) samplers.Sampler {
		return guided.New(seed, guided.Options{})
	}}
	for _, name := range samplers.Names() {
		makers[name] = func(seed uint64) samplers.Sampler {
			s, err := samplers.New(name, seed)
			if err != nil {
				panic(err)
			}
			return s
		}
	}
	return names, makers
}

// measure goes on with the table in the directory, and writes it as Markdown and as a
// plot.
func (c *command) measure(
	ctx context.Context, stdout io.Writer, pr *progress,
) (status int, err error) {
	rows, err := c.findRows()
	if err != nil {
		return 0, err
	}
	file := filepath.Join(c.bench, benchCSV)
	cells, err := readCells(file)
	if err != nil {
		return 0, err
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
	status = exitDone
	if cells, err = c.fill(ctx, f, rows, cells, pr); err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	} else if ctx.Err() != nil {
		status = exitEarly
	}
	fmt.Fprintf(stdout, "%s: %s\n", file, plural(len(cells), "cell"))
	return status, c.writeTable(cells)
}

// fill measures what is not among the cells yet.
func (c *command) fill(
	ctx context.Context, w io.Writer, rows []benchRow, cells []compare.Cell, pr *progress,
) ([]compare.Cell, error) {
	have := compare.NewTable(cells)
	for i, row := range rows {
		pr.program(row.program.Name, i, len(rows))
		fresh, err := row.fill(ctx, w, have, pr)
		if cells = append(cells, fresh...); err != nil || ctx.Err() != nil {
			return cells, err
		}
	}
	return cells, nil
}

// fill measures what the table does not have of a row.
func (row benchRow) fill(
	ctx context.Context, w io.Writer, have *compare.Table, pr *progress,
) (cells []compare.Cell, err error) {
	r := schedule.NewRunner(row.program)
	defer r.Close()
	names, makers := benchStrategies()
	for _, name := range names {
		if old, ok := have.Cell(row.program.Name, name); ok {
			if old.Cap != row.cap || len(old.Runs) != row.seeds {
				return cells, fmt.Errorf("%s, %s: measured with %s and at most %s: "+
					"give -seeds and -cap as then, or another directory", row.program.Name, name,
					plural(len(old.Runs), "seed"), plural(old.Cap, "execution"))
			}
			continue
		}
		pr.cell(name)
		cell, done := compare.Measure(ctx, r, name, makers[name], row.seeds, row.cap)
		pr.clear()
		if !done {
			return cells, nil
		}
		cells = append(cells, cell)
		if err := compare.WriteCSV(w, false, cell); err != nil {
			return cells, err
		}
	}
	return cells, nil
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

// writeTable writes the cells in the order of all rows and strategies.
func (c *command) writeTable(cells []compare.Cell) error {
	have := compare.NewTable(cells)
	names, _ := benchStrategies()
	var sorted []compare.Cell
	for _, row := range c.benchRows() {
		for _, name := range names {
			if cell, ok := have.Cell(row.program.Name, name); ok {
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
