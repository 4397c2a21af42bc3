package compare

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// columns are those of the file. The revision is that of the strategy. The limits are seeds, cap
// and budget; runs is how many seeds had their turn. The last has a number for each of them:
// executions to the first failure, or those after which it gave up, with a +.
var columns = []string{
	"program", "strategy", "revision", "seeds", "cap", "budget", "runs", "found", "mean", "median",
	"sd", "executions/s", "steps", "ms", "executions",
}

// gaveUp is what a number of executions ends with that came to no failure.
const gaveUp = "+"

// WriteCSV writes the heading, if asked for, and a line for each cell.
func WriteCSV(w io.Writer, heading bool, cells ...Cell) error {
	out := csv.NewWriter(w)
	if heading {
		out.Write(columns)
	}
	for _, c := range cells {
		var runs []string
		for _, r := range c.Runs {
			text := strconv.Itoa(r.Executions)
			if !r.Failed {
				text += gaveUp
			}
			runs = append(runs, text)
		}
		out.Write([]string{
			c.Program, c.Strategy, strconv.Itoa(c.Revision),
			strconv.Itoa(c.Seeds), strconv.Itoa(c.Cap), strconv.Itoa(c.Budget),
			strconv.Itoa(len(c.Runs)), strconv.Itoa(c.Found()),
			number(c.Mean()), number(c.Median()), number(c.SD()), number(c.Rate()),
			strconv.Itoa(c.Steps), strconv.FormatInt(c.Time.Milliseconds(), 10),
			strings.Join(runs, " "),
		})
	}
	out.Flush()
	return out.Error()
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// ReadCSV reads what [WriteCSV] has written, from its heading on. Numbers that follow from
// others are not looked at. With an error, it returns the cells before it.
func ReadCSV(r io.Reader) ([]Cell, error) {
	in := csv.NewReader(r) // every line has as many fields as the first
	in.ReuseRecord = true
	var out []Cell
	for line := 1; ; line++ {
		rec, err := in.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if line == 1 {
			if !slices.Equal(rec, columns) {
				return nil, fmt.Errorf("heading: want %s: another version has written it",
					strings.Join(columns, ","))
			}
			continue
		}
		c, err := parseCell(rec)
		if err != nil {
			return out, fmt.Errorf("cell %d: %w", line-1, err)
		}
		out = append(out, c)
	}
}

func parseCell(rec []string) (Cell, error) {
	c := Cell{Program: rec[0], Strategy: rec[1]}
	var bad error
	integer := func(column int, text string) int {
		n, err := strconv.Atoi(text)
		if bad == nil && (err != nil || n < 0 || n > MaxCount) {
			bad = fmt.Errorf("column %s: %q is not a number of 0 to %d", columns[column], text, MaxCount)
		}
		return n
	}
	c.Revision = integer(2, rec[2])
	c.Limits = Limits{integer(3, rec[3]), integer(4, rec[4]), integer(5, rec[5])}
	c.Steps = integer(12, rec[12])
	c.Time = time.Duration(integer(13, rec[13])) * time.Millisecond
	for text := range strings.FieldsSeq(rec[14]) {
		digits, censored := strings.CutSuffix(text, gaveUp)
		c.Runs = append(c.Runs, Run{integer(14, digits), !censored})
	}
	if runs := integer(6, rec[6]); bad == nil && runs != len(c.Runs) {
		bad = fmt.Errorf("%d runs, but numbers of %d", runs, len(c.Runs))
	}
	if bad == nil {
		bad = c.check()
	}
	return c, bad
}

// check says why c's runs cannot have come of its limits, or that it does not say of which code.
func (c Cell) check() error {
	if c.Revision < 1 {
		return fmt.Errorf("column revision: %d: want 1 or more", c.Revision)
	}
	if len(c.Runs) > c.Seeds {
		return fmt.Errorf("column runs: %d are more than %d seeds", len(c.Runs), c.Seeds)
	}
	if len(c.Runs) < c.Seeds && !c.spent() {
		return fmt.Errorf("column runs: %d of %d seeds, but the budget is not spent",
			len(c.Runs), c.Seeds)
	}
	for i, r := range c.Runs {
		switch {
		case r.Executions > c.Cap:
			return fmt.Errorf("column executions: %d is more than the cap of %d", r.Executions, c.Cap)
		case r.Executions < 1:
			return fmt.Errorf("column executions: %d: want 1 or more", r.Executions)
		case !r.Failed && r.Executions < c.Cap && (i < len(c.Runs)-1 || !c.spent()):
			return fmt.Errorf("column executions: seed %d gave up after %d, before the cap of %d",
				i, r.Executions, c.Cap)
		}
	}
	return nil
}
