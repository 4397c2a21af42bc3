package schedule

import (
	"math/bits"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// MaxInput is where the drawn end of an input ends at the latest, in bytes: none begins there
// or later, and what follows is not part of it. An engine that cuts its inputs there, and
// whoever reads them whole, draw the same. Digits are read beyond it, by who has them; the most
// that an execution of a target of ours was seen to take is 634.
const MaxInput = 1024

const (
	// drawnDemotes is how many drawn decisions about threads there are to one before which who
	// has taken the last step is demoted.
	drawnDemotes = 8
	// drawnFresh is the bit of the priority of a thread that has not been.
	drawnFresh = 1 << 63
)

// A drawn takes the decisions of the end of an input, from its first byte that is not ASCII on.
// Every thread has a random priority, and the highest that is enabled goes on; at each decision
// who has taken the last step is demoted with probability 1/8: below all that have not been, to
// a random place among those that have. That is the Demote of package sample, but that it looks
// at decisions, since who reads bytes is not shown steps. What is not about threads is drawn
// uniformly.
//
// The random numbers are hashes of the bytes of the end, each with the number of the thread, or
// how many were drawn before it, so that the same bytes draw the same everywhere. That is part
// of the format, as are the constants above, and MaxThreads among them: an input that an engine
// has kept is read by them. Until November 2026 the end was drawn by PCT of depth 5; inputs with
// an end that were kept before are other schedules now, tapes made of them ([Runner.TapeOf]) what
// they were.
type drawn struct {
	begun    bool
	seed     uint64
	numbers  uint64 // that were drawn, those of fresh threads apart
	known    Set    // threads that have a priority by now
	priority [MaxThreads]uint64
}

// begin makes d the end of in that begins at pos.
func (d *drawn) begin(in []byte, pos int) {
	d.begun = true
	d.seed = xxhash.Sum64(in[pos:min(len(in), MaxInput)])
	d.numbers, d.known = 0, Set{}
}

// number returns the next random number.
func (d *drawn) number() uint64 {
	d.numbers++
	return hashPair(d.seed, MaxThreads+d.numbers)
}

// choose takes a decision of n alternatives.
func (d *drawn) choose(e *Exec, n int) int {
	if e.enabled.Empty() {
		below, _ := bits.Mul64(d.number(), uint64(n))
		return int(below)
	}
	if t := e.Last(); t != nil {
		if x := d.number(); x%drawnDemotes == 0 {
			d.known = d.known.Union(t.self)
			d.priority[t.ID] = x &^ drawnFresh
		}
	}
	return d.highest(e)
}

// highest returns the decision for the thread of the highest priority.
func (d *drawn) highest(e *Exec) int {
	best, decision, i := d.priorityOf(e.calm), 0, 0
	others := e.enabled.Minus(e.calm.self)
	for id := range others.All {
		i++
		if p := d.priorityOf(e.threads[id]); p > best {
			best, decision = p, i
		}
	}
	return decision
}

// priorityOf returns that of a thread, which is drawn when it is first asked for.
func (d *drawn) priorityOf(t *Thread) uint64 {
	if !d.known.Intersects(t.self) {
		d.known = d.known.Union(t.self)
		d.priority[t.ID] = hashPair(d.seed, uint64(t.ID)) | drawnFresh
	}
	return d.priority[t.ID]
}

// TapeOf returns a tape that takes the decisions that [Runner.RunBytes] takes of an input of an
// engine. A drawn end is what an execution makes of it, so for an input that has one TapeOf runs
// one, and returns what that took; of others it returns the digits ([FromBytes]), but for the
// zeros at the end, whatever the program makes of them. If the model panics, the tape ends there.
func (r *Runner) TapeOf(in []byte) (s Tape) {
	if head := digits(in); head == len(in) || head >= MaxInput {
		return FromBytes(in).Canonical()
	}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *Crash:
			s = v.Tape.Canonical()
		default:
			panic(v)
		}
	}()
	r.RunBytes(in)
	return append(Tape(nil), r.Taken()...)
}

// digits returns how many bytes of in there are before its drawn end.
func digits(in []byte) int {
	for i, b := range in {
		if b >= utf8.RuneSelf {
			return i
		}
	}
	return len(in)
}
