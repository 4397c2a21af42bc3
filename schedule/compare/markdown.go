package compare

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// A Table is cells, at most one of a program and strategy.
type Table struct {
	Programs   []string // in the order of the rows
	Strategies []string // in the order of the columns
	// Revisions are the present ones of strategies. What is of an older one is marked.
	Revisions map[string]int
	cells     map[[2]string]Cell
}

// NewTable returns the table of those cells.
func NewTable(cells []Cell) *Table {
	t := &Table{cells: map[[2]string]Cell{}}
	for _, c := range cells {
		if !slices.Contains(t.Programs, c.Program) {
			t.Programs = append(t.Programs, c.Program)
		}
		if !slices.Contains(t.Strategies, c.Strategy) {
			t.Strategies = append(t.Strategies, c.Strategy)
		}
		t.cells[[2]string{c.Program, c.Strategy}] = c
	}
	return t
}

// Cell returns the cell of a program and strategy, and whether there is one.
func (t *Table) Cell(program, strategy string) (Cell, bool) {
	c, ok := t.cells[[2]string{program, strategy}]
	return c, ok
}

// guided is the strategy that the others are compared with.
const guided = "guided"

// rivals are those that the guided one is tested against.
var rivals = []string{"pos", "pct3", "surw", "rf"}

// best writes the lowest mean of the other strategies, "never" if all of them gave up, nothing
// if none was measured; and how much the guided one takes of that.
func (t *Table) best(program string) string {
	mean, strategy := math.Inf(1), ""
	text := ""
	for _, s := range t.Strategies {
		c, ok := t.Cell(program, s)
		if !ok || s == guided {
			continue
		}
		if text = "never"; c.Mean() < mean {
			mean, strategy = c.Mean(), s+t.mark(c)
		}
	}
	if strategy == "" {
		return fmt.Sprintf(" %s | |", text)
	}
	text = fmt.Sprintf(" %s %s |", short(mean), strategy)
	if g, ok := t.Cell(program, guided); ok {
		text += fmt.Sprintf(" %.2g", g.Mean()/mean)
	}
	return text + " |"
}

// Text returns the mean, standard deviation and median, and how many seeds have come to a
// failure, of those that had their turn, if not all have.
func (c Cell) Text() string {
	if c.Found() == 0 {
		return fmt.Sprintf("never in %d", c.Executions())
	}
	text := fmt.Sprintf("%s±%s", short(c.Mean()), short(c.SD()))
	if m := c.Median(); !math.IsInf(m, 1) {
		text += " [" + short(m) + "]"
	}
	if !c.Always() {
		text += fmt.Sprintf(" (%d/%d)", c.Found(), len(c.Runs))
	}
	return text
}

