package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A view is what the page shows beside the steps: a list of places with a text in each,
// which every step may change.
type view struct {
	it     *Interleaving
	Groups []viewGroup
	Start  []string   // before the first step
	Steps  [][]update // what each step changes
}

// A viewGroup is a thread, or an object, and what is known of it.
type viewGroup struct {
	Name  string
	Lane  int // of a thread; -1: an object
	Slots []viewSlot
}

// A viewSlot is a place in the view.
type viewSlot struct {
	Label string
	ID    int // index of Start
	Text  string
}

// An update is a slot that gets another text.
type update struct {
	Slot int    `json:"s"`
	Text string `json:"t"`
}

// What slots say where there is nothing.
const (
	nothing = "nothing"
	nobodys = "not held"
	stopped = "blocked" // as rows say it
)

// newView shows the threads that have a lane, and the objects that are not a primitive's
// own, with their cells as far as they are ever more than 0.
func newView(it *Interleaving) *view {
	v := &view{it: it, Steps: make([][]update, len(it.Steps)+1)}
	v.threads()
	for i := range it.Objects {
		if !it.Objects[i].Internal {
			v.object(i)
		}
	}
	v.play()
	return v
}

// slot adds a place that has the text at first.
func (v *view) slot(g *viewGroup, label, text string) int {
	g.Slots = append(g.Slots, viewSlot{Label: label, ID: len(v.Start)})
	v.Start = append(v.Start, text)
	return len(v.Start) - 1
}

// set gives the slot a text at a step.
func (v *view) set(step, slot int, text string) {
	v.Steps[step] = append(v.Steps[step], update{slot, text})
}

// threads has a slot for what each thread does, and one for what it holds.
func (v *view) threads() {
	for lane, thread := range v.it.Lanes() {
		t := &v.it.Threads[thread]
		g := viewGroup{Name: bracketed(t.Name, t.Agent), Lane: lane}
		does := v.slot(&g, "does", "nothing yet")
		holds := v.slot(&g, "holds", nothing)
		v.Groups = append(v.Groups, g)
		v.follow(thread, does)
		held := nothing
		for i := range v.it.Steps {
			s := &v.it.Steps[i]
			if now := cmp.Or(strings.Join(s.Held, ", "), nothing); s.Thread == thread && now != held {
				held = now
				v.set(s.Step, holds, held)
			}
		}
	}
}

// follow says what a thread does at each step: its function, or why it does not go on.
func (v *view) follow(thread, slot int) {
	last, fn := 0, ""
	for i, row := range v.it.Rows {
		if row.Step > 0 {
			last = row.Step
		}
		if row.Thread != thread {
			continue
		}
		switch {
		case row.Step > 0:
			now := "runs"
			if stack := v.it.Steps[row.Step-1].Stack; len(stack) > 0 {
				now = "in " + stack[0]
			}
			fn = strings.TrimPrefix(now, "runs")
			v.set(row.Step, slot, now)
			if v.ends(i, thread) {
				v.over(thread, slot, last)
			}
		case row.Note:
			text := row.Text
			if text == "preempted" {
				text = strings.TrimSpace(text + " " + fn)
			}
			v.set(min(last+1, len(v.it.Steps)), slot, text)
			if waits, ok := strings.CutPrefix(text, stopped+": "); ok {
				v.wait(thread, slot, last+1, waits)
			}
		}
	}
}

// wait says, until the thread takes a step, when it can do what it waits for, and when not again.
// At first it has been said to be blocked.
func (v *view) wait(thread, slot, from int, waits string) {
	said := stopped
	for i := from; i <= len(v.it.Steps) && v.it.Steps[i-1].Thread != thread; i++ {
		text := "can go on"
		if slices.Contains(v.it.Steps[i-1].Blocked, thread) {
			text = stopped
		}
		if text != said {
			v.set(i, slot, text+": "+waits)
			said = text
		}
	}
}

// ends reports whether row i is the last of its thread.
func (v *view) ends(i, thread int) bool {
	return !slices.ContainsFunc(v.it.Rows[i+1:], func(r Row) bool { return r.Thread == thread })
}

// over says that a thread has nothing more to do from the step after last on.
func (v *view) over(thread, slot, last int) {
	if state := v.it.Threads[thread].State; last < len(v.it.Steps) {
		v.set(last+1, slot, state)
	}
}

// object has a slot for what has become of object i, and one for each name of a cell.
func (v *view) object(i int) {
	o := &v.it.Objects[i]
	g := viewGroup{Name: o.Name, Lane: -1}
	if !o.Static {
		v.stages(o, v.slot(&g, "is", v.born(o)))
	}
	paths := []string{}
	for _, c := range o.Cells {
		if !slices.Contains(paths, c.Path) {
			paths = append(paths, c.Path)
		}
	}
	for _, path := range paths {
		// Two may have one name, as locks of other files do: that counts which is taken.
		if name := strings.TrimSuffix(o.Name+"->"+path, "->"); v.lock(name) && v.changes(i, path) {
			v.held(name, v.slot(&g, cmp.Or(path, "value"), nobodys))
		} else {
			v.cell(&g, i, path)
		}
	}
	if len(g.Slots) > 0 {
		v.Groups = append(v.Groups, g)
	}
}

