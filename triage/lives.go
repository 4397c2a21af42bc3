package triage

import "strings"

// lives finds out what becomes of objects, as far as the steps tell.
type lives struct {
	it       *Interleaving
	pointers map[pointer]string // to which object each points now
	count    map[string]int     // of pointers to an object
}

type pointer struct{ object, cell int }

// live writes into the objects what becomes of them.
func (it *Interleaving) live() {
	l := lives{it: it, pointers: map[pointer]string{}, count: map[string]int{}}
	for _, ch := range it.Initial {
		l.change(0, ch)
	}
	for i := range it.Steps {
		l.step(&it.Steps[i])
	}
}

// step has happened.
func (l *lives) step(s *Step) {
	for _, ch := range s.Changes {
		l.change(s.Step, ch)
	}
	if name, count, _ := strings.Cut(s.Object, "->"); countsToZero(s) {
		if o := l.it.object(name, s.Step); o != nil && o.CountZero == 0 {
			o.CountZero, o.Count = s.Step, count
		}
	}
	for _, name := range s.Freed {
		o := l.it.object(name, s.Step)
		if o == nil {
			continue
		}
		o.Freed = s.Step
		for p := range l.pointers { // what is in freed memory leads nowhere
			if &l.it.Objects[p.object] == o {
				l.point(s.Step, p, "NULL")
			}
		}
	}
}

// countsToZero reports whether s is a step that drops a reference and says that it was
// the last.
func countsToZero(s *Step) bool {
	return !s.Stored && s.Value == "1" &&
		(strings.HasSuffix(s.Verb, "_put") || strings.HasSuffix(s.Verb, "dec_and_test"))
}

func (l *lives) change(step int, ch Change) {
	if l.it.Objects[ch.Object].Cells[ch.Cell].Pointer {
		l.point(step, pointer{ch.Object, ch.Cell}, ch.Value)
	}
}

// point has p point to the named object.
func (l *lives) point(step int, p pointer, name string) {
	if old := l.pointers[p]; old != "" {
		l.count[old]--
		if o := l.it.object(old, step); o != nil && l.count[old] == 0 && step > 0 && o.Freed == 0 {
			o.Unlinked = step
		}
	}
	delete(l.pointers, p)
	if name == "NULL" {
		return
	}
	l.pointers[p] = name
	l.count[name]++
	if o := l.it.object(name, step); o != nil && o.Freed == 0 {
		o.Unlinked = 0
	}
}
