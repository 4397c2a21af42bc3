package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// jobs returns the cells to measure: those that are not there, and of those that are the ones that
// are due.
func (c *command) jobs(programs []schedule.Program, cells []compare.Cell) ([]job, error) {
	if !c.measures {
		return nil, nil
	}
	for _, old := range cells {
		l := c.cellLimits(old.Program, old.Strategy)
		if old.Seeds != l.Seeds || old.Cap != l.Cap {
			return nil, fmt.Errorf("%s, %s: measured with %s, not with %s: "+
				"give -seeds and -cap as then, or another directory",
				old.Program, old.Strategy, limitsText(old.Limits), limitsText(l))
		}
		if now := revision(old.Strategy); now > 0 && old.Revision > now {
			return nil, fmt.Errorf("%s, %s: of revision %d, and this is %d: newer code has measured it",
				old.Program, old.Strategy, old.Revision, now)
		}
	}
	asked := append([]string{guidedStrategy}, samplers.Published()...)
	if c.strategies != "" {
		asked = strings.Split(c.strategies, ",")
	}
	have := compare.NewTable(cells)
	var out []job
	for _, p := range programs {
		for _, name := range benchStrategies() {
			j := job{p, name, c.cellLimits(p.Name, name)}
			old, there := have.Cell(p.Name, name)
			if slices.Contains(asked, name) && (!there || due(old, j.limits)) {
				out = append(out, j)
			}
		}
	}
	return out, nil
}

// due reports whether a cell is to be measured anew with these limits: it had fewer steps and would
// come out otherwise with more; or it is of an older revision, unless it took more steps than it
// would have now, so that what is seldom found is not known worse than it was.
func due(old compare.Cell, l compare.Limits) bool {
	if old.Revision < revision(old.Strategy) {
		return old.Fits(l.Budget)
	}
	return !old.Enough(l.Budget)
}

// olderText says how many cells are of an older revision, if any is.
func olderText(cells []compare.Cell) string {
	n := 0
	for _, c := range cells {
		if c.Revision < revision(c.Strategy) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of an older revision", n)
}

func limitsText(l compare.Limits) string {
	return count(l.Seeds, "seed") + " of at most " + count(l.Cap, "execution")
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

// dropReplaced takes the lines away of cells that were measured anew further down. The new ones
// are whole by then, so that nothing is lost if it is killed.
func dropReplaced(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(data), "\n")
	var kept []string
	seen := map[string]bool{}
	for _, line := range slices.Backward(lines) {
		fields := strings.SplitN(line, ",", 3)
		name := strings.Join(fields[:len(fields)-1], ",") // program and strategy
		if name == "" || !seen[name] {
			kept = append(kept, line)
		}
		seen[name] = true
	}
	if len(kept) == len(lines) {
		return nil
	}
	slices.Reverse(kept)
	whole := file + ".new"
	if err := os.WriteFile(whole, []byte(strings.Join(kept, "")), 0o666); err != nil {
		return err
	}
	return os.Rename(whole, file)
}
