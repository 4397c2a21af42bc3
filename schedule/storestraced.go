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

// waitingFor returns the stores that wait, the oldest first.
func (rec *recorder) waitingFor(b *storeBuffer) string {
	var out []string
	for i := range b.used() {
		w := &b.waiting[i]
		text := w.cell.Name()
		if v := rec.format(w.cell, w.val); !packed(v) {
			text += " <- " + v
		}
		out = append(out, text)
	}
	if out == nil {
		return emptyBuffer
	}
	return strings.Join(out, ", ")
}

// bufferChanged is changed of a cell of a store buffer: of what a step does there, it is what comes
// of it that is recorded.
func (rec *recorder) bufferChanged(list *[]Change, n int, b *storeBuffer) {
	*list = slices.DeleteFunc(*list, func(ch Change) bool { return ch.Object == n })
	*list = append(*list, Change{Object: n, Value: rec.waitingFor(b)})
}
