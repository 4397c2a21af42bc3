package schedule

import (
	"slices"
	"strings"
)

// BufferKind is the kind that a store buffer has in [Trace.Objects]. It has one cell there, whose
// value is which stores wait: the words that it keeps them in mean nothing to anybody else.
const BufferKind = "store buffer"

// emptyBuffer is the value of a store buffer in which no store waits.
const emptyBuffer = "nothing"

// storeBarrier stands between stores that may not pass each other.
const storeBarrier = "smp_wmb"

// bufferOf returns the store buffer that o is, or nil.
func (e *Exec) bufferOf(o *Object) *storeBuffer {
	if !e.tso {
		return nil
	}
	for _, t := range e.threads {
		if t.buffer != nil && &t.buffer.Object == o {
			return t.buffer
		}
	}
	return nil
}

// info is what a trace says of the buffer.
func (b *storeBuffer) info(e *Exec) ObjectInfo {
	i := slices.IndexFunc(e.threads, func(t *Thread) bool { return t.buffer == b })
	return ObjectInfo{
		Name: BufferKind + " of " + e.threadName(i), Kind: BufferKind,
		Cells: []CellInfo{{Path: "waiting"}},
	}
}

// waitingFor returns the stores that wait, the oldest first, and what they do not pass.
func (rec *recorder) waitingFor(b *storeBuffer) string {
	var out []string
	for i := range b.used() {
		w := &b.waiting[i]
		if b.slots[i].passes.Value() == nonePassesIt {
			out = append(out, storeBarrier)
		}
		text := w.cell.Name()
		if v := rec.format(w.cell, w.val); !packed(v) {
			text += " <- " + v
		}
		out = append(out, text)
	}
	if b.barrier.Value() != 0 {
		out = append(out, storeBarrier)
	}
	if out == nil {
		return emptyBuffer
	}
	return strings.Join(out, ", ")
}

// bufferChanged is changed of a cell of a store buffer: of what a step does there, it is what comes
// of it that is recorded, if anything does.
func (rec *recorder) bufferChanged(list *[]Change, n int, b *storeBuffer) {
	ofBuffer := func(ch Change) bool { return ch.Object == n }
	*list = slices.DeleteFunc(*list, ofBuffer)
	before := ""
	for i := len(rec.events); i >= 0 && before == ""; i-- {
		older := rec.initial
		if i > 0 {
			older = rec.events[i-1].Changes
		}
		if at := slices.IndexFunc(older, ofBuffer); at >= 0 {
			before = older[at].Value
		}
	}
	if now := rec.waitingFor(b); now != before {
		*list = append(*list, Change{Object: n, Value: now})
	}
}