// short writes a number with two digits at least.
func short(x float64) string {
	if x < 9.95 {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// WriteMarkdown writes the table: for each program what the guided strategy and its rivals
// came to, which is the best of all others, how much more the guided one takes than that,
// and whether the rivals are different at all; and what has been published.
func (t *Table) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Strategies compared\n\nWritten by `explore -bench`; table.csv has all of it.\n")
	t.writeSummary(&b, "Programs with a bug each", func(p string) bool { return !kernel(p) })
	t.writeSummary(&b, "Workloads of kernel models", workload)
	t.writeSummary(&b, "Scenarios of kernel models", func(p string) bool {
		return kernel(p) && !workload(p)
	})
	b.WriteString("\n## Executions to the first failure\n\n" +
		"Mean±standard deviation [median] (seeds that came to one/that had their turn before the " +
		"budget was spent, if not all). The mean is all executions divided by the failures, the " +
		"median is Kaplan and Meier's. The best of the others is by the mean. After the rivals, p " +
		"of the log-rank test against guided, with < where guided takes significantly fewer " +
		"(p < 0.05), > more.\n")
	if none := t.neverFound(); len(none) > 0 {
		fmt.Fprintf(&b, "\nFound by no strategy: %s.\n", strings.Join(none, ", "))
	}
	for _, part := range t.parts() {
		t.writePart(&b, part)
	}
	t.writeOlder(&b, t.Programs)
	t.writePublished(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// neverFound returns the programs that no strategy has found the failure of.
func (t *Table) neverFound() (out []string) {
	for _, p := range t.Programs {
		found := 0
		for _, s := range t.Strategies {
			c, _ := t.Cell(p, s)
			found += c.Found()
		}
		if found == 0 {
			out = append(out, p)
		}
	}
	return out
}

// manyRows of kernel models are written object by object, each with the names of the columns.
const manyRows = 40

// parts returns the programs that are written below one heading each.
func (t *Table) parts() (out [][]string) {
	rows := 0
	for _, p := range t.Programs {
		if kernel(p) {
			rows++
		}
	}
	last := ""
	for _, p := range t.Programs {
		of := ""
		if rows > manyRows {
			of = object(p)
		}
		if len(out) == 0 || of != last {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], p)
		last = of
	}
	return out
}

// writePart writes the rows of programs, below the object that they are of if that is not all.
func (t *Table) writePart(b *strings.Builder, programs []string) {
	if of := object(programs[0]); of != "" && len(programs) < len(t.Programs) {
		fmt.Fprintf(b, "\n### %s\n", of)
	}
	b.WriteString("\n| program | guided |")
	for _, s := range rivals {
		fmt.Fprintf(b, " %s |", s)
	}
	b.WriteString(" best other | guided/best |\n|---|---|" + strings.Repeat("---|", len(rivals)) +
		"---|---|\n")
	for _, p := range programs {
		t.writeRow(b, p)
	}
}

func (t *Table) writeRow(b *strings.Builder, p string) {
	g, isGuided := t.Cell(p, guided)
	fmt.Fprintf(b, "| %s |", p)
	for _, s := range append([]string{guided}, rivals...) {
		c, ok := t.Cell(p, s)
		if ok {
			b.WriteString(" " + c.Text() + t.mark(c))
		}
		if ok && isGuided && s != guided {
			b.WriteString(sign(g, c))
		}
		b.WriteString(" |")
	}
	b.WriteString(t.best(p) + "\n")
}

// sign says whether two cells differ, and how likely that is chance, after a space.
func sign(g, c Cell) string {
	z, p := LogRank(g, c)
	mark := ""
	switch {
	case p >= 0.05:
	case z < 0:
		mark = " <"
	default:
		mark = " >"
	}
	return fmt.Sprintf("%s p=%#.2g", mark, p)
}

// writePublished writes what there is of others on the programs of the table, beside the means of
// the guided strategy on their forms.
func (t *Table) writePublished(b *strings.Builder) {
	var names []string
	means := map[string][]string{}
	for _, p := range t.Programs {
		name, _, _ := strings.Cut(p, "@")
		g, ok := t.Cell(p, guided)
		if !ok || Published(name) == nil {
			continue
		}
		if means[name] == nil {
			names = append(names, name)
		}
		means[name] = append(means[name], short(g.Mean())+t.mark(g))
	}
	if len(names) == 0 {
		return
	}
	b.WriteString("\n## What others have published\n\n" +
		"Executions to the first failure of the original programs, which ours are rewritten from: " +
		"orientation and no more. Guided is ours, the mean of each form in the order of the rows " +
		"above. RFF to GenMC are of Wolff et al., ASPLOS 2024, appendix B: 20 trials of five " +
		"minutes (GenMC searches exhaustively and has one number). SURW to RW' are of the artifact of " +
		"Zhao et al., ASPLOS 2025, in another framework, which the ' tells: 20 trials of at most " +
		"10,000 executions, of SafeStack 1,000,000; the run that SURW and PCT begin with, to " +
		"profile, counts. Mean±standard deviation of the trials that came to a failure; where not " +
		"all did (x/20), or * if no more is known than that. 1±0 of RFF, POS, PCT3 and QL-RF is " +
		"one execution and not 20, since all trials begin with the same one. n/r: the tool cannot " +
		"run the program; †: it does not report this failure, a deadlock; empty: nothing is " +
		"published.\n\n| program | guided | " + strings.Join(Tools, " | ") + " |\n|---|---|" +
		strings.Repeat("---|", len(Tools)) + "\n")
	for _, name := range names {
		fmt.Fprintf(b, "| %s | %s | %s |\n",
			name, strings.Join(means[name], ", "), strings.Join(Published(name), " | "))
	}
}

// kernel reports whether a program is a model of the kernel, by its name.
func kernel(program string) bool { return strings.Contains(program, "/") }

// workload reports whether it is one whose tape chooses the system calls too.
func workload(program string) bool {
	return kernel(program) && strings.Contains(program, "workload@")
}

// object returns the kernel object that a program is of, by its name; of others there is none.
func object(program string) string { return program[:max(0, strings.LastIndex(program, "/"))] }

// writeSummary writes a line for each strategy, over those of the programs that all were
// measured on.
func (t *Table) writeSummary(b *strings.Builder, title string, of func(program string) bool) {
	var common []string
	for _, p := range t.Programs {
		missing := func(s string) bool { _, ok := t.Cell(p, s); return !ok }
		if of(p) && !slices.ContainsFunc(t.Strategies, missing) {
			common = append(common, p)
		}
	}
	if len(common) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\nOver the %d that were measured with all strategies. A program that "+
		"was never found counts with all executions that there were; one that took the budget before "+
		"all seeds had their turn was not found with every seed.\n\n"+
		"| strategy | geometric mean | found with every seed | never found | found with less than "+
		"half of the executions of guided |\n|---|---|---|---|---|\n", title, len(common))
	for _, s := range t.Strategies {
		logs, every, never, twice := 0.0, 0, 0, 0
		for _, p := range common {
			c, _ := t.Cell(p, s)
			g, _ := t.Cell(p, guided)
			mean, none := c.AtLeast()
			logs += math.Log(mean)
			if none {
				never++
			}
			if c.Always() {
				every++
			}
			if g.Mean() > 2*c.Mean() {
				twice++
			}
		}
		atLeast := ""
		if never > 0 {
			atLeast = "at least "
		}
		fmt.Fprintf(b, "| %s | %s%s | %d | %d | %d |\n",
			t.heading(s, common), atLeast, short(math.Exp(logs/float64(len(common)))), every, never,
			twice)
	}
	t.writeOlder(b, common)
}