func (v *view) born(o *Object) string {
	if o.Allocated > 0 {
		return "not allocated yet"
	}
	return "allocated"
}

// stages tells the life of an object.
func (v *view) stages(o *Object, slot int) {
	words := map[string]string{
		"live": "allocated", "unlinked": "unlinked", "zero": o.Count + " is 0", "freed": "freed",
	}
	for _, s := range o.stages() {
		if s.from > 0 {
			v.set(s.from, slot, fmt.Sprintf("%s, step %d", words[s.class], s.from))
		}
	}
}

// lock reports whether name is of a lock that somebody takes.
func (v *view) lock(name string) bool {
	return slices.ContainsFunc(v.it.Sections, func(s Section) bool {
		return s.Sort == lockSection && s.Name == name
	})
}

// changes reports whether any step changes a cell of object i with that path.
func (v *view) changes(i int, path string) bool {
	return slices.ContainsFunc(v.it.Steps, func(s Step) bool {
		return slices.ContainsFunc(s.Changes, func(ch Change) bool {
			return ch.Object == i && v.it.Objects[i].Cells[ch.Cell].Path == path
		})
	})
}

// held says who has the lock. Readers may have it together.
func (v *view) held(name string, slot int) {
	has := func(s *Section) bool { return s.Sort == lockSection && s.Name == name }
	for i := range v.it.Steps {
		step := v.it.Steps[i].Step
		var who []string
		turn := false
		for j := range v.it.Sections {
			s := &v.it.Sections[j]
			turn = turn || has(s) && (s.From == step || s.To == step)
			if has(s) && s.in(step) {
				who = append(who, v.it.Threads[s.Thread].Name)
			}
		}
		switch {
		case !turn:
		case who == nil:
			v.set(step, slot, nobodys)
		default:
			v.set(step, slot, "held by "+strings.Join(who, ", "))
		}
	}
}

// cell follows the cells of object i with that path, if they are ever more than 0. What
// a primitive packs into a word says nothing to a reader and is left out.
func (v *view) cell(g *viewGroup, i int, path string) {
	var words []string // by cell
	used := make([]bool, len(v.it.Objects[i].Cells))
	each := func(f func(step int, ch Change)) {
		for _, ch := range v.it.Initial {
			f(0, ch)
		}
		for _, s := range v.it.Steps {
			for _, ch := range s.Changes {
				f(s.Step, ch)
			}
		}
	}
	cells := v.it.Objects[i].Cells
	mine := func(ch Change) bool { return ch.Object == i && cells[ch.Cell].Path == path }
	// How a primitive queues is no part of what it means.
	queueing := func(c int) bool { return v.it.Objects[i].several(c) && cells[c].Part == "" }
	any := false
	each(func(_ int, ch Change) {
		if mine(ch) && !packed(ch.Value) && !queueing(ch.Cell) {
			any, used[ch.Cell] = true, true
		}
	})
	if !any {
		return
	}
	for _, c := range cells {
		words = append(words, zero(c))
	}
	text := func() string {
		var out []string
		for c, w := range words {
			if !used[c] {
				continue
			}
			if v.it.Objects[i].several(c) {
				w = cells[c].Part + " " + w
			}
			out = append(out, w)
		}
		return strings.Join(out, ", ")
	}
	slot := v.slot(g, cmp.Or(path, "value"), text())
	each(func(step int, ch Change) {
		if !mine(ch) || packed(ch.Value) {
			return
		}
		if words[ch.Cell] = ch.Value; step > 0 {
			v.set(step, slot, text())
		} else {
			v.Start[slot] = text()
		}
	})
}

// zero is what a cell holds at first.
func zero(c Cell) string {
	if c.Pointer {
		return "NULL"
	}
	return "0"
}

// packed reports whether value is a number that a primitive keeps several others in.
func packed(value string) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	return err == nil && int64(int32(n)) != n
}

// play goes through the steps, and writes into the slots what they are after the last,
// which is what the page shows until it is told otherwise. Updates that change nothing go.
func (v *view) play() {
	now := slices.Clone(v.Start)
	for i, step := range v.Steps {
		kept := []update{}
		for _, u := range step {
			if now[u.Slot] != u.Text {
				now[u.Slot] = u.Text
				kept = append(kept, u)
			}
		}
		v.Steps[i] = kept
	}
	for i := range v.Groups {
		for j := range v.Groups[i].Slots {
			s := &v.Groups[i].Slots[j]
			s.Text = now[s.ID]
		}
	}
}

// bracketed writes the names of agents as the columns do.
func bracketed(name string, agent bool) string {
	return strings.TrimPrefix(taskName(name, agent), "task ")
}

// objectOf returns the object of "ctx->users".
func objectOf(name string) string {
	object, _, _ := strings.Cut(name, "->")
	return object
}
