package triage

import (
	"fmt"
	"slices"
)

// The geometry of the graph on the page, in CSS pixels.
const (
	graphMid    = 11 // where in its row a step is, from the top
	graphMargin = 10
	trackWidth  = 15 // of an order's arrow
	laneWidth   = 18 // of a thread, without its sections
	barWidth    = 6  // of a section, the gap included
	lifeWidth   = 14 // of an object
)

// A graph is the picture beside the steps of a page: an arrow for each order, a lane with
// bars for each thread, a bar for each grace period, and in a picture of its own one for
// each object. It is drawn row by row, so that a row may be as high as its text.
type graph struct {
	it     *Interleaving
	lanes  []int
	laneX  map[int]int // of threads
	bars   []bar
	orders []arrow
	lives  []life
	width  int
}

// A bar is a section in the place where it is drawn.
type bar struct {
	Section
	x int
}

// An arrow is an order in its track. From and to are rows.
type arrow struct {
	number     int
	before     Place
	after      Place
	from, to   int // rows
	x, y       int // of the track, and in the rows
	fromX, toX int // of the lanes
}

// A life is an object in its place.
type life struct {
	*Object
	X int
}

// A mark is a piece of the picture within one row. Y may be beyond the fixed part of the
// row: 100%.
type mark struct {
	Shape string // line, dot, head, cross, number
	Class string
	X, X2 int
	Y, Y2 string
	Order int    // of a piece of an arrow; else 0
	Text  string // of a number
}

// upright returns a line from above.
func upright(class string, x int, top, bottom string) mark {
	return mark{Shape: "line", Class: class, X: x, X2: x, Y: top, Y2: bottom}
}

// dot returns the circle of a step, or the cross of a free.
func dot(shape, class string, x int) mark {
	return mark{Shape: shape, Class: class, X: x, Y: fmt.Sprint(graphMid)}
}

// A legend says what marks mean.
type legend struct {
	Text  string
	Life  bool // of objects
	Marks []mark
}

// legends returns the legend of the picture.
func legends() []legend {
	bar := func(class string) []mark { return []mark{upright(class, graphMid, "0", "100%")} }
	y := fmt.Sprint(graphMid)
	return []legend{
		{"runs; a step", false, append(bar("run"), dot("dot", "dot", graphMid))},
		{"does not run", false, bar("wait")},
		{"racing step", false, []mark{dot("dot", "dot racing", graphMid)}},
		{"order: comes before", false, []mark{
			{Shape: "line", Class: "arrow", X: 2, X2: 14, Y: y, Y2: y}, dot("head", "", 20),
		}},
		{"lock held", false, bar("bar " + lockSection)},
		{"RCU reader", false, bar("bar " + readerSection)},
		{"interrupts or preemption off", false, bar("bar " + irqSection)},
		{"grace period", false, bar("bar " + graceSection)},
		{"work queued", false, bar("bar " + workSection)},
		{"object allocated", true, bar("live")},
		{"unlinked", true, bar("unlinked")},
		{"a count in it is 0", true, bar("zero")},
		{"freed", true, append(bar("freed"), dot("cross", "cross", graphMid))},
	}
}

func newGraph(it *Interleaving, ex *Explanation) *graph {
	g := &graph{it: it, lanes: it.Lanes(), laneX: map[int]int{}}
	if ex != nil && ex.Found {
		g.arrows(ex)
	}
	x := graphMargin + trackWidth*len(g.orders)
	for _, thread := range g.lanes {
		g.laneX[thread] = x + laneWidth/2 - 2
		own := func(s *Section) bool { return s.Thread == thread && s.ofThread() }
		x += laneWidth + g.place(x+laneWidth-2, own)
	}
	x += 6
	g.width = x + g.place(x, func(s *Section) bool { return !s.ofThread() }) + 2
	for i := range g.orders {
		o := &g.orders[i]
		o.fromX, o.toX = g.laneX[o.before.Thread], g.laneX[o.after.Thread]
	}
	g.objects()
	return g
}

// place gives a column to each section that is wanted, beginning at x, and the same to
// two that do not overlap. It returns the width of all.
func (g *graph) place(x int, wanted func(*Section) bool) int {
	var columns [][]Section
	for _, s := range g.it.Sections {
		if !wanted(&s) {
			continue
		}
		free := func(c []Section) bool { last := c[len(c)-1]; return last.To != 0 && last.To < s.From }
		at := slices.IndexFunc(columns, free)
		if at < 0 {
			at = len(columns)
			columns = append(columns, nil)
		}
		columns[at] = append(columns[at], s)
		g.bars = append(g.bars, bar{s, x + at*barWidth})
	}
	return len(columns) * barWidth
}

// arrows gives each order its track.
func (g *graph) arrows(ex *Explanation) {
	row := func(p *Place) int {
		if p.Next {
			return len(g.it.Rows) // the row after all
		}
		return slices.IndexFunc(g.it.Rows, func(r Row) bool { return r.Step == p.Step })
	}
	for i, r := range ex.Because {
		if r.Of > 0 {
			continue // of one step
		}
		g.orders = append(g.orders, arrow{
			number: i + 1, before: r.Before, after: r.After,
			from: row(&r.Before), to: row(&r.After),
			x: graphMargin + trackWidth*len(g.orders), y: graphMid + 3*i - 3*(len(ex.Because)-1)/2,
		})
	}
}

