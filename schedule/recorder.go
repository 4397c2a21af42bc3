package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// A recorder is what an execution tells when it is being recorded.
type recorder struct {
	exec      *Exec
	events    []Event
	threads   []ThreadInfo
	cell      *Cell // of the current step
	decision  int   // of the next step, or -1
	preempted int
	pending   bool

	stacks   [MaxThreads][]Frame // where each thread is parked, or has begun its step
	failed   []Frame
	allocs   map[*Object][]Frame
	starting bool  // an agent has been chosen and has not said what it begins
	early    []int // what it has chosen meanwhile
	taken    []Change

	objects []ObjectInfo
	numbers map[*Object]int // of what is in objects
	initial []Change
}

func newRecorder(e *Exec) *recorder {
	return &recorder{exec: e, allocs: map[*Object][]Frame{}, numbers: map[*Object]int{}}
}

func (rec *recorder) decided(e *Exec) {
	rec.pending = true
	rec.decision, rec.preempted = len(e.taken)-1, -1
	if e.running != nil && e.next != e.running {
		rec.preempted = e.running.ID
	}
}

// begin records that t takes a step.
func (rec *recorder) begin(t *Thread) {
	ev := Event{
		Step: len(rec.events) + 1, Thread: t.ID,
		Verb: t.op.Verb, Mode: t.op.Mode, Stack: rec.stacks[t.ID],
		Decision: -1, Preempted: -1,
	}
	if c := t.op.Cell; c != nil {
		ev.Object = c.Name()
	}
	rec.cell = t.op.Cell
	if rec.pending {
		ev.Decision, ev.Preempted, rec.pending = rec.decision, rec.preempted, false
	}
	if rec.starting {
		ev.Choices, rec.starting, rec.early = rec.early, false, nil
		ev.Changes, rec.taken = rec.taken, nil
	}
	rec.events = append(rec.events, ev)
}

// left records how its last step has left t.
func (rec *recorder) left(t *Thread) {
	if ev := rec.current(); ev.Thread == t.ID {
		ev.IrqsOff, ev.Atomic = t.CPU().IrqsOff(), t.atomic
	}
}

// enabled records whom the last step has left blocked: set is of those that it has not.
func (rec *recorder) enabled(e *Exec, set Set) {
	ev := rec.current()
	ev.Blocked = nil
	for _, t := range e.threads {
		if t.state == parked && !set.Has(t.ID) {
			ev.Blocked = append(ev.Blocked, t.ID)
		}
	}
}

func (rec *recorder) current() *Event {
	if len(rec.events) == 0 {
		return &Event{}
	}
	return &rec.events[len(rec.events)-1]
}

// observed records that the step has returned v, which is written as a word of c.
func (rec *recorder) observed(c *Cell, v uint64) {
	ev := rec.current()
	ev.Value, ev.Stored = rec.format(c, v), false
}

// buffered records that the step has put a store of v to c into a store buffer.
func (rec *recorder) buffered(c *Cell, v uint64) {
	if ev := rec.current(); c == rec.cell {
		ev.Value, ev.Stored = rec.format(c, v), true
	}
}

// outdated records that the step has not loaded what is in memory.
func (rec *recorder) outdated(c *Cell, l Loading) {
	ev := rec.current()
	ev.Memory, ev.Over, ev.Passed = rec.format(c, c.val), l.Over, l.Passed
}

func (rec *recorder) chosen(d int) {
	if rec.starting {
		rec.early = append(rec.early, d)
		return
	}
	ev := rec.current()
	ev.Choices = append(ev.Choices, d)
}

func (rec *recorder) stored(c *Cell) {
	ev := rec.current()
	if c == rec.cell && (ev.Value == "" || ev.Stored) {
		ev.Value, ev.Stored = rec.format(c, c.val), true
	}
}

// changed records that c has got another value, and what stored does.
func (rec *recorder) changed(c *Cell) {
	rec.stored(c)
	if c == rec.cell {
		rec.current().Now = rec.format(c, c.val)
	}
	n, known := rec.numbers[c.obj]
	if c.num == 0 || !known {
		return // the object as a whole: that is in Step and Freed
	}
	list := &rec.initial
	switch {
	case rec.starting:
		list = &rec.taken
	case len(rec.events) > 0:
		list = &rec.current().Changes
	}
	if b := rec.exec.bufferOf(c.obj); b != nil {
		rec.bufferChanged(list, n, b)
		return
	}
	*list = append(*list, Change{Object: n, Cell: int(c.num) - 1, Value: rec.format(c, c.val)})
}

