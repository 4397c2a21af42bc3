package compare

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// columns are those of the file. The last has a number for each seed: executions to the
// first failure, 0 if it gave up.
var columns = []string{
	"program", "strategy", "cap", "seeds", "found", "mean", "median", "sd",
	"executions/s", "steps", "ms", "executions",
}

// WriteCSV writes the heading, if asked for, and a line for each cell.
func WriteCSV(w io.Writer, heading bool, cells ...Cell) error {
	out := csv.NewWriter(w)
	if heading {
		out.Write(columns)
	}
	for _, c := range cells {
		var runs []string
		for _, n := range c.Runs {
			runs = append(runs, strconv.Itoa(n))
		}
		out.Write([]string{
			c.Program, c.Strategy, strconv.Itoa(c.Cap), strconv.Itoa(len(c.Runs)),
			strconv.Itoa(c.Found()), number(c.Mean()), number(c.Median()), number(c.SD()),
			number(c.Rate()), strconv.Itoa(c.Steps), strconv.FormatInt(c.Time.Milliseconds(), 10),
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
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(columns)
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
		if bad == nil && (err != nil || n < 0 || n > 1<<40) {
			bad = fmt.Errorf("column %s: %q is not a number", columns[column], text)
		}
		return n
	}
	c.Cap = integer(2, rec[2])
	c.Steps = integer(9, rec[9])
	c.Time = time.Duration(integer(10, rec[10])) * time.Millisecond
	for _, text := range strings.Fields(rec[11]) {
		n := integer(11, text)
		if n > c.Cap && bad == nil {
			bad = fmt.Errorf("column %s: %d is more than the cap of %d", columns[11], n, c.Cap)
		}
		c.Runs = append(c.Runs, n)
	}
	if seeds := integer(3, rec[3]); bad == nil && seeds != len(c.Runs) {
		bad = fmt.Errorf("%d seeds, but numbers of %d", seeds, len(c.Runs))
	}
	return c, bad
}
