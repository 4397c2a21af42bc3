package compare

import (
	"fmt"
	"strings"
)

// old marks what is of an older revision, or computed with it.
const old = "‡"

// mark returns the mark of a cell, or nothing.
func (t *Table) mark(c Cell) string {
	if c.Revision < t.Revisions[c.Strategy] {
		return old
	}
	return ""
}

// older returns how many cells of a strategy are of an older revision.
func (t *Table) older(strategy string, programs []string) (n int) {
	for _, p := range programs {
		if c, ok := t.Cell(p, strategy); ok && t.mark(c) != "" {
			n++
		}
	}
	return n
}

// heading returns the name of a strategy, with the mark if a cell of these programs has it.
func (t *Table) heading(strategy string, programs []string) string {
	if t.older(strategy, programs) > 0 {
		return strategy + old
	}
	return strategy
}

// writeOlder writes below a table what the mark means, if a cell of these programs has it.
func (t *Table) writeOlder(b *strings.Builder, programs []string) {
	var counts []string
	for _, s := range t.Strategies {
		if n := t.older(s, programs); n > 0 {
			counts = append(counts, fmt.Sprintf("%s %d", s, n))
		}
	}
	if len(counts) > 0 {
		fmt.Fprintf(b, "\n%s: of an older revision of the strategy, which decided otherwise with the "+
			"same seeds; the column revision of table.csv has it. Such cells: %s.\n",
			old, strings.Join(counts, ", "))
	}
}