// allocated records that o has come to be, of a facility or not.
func (rec *recorder) allocated(o *Object) {
	if o.unseen {
		return
	}
	info := ObjectInfo{
		Name: o.Name(), Kind: o.kind, Step: len(rec.events), Facility: o.facility(),
	}
	if info.Facility {
		info.Step = 0 // when it is first used is our own affair
	}
	for i, c := range o.cells {
		info.Cells = append(info.Cells, CellInfo{c.name, c.ptr, o.insides[i].part})
	}
	rec.numbers[o] = len(rec.objects)
	if b := rec.exec.bufferOf(o); b != nil {
		info = b.info(rec.exec)
		rec.bufferChanged(&rec.initial, len(rec.objects), b)
	}
	rec.objects = append(rec.objects, info)
}

func (rec *recorder) freed(o *Object) {
	ev := rec.current()
	ev.Freed = append(ev.Freed, o.Name())
}

// format writes a word as its cell would: the name of an object, NULL, what a primitive
// says that it means, or a signed number.
func (rec *recorder) format(c *Cell, v uint64) string {
	if c != nil && c.num > 0 {
		if text := rec.meaning(&c.obj.insides[c.num-1], v); text != "" {
			return text
		}
	}
	if c != nil && c.ptr {
		if v == 0 {
			return "NULL"
		}
		for _, list := range [][]*Object{rec.exec.heap, rec.exec.static} {
			for _, o := range list {
				if o.id == v {
					return o.Name()
				}
			}
		}
	}
	return strconv.FormatInt(int64(v), 10)
}

// meaning returns what a primitive says that v means, empty if it does not say.
func (rec *recorder) meaning(in *inside, v uint64) string {
	if v < uint64(len(in.words)) {
		return in.words[v]
	}
	if half := uint64(1) << in.bias / 2; half > 0 && v >= half {
		return fmt.Sprintf("bias%+d", int64(v-2*half))
	}
	if len(in.flags) == 0 || v == 0 {
		return ""
	}
	var set []string
	for i := range 64 {
		switch {
		case v>>i&1 == 0:
		case in.who && i < len(rec.exec.threads):
			set = append(set, rec.exec.threadName(i))
		case !in.who && i < len(in.flags):
			set = append(set, in.flags[i])
		default:
			return ""
		}
	}
	return strings.Join(set, "|")
}

// finish records how the threads were left, before they are unwound.
func (rec *recorder) finish(e *Exec) {
	for _, o := range e.static {
		if n, known := rec.numbers[o]; known {
			rec.objects[n].Static = true
		}
	}
	last := rec.current()
	last.Blocked = nil // of the step with a failure nobody was asked
	for i, t := range e.threads {
		info := ThreadInfo{Name: e.threadName(i), Agent: t.agent != nil, Interrupts: -1}
		if t.handler {
			info.Interrupts = t.cpu.num
		}
		switch {
		case t.state == finished && e.outcome == Fail && e.failure.Thread == t:
			info.State = "failed"
			rec.left(t)
		case t.state == finished:
			info.State = "finished"
		case t.state == idle:
			info.State = "idle"
		case t.open():
			info.State = "enabled"
		default:
			info.State = "blocked"
			last.Blocked = append(last.Blocked, i)
		}
		if t.state == parked {
			info.Verb, info.Stack = t.op.Verb, rec.stacks[t.ID]
			info.IrqsOff = t.CPU().IrqsOff()
			if t.op.Cell != nil {
				info.Object = t.op.Cell.Name()
			}
		}
		rec.threads = append(rec.threads, info)
	}
}

// threadName returns the name of thread i, with a number if another of its sort has the
// same.
func (e *Exec) threadName(i int) string {
	name, nth, all := e.threads[i].Name, 0, 0
	for j, t := range e.threads {
		if t.Name != name || t.IsAgent() != e.threads[i].IsAgent() {
			continue
		}
		all++
		if j <= i {
			nth++
		}
	}
	if all == 1 {
		return name
	}
	return fmt.Sprintf("%s#%d", name, nth)
}
