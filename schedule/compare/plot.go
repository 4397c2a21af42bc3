package compare

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The geometry of the plot, in pixels.
const (
	plotWidth, plotHeight    = 860, 520
	plotLeft, plotRight      = 60, 130
	plotTop, plotBottom      = 20, 50
	plotAcross               = plotWidth - plotLeft - plotRight
	plotDown                 = plotHeight - plotTop - plotBottom
	plotFont                 = `font-family="sans-serif" font-size="13"`
	plotApart                = 15 // of labels
	plotProgramsEvery        = 20
	plotGrey, plotForeground = "#ddd", "#333"
)

// colours are told apart by those who do not see red and green too; strategies beyond them
// begin anew, dashed.
var colours = []string{
	"#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7",
}

// A line of the plot is the means of a strategy, in ascending order.
type line struct {
	name  string
	means []float64
	y     float64 // of its label
}

// WritePlot writes an SVG picture: for each strategy how many programs it finds the bug of in
// at most so many executions in the mean.
func (t *Table) WritePlot(w io.Writer) error {
	var lines []line
	most := 10.0
	for _, s := range t.Strategies {
		l := line{name: t.heading(s, t.Programs)}
		for _, p := range t.Programs {
			if c, ok := t.Cell(p, s); ok && c.Found() > 0 {
				l.means = append(l.means, c.Mean())
				most = max(most, c.Mean())
			}
		}
		slices.Sort(l.means)
		lines = append(lines, l)
	}
	decades := math.Ceil(math.Log10(most))
	p := &plot{decades: decades, programs: float64(len(t.Programs))}
	fmt.Fprintf(&p.out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d">`+"\n"+
		`<rect width="100%%" height="100%%" fill="white"/>`+"\n", plotWidth, plotHeight)
	p.axes()
	p.labels(lines)
	for i, l := range lines {
		p.line(l, colours[i%len(colours)], i/len(colours))
	}
	p.out.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.out.String())
	return err
}

type plot struct {
	decades, programs float64
	out               strings.Builder
}

func (p *plot) x(executions float64) float64 {
	return plotLeft + plotAcross*math.Log10(max(1, executions))/p.decades
}

func (p *plot) y(programs float64) float64 {
	return plotTop + plotDown*(1-programs/p.programs)
}

func (p *plot) axes() {
	for d := range int(p.decades) + 1 {
		x := p.x(math.Pow10(d))
		p.stroke(x, plotTop, x, plotTop+plotDown)
		p.text(x, plotHeight-plotBottom+18, "middle", fmt.Sprint(int(math.Pow10(d))))
	}
	for n := 0.0; n <= p.programs; n += plotProgramsEvery {
		p.stroke(plotLeft, p.y(n), plotLeft+plotAcross, p.y(n))
		p.text(plotLeft-6, p.y(n)+4, "end", fmt.Sprint(n))
	}
	p.text(plotLeft+plotAcross/2, plotHeight-12, "middle", "executions to the first failure, mean")
	fmt.Fprintf(&p.out, `<text x="14" y="%d" transform="rotate(-90 14 %[1]d)" text-anchor="middle" `+
		`fill="%s" %s>programs</text>`+"\n", plotTop+plotDown/2, plotForeground, plotFont)
}

func (p *plot) stroke(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&p.out, `<path d="M%.1f %.1fL%.1f %.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, plotGrey)
}

func (p *plot) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&p.out, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" %s>%s</text>`+"\n",
		x, y, anchor, plotForeground, plotFont, text)
}

// labels puts the names at the right, from the line that ends highest down.
func (p *plot) labels(lines []line) {
	var order []*line
	for i := range lines {
		order = append(order, &lines[i])
	}
	slices.SortStableFunc(order, func(a, b *line) int {
		return len(b.means) - len(a.means)
	})
	y := 0.0
	for _, l := range order {
		y = max(y+plotApart, p.y(float64(len(l.means))))
		l.y = y
	}
	// What has gone below the picture is pushed up again.
	y = plotTop + plotDown
	for _, l := range slices.Backward(order) {
		l.y = min(l.y, y)
		y = l.y - plotApart
	}
}

// line draws a staircase, and its name.
func (p *plot) line(l line, colour string, dash int) {
	if len(l.means) == 0 {
		return
	}
	style := ""
	if dash > 0 {
		style = ` stroke-dasharray="5 3"`
	}
	fmt.Fprintf(&p.out, `<path fill="none" stroke="%s" stroke-width="2"%s d="M%.1f %.1f`,
		colour, style, p.x(l.means[0]), p.y(0))
	for i, m := range l.means {
		fmt.Fprintf(&p.out, "H%.1fV%.1f", p.x(m), p.y(float64(i+1)))
	}
	end := float64(plotLeft + plotAcross)
	fmt.Fprintf(&p.out, `H%.1fL%.1f %.1f"/>`+"\n", end, end+14, l.y-4)
	fmt.Fprintf(&p.out, `<text x="%.1f" y="%.1f" fill="%s" %s>%s</text>`+"\n",
		end+18, l.y, colour, plotFont, l.name)
}