// objects finds those to whom something happens, and those that a step names.
func (g *graph) objects() {
	named := map[string]bool{}
	for i := range g.it.Steps {
		named[objectOf(g.it.Steps[i].Object)] = true
	}
	for i := range g.it.Objects {
		o := &g.it.Objects[i]
		if o.Internal || o.Static {
			continue
		}
		if named[o.Name] || o.Allocated+o.Unlinked+o.CountZero+o.Freed > 0 {
			g.lives = append(g.lives, life{o, graphMid - 3 + lifeWidth*len(g.lives)})
		}
	}
}

// stretch returns what part of a row something covers that begins with one step and ends
// with another.
func stretch(row Row, last, from, to int) (top, bottom string, ok bool) {
	above, below := false, from <= last && (to == 0 || to > last)
	if row.Step > 0 {
		above = from < row.Step && (to == 0 || to >= row.Step)
	} else {
		above = below
	}
	switch {
	case above && below:
		return "0", "100%", true
	case above:
		return "0", fmt.Sprint(graphMid), true
	case below:
		return fmt.Sprint(graphMid), "100%", true
	}
	return "", "", false
}

// row draws row i; last is the last step so far, with it.
func (g *graph) row(row Row, i, last int) []mark {
	var out []mark
	for _, thread := range g.lanes {
		out = append(out, g.lane(thread, row, last)...)
	}
	for _, b := range g.bars {
		if top, bottom, ok := stretch(row, last, b.From, b.To); ok {
			out = append(out, upright("bar "+b.Sort, b.x, top, bottom))
		}
	}
	for j := range g.orders {
		out = append(out, g.orders[j].row(i)...)
	}
	if row.Step > 0 {
		class := "dot"
		if row.Racing {
			class += " racing"
		}
		out = append(out, dot("dot", class, g.laneX[row.Thread]))
	}
	return out
}

// lane draws a thread: a thick line while it runs, a thin one while it could or waits.
func (g *graph) lane(thread int, row Row, last int) []mark {
	first, end := 0, 0 // steps of the thread
	for i := range g.it.Steps {
		if g.it.Steps[i].Thread == thread {
			if first == 0 {
				first = i + 1
			}
			end = i + 1
		}
	}
	if g.it.Threads[thread].State == "blocked" || g.it.Threads[thread].State == "enabled" {
		end = 0 // it is still there
	}
	var out []mark
	x := g.laneX[thread]
	line := func(class string, from, to int) {
		if top, bottom, ok := stretch(row, last, from, to); ok && from != to {
			out = append(out, upright(class, x, top, bottom))
		}
	}
	if first > 0 {
		line("wait", first, end)
	}
	of := func(step int) bool {
		return step > 0 && step <= len(g.it.Steps) && g.it.Steps[step-1].Thread == thread
	}
	if row.Step > 0 && of(row.Step-1) && of(row.Step) {
		line("run", row.Step-1, row.Step)
	}
	if of(last) && of(last+1) {
		line("run", last, last+1)
	}
	return out
}

// row draws the arrow's part in a row.
func (a *arrow) row(i int) []mark {
	y := fmt.Sprint(a.y)
	piece := func(shape string, x, x2 int, y, y2 string) mark {
		return mark{Shape: shape, Class: "arrow", X: x, X2: x2, Y: y, Y2: y2, Order: a.number}
	}
	var out []mark
	if i > min(a.from, a.to) && i < max(a.from, a.to) {
		out = append(out, piece("line", a.x, a.x, "0", "100%"))
	}
	if i == a.from {
		out = append(out, piece("line", a.fromX-6, a.x, y, y))
		out = append(out, a.stem(y, a.to-a.from)...)
		n := piece("number", a.x, 0, y, "")
		n.Text = fmt.Sprint(a.number)
		out = append(out, n)
	}
	if i == a.to {
		out = append(out, a.stem(y, a.from-a.to)...)
		out = append(out, piece("line", a.x, a.toX-9, y, y), piece("head", a.toX-6, 0, y, ""))
	}
	return out
}

// stem draws the arrow's part in a row from y on to rows below, or above. A load may have read what
// was there before a step above it.
func (a *arrow) stem(y string, rows int) []mark {
	top, bottom := y, "100%"
	switch {
	case rows == 0:
		return nil
	case rows < 0:
		top, bottom = "0", y
	}
	return []mark{{
		Shape: "line", Class: "arrow", X: a.x, X2: a.x, Y: top, Y2: bottom, Order: a.number,
	}}
}

// life draws the objects' part in a row.
func (g *graph) life(row Row, last int) []mark {
	var out []mark
	for _, l := range g.lives {
		for _, s := range l.stages() {
			if top, bottom, ok := stretch(row, last, s.from, s.to); ok {
				out = append(out, upright(s.class, l.X, top, bottom))
			}
		}
		if row.Step > 0 && row.Step == l.Freed {
			out = append(out, dot("cross", "cross", l.X))
		}
	}
	return out
}

// A stage is a part of an object's life.
type stage struct {
	class    string
	from, to int // steps
}

// stages returns what an object is from when on.
func (o *Object) stages() []stage {
	out := []stage{{"live", o.Allocated, 0}}
	next := func(class string, from int) {
		if at := len(out) - 1; from > 0 {
			out[at].to = from
			out = append(out, stage{class, from, 0})
		}
	}
	switch { // what came first is drawn until the other comes
	case o.CountZero > 0 && (o.Unlinked == 0 || o.CountZero < o.Unlinked):
		next("zero", o.CountZero)
	default:
		next("unlinked", o.Unlinked)
		next("zero", o.CountZero)
	}
	next("freed", o.Freed)
	return out
}
