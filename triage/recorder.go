package triage

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A decision is one of an execution, with what the passes need to know of it.
type decision struct {
	digit   uint8
	n       uint8 // alternatives
	about   subject
	thread  int8 // chosen; -1 if it was no choice of a thread
	running int8 // the thread that could have gone on; -1 if none
}

const _ = int8(schedule.MaxThreads - 1) // a number of a thread fits

// A subject is what a decision is about.
type subject uint8

const (
	setup  subject = iota // which threads there are and what they call
	thread                // who goes on
	choice                // what Thread.Choose returned, in the course of things
)

// subjectOf tells setup decisions by when they are taken: before the first step.
func subjectOf(e *schedule.Exec) subject {
	switch {
	case !e.Enabled().Empty():
		return thread
	case e.Steps() == 0:
		return setup
	}
	return choice
}

// A recorder is a chooser that takes the decisions of another and keeps them.
type recorder struct {
	from schedule.Chooser
	log  []decision
}

func (r *recorder) reset(from schedule.Chooser) { r.from, r.log = from, r.log[:0] }

// Choose implements [schedule.Chooser].
func (r *recorder) Choose(e *schedule.Exec, n int) int {
	d := r.from.Choose(e, n)
	if d < 0 {
		return d
	}
	it := decision{digit: uint8(d), n: uint8(n), about: subjectOf(e), thread: -1, running: -1}
	if it.about == thread {
		it.thread = int8(e.Alternative(d).ID)
		if t := e.Running(); t != nil {
			it.running = int8(t.ID)
		}
	}
	r.log = append(r.log, it)
	return d
}

// digits returns the decisions of log as a tape, the zeros at the end included.
func digits(log []decision) schedule.Tape {
	s := make(schedule.Tape, len(log))
	for i, d := range log {
		s[i] = d.digit
	}
	return s
}

// setupOf returns the setup decisions of log, which come first.
func setupOf(log []decision) schedule.Tape {
	n := 0
	for n < len(log) && log[n].about == setup {
		n++
	}
	return digits(log[:n])
}

// choicesOf returns the decisions of log that are not about who goes on.
func choicesOf(log []decision) schedule.Tape {
	var s schedule.Tape
	for _, d := range log {
		if d.about != thread {
			s = append(s, d.digit)
		}
	}
	return s
}

// An order is a chooser that wants threads to go on in a certain order: at
// every decision the first of seq that is enabled is next. So an order that
// was made for one execution, or by moving pieces about, means something in
// every other.
type order struct {
	setup   schedule.TapeReader
	seq     []int8 // threads; -1: taken already
	choices schedule.TapeReader
	head    int // of seq
}

// Choose implements [schedule.Chooser].
func (o *order) Choose(e *schedule.Exec, n int) int {
	switch subjectOf(e) {
	case setup:
		return o.setup.Choose(e, n)
	case choice:
		return o.choices.Choose(e, n)
	}
	for o.head < len(o.seq) && o.seq[o.head] < 0 {
		o.head++
	}
	// What is blocked keeps its place: it goes on as soon as it can.
	for i := o.head; i < len(o.seq); i++ {
		id := o.seq[i]
		if id < 0 || !e.Enabled().Has(int(id)) {
			continue
		}
		o.seq[i] = -1
		for d := range n {
			if e.Alternative(d).ID == int(id) {
				return d
			}
		}
	}
	return 0
}

// orderOf returns the order that repeats log.
func orderOf(log []decision) *order {
	var o order
	var choices schedule.Tape
	for _, d := range log {
		switch d.about {
		case thread:
			o.seq = append(o.seq, d.thread)
		case choice:
			choices = append(choices, d.digit)
		}
	}
	o.setup.Reset(setupOf(log))
	o.choices.Reset(choices)
	return &o
}
