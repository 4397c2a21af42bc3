package triage

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

var (
	//go:embed page/page.html
	pageText string
	//go:embed page/page.css
	pageCSS template.CSS
	//go:embed page/page.js
	pageScript template.JS
)

// pageTemplate is made when it is asked for: a program that writes no pages, such as a fuzz
// target, is linked without it, and the engine has fewer counters to read after each input.
func pageTemplate() *template.Template {
	return template.Must(template.New("page.html").Funcs(template.FuncMap{
		"color": func(lane int) int { return lane % laneColors },
		"upper": upper,
		"words": func(v any) []string { return strings.Fields(fmt.Sprint(v)) },
		"parts": parts,
		"tape":  TapeText,
	}).Parse(pageText))
}

// parts takes a name apart where a narrow page may break it: after -> and before [.
func parts(word string) []string {
	return strings.Split(strings.NewReplacer("->", "->\x00", "[", "\x00[").Replace(word), "\x00")
}

// laneColors is how many colours page.css has for threads.
const laneColors = 6

// WriteHTML writes the report as a page in one file, which needs nothing from outside. It
// shows the interleaving as a picture (a lane for each thread; bars for locks, read-side
// sections, grace periods and the lives of objects; the orders of the explanation as
// arrows) and the state of all objects at a step. Without scripts it is a table.
func (r *Report) WriteHTML(w io.Writer) error {
	// Written in one piece, so that an error cannot leave half a page.
	var b bytes.Buffer
	if err := pageTemplate().Execute(&b, newPage(r)); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// A page is what the template is given.
type page struct {
	*Report
	CSS    template.CSS
	Script template.JS

	Lanes     []pageLane
	Lives     []life
	Width     int // of the graph
	LifeWidth int
	HeadHigh  int // of the names above both
	Rows      []pageRow
	Reasons   []pageReason
	Why       string // if there are no reasons
	State     []viewGroup
	Updates   pageUpdates
	Effects   []effectLine
	Legend    []legend
	Numbers   string
	Splatter  string
	Old       []string // values that loads have read
	Odds      string   // the chance
}

// A pageLane is the name of a thread above its lane.
type pageLane struct {
	Name string
	X    int
}

// pageUpdates is what the script of the page needs to step.
type pageUpdates struct {
	Start []string   `json:"start"`
	Steps [][]update `json:"steps"`
}

// A pageRow is a row of the table.
type pageRow struct {
	Row
	Lane    int
	Who     string
	Again   bool     // the same as in the row above
	Changes []string // of memory
	Held    string
	Tags    []string // what the step is to the failure and to the orders
	Graph   []mark
	Life    []mark
}

// A pageReason is an order with links to its steps; From or To is 0 if the step was never
// taken.
type pageReason struct {
	Number        int
	Before, After string // After is empty if it is a choice
	Says          string
	From, To      int
	Without       string
}

func newPage(r *Report) *page {
	it := r.Interleaving
	g, v := newGraph(it, r.Explanation), newView(it)
	p := &page{
		Report: r, CSS: pageCSS, Script: pageScript,
		Lives: g.lives, Width: g.width, LifeWidth: lifeWidth*len(g.lives) + 10,
		State: v.Groups, Updates: pageUpdates{v.Start, v.Steps}, Legend: legends(),
	}
	for _, thread := range g.lanes {
		t := it.Threads[thread]
		p.Lanes = append(p.Lanes, pageLane{bracketed(t.Name, t.Agent), g.laneX[thread]})
	}
	var numbers, splat bytes.Buffer
	r.writeNumbers(&numbers)
	r.writeSplat(&splat)
	p.Numbers, p.Splatter = numbers.String(), strings.Trim(splat.String(), "\n")
	for _, l := range r.old() {
		p.Old = append(p.Old, l.String())
	}
	p.Odds = r.chance()
	p.reasons()
	p.rows(g)
	longest := 0
	for _, l := range p.Lanes {
		longest = max(longest, len(l.Name))
	}
	for _, l := range p.Lives {
		longest = max(longest, len(l.Name))
	}
	p.HeadHigh = 7*longest + 10
	return p
}

func (p *page) reasons() {
	if p.Explanation == nil {
		return
	}
	p.Effects = p.elsewhere()
	if len(p.Explanation.Because) == 0 {
		p.Why = upper(strings.TrimPrefix(p.Explanation.String(), "why: ")) + "."
	}
	step := func(pl *Place) int {
		if pl.Next {
			return 0
		}
		return pl.Step
	}
	for i, r := range p.Explanation.Because {
		out := pageReason{
			Number: i + 1, Before: r.Before.String(), From: step(&r.Before),
			Without: TapeText(r.Without),
		}
		var of *Place
		if out.Says, of = r.says(); of != nil {
			out.After, out.To = of.String(), step(of)
		}
		p.Reasons = append(p.Reasons, out)
	}
}

func (p *page) rows(g *graph) {
	it, last, prev := p.Interleaving, 0, -1
	for i, row := range it.Rows {
		if row.Step > 0 {
			last = row.Step
		}
		out := pageRow{Row: row, Lane: slices.Index(g.lanes, row.Thread)}
		out.Graph, out.Life = g.row(row, i, last), g.life(row, last)
		if row.Thread >= 0 {
			t := it.Threads[row.Thread]
			out.Who = bracketed(t.Name, t.Agent)
			out.Again = row.Thread == prev || row.Note
		}
		if !row.Note {
			prev = row.Thread
		}
		if row.Step > 0 {
			s := &it.Steps[row.Step-1]
			out.Held, out.Tags = strings.Join(s.Held, ", "), p.tags(s)
			out.Changes = p.changes(s)
		}
		p.Rows = append(p.Rows, out)
	}
	end := Row{Thread: -1, Text: "end"}
	p.Rows = append(p.Rows, pageRow{
		Row: end, Lane: -1, Graph: g.row(end, len(it.Rows), last), Life: g.life(end, last),
	})
}

// tags says what a step is to the failure and to the orders.
func (p *page) tags(s *Step) []string {
	var out []string
	for _, a := range p.Accesses {
		if a.Step == s.Step && !a.After && a.Role != "allocated" {
			out = append(out, a.Role)
		}
	}
	for _, r := range p.Reasons {
		if r.After == "" && r.From == s.Step {
			out = append(out, fmt.Sprintf("choice %d", r.Number))
		} else if r.From == s.Step {
			out = append(out, fmt.Sprintf("order %d: first", r.Number))
		}
		if r.To == s.Step {
			out = append(out, fmt.Sprintf("order %d: then", r.Number))
		}
	}
	return out
}

// several reports whether a primitive has the cell and others under one name.
func (o *Object) several(cell int) bool {
	n := 0
	for _, c := range o.Cells {
		if c.Path == o.Cells[cell].Path {
			n++
		}
	}
	return n > 1
}

// buffered says what has become of a step's store, or of those in a buffer. The agent of the buffer
// says it itself, and the state beside has all of them.
func buffered(s *Step, buffer, waiting string) []string {
	switch {
	case s.Verb == drains || strings.Contains(s.Verb, "wmb"):
		return nil
	case s.Stored && strings.Contains(waiting, s.Object):
		return []string{"waits in the " + buffer}
	}
	return []string{buffer + ": " + waiting}
}

// changes lists what a step has changed in memory, but for what its text says and what
// only a primitive understands.
func (p *page) changes(s *Step) []string {
	var out []string
	for _, ch := range s.Changes {
		o := &p.Interleaving.Objects[ch.Object]
		name := strings.TrimSuffix(o.Name+"->"+o.Cells[ch.Cell].Path, "->")
		told := name == s.Object &&
			(s.Now != "" || o.several(ch.Cell) || strings.Contains(s.Verb, "lock"))
		if part := o.Cells[ch.Cell].Part; part != "" && o.several(ch.Cell) {
			name += " (" + part + ")"
		}
		switch {
		case o.Kind == schedule.BufferKind:
			out = append(out, buffered(s, o.Name, ch.Value)...)
		case !o.Internal && !told && !packed(ch.Value):
			out = append(out, "also "+name+" <- "+ch.Value)
		}
	}
	return out
}
