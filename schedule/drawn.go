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
	// drawnChanges is how often a thread becomes the last of all in a drawn end: PCT for
	// bugs of depth 5.
	drawnChanges = 4
	// drawnWithin is how many decisions the changes are among, from the first one about threads
	// that is drawn.
	drawnWithin = 50
)

// What the random numbers of a drawn end are for. Those of priorities are numbered by thread.
const (
	forChanges = MaxThreads
	forChoices = forChanges + drawnChanges
)

// A drawn takes the decisions of the end of an input, from its first byte that is not ASCII on.
// It is PCT: every thread has a random priority, the highest that is enabled goes on, and at
// some random points the thread that has just run becomes the last of all (Burckhardt, Kothari,
// Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding
// bugs", ASPLOS 2010, section 3). What is not about threads is drawn uniformly.
//
// Deviations: it counts decisions, not steps, and does not know how many there will be. The
// random numbers are hashes of the bytes of the end, each with what it is for, so that the same
// bytes draw the same everywhere. That is part of the format, as are the constants above, and
// MaxThreads among them: an input that an engine has kept is read by them.
type drawn struct {
	begun     bool
	scheduled bool
	seed      uint64
	choices   uint64            // that were drawn
	changes   [drawnChanges]int // decisions at which they are due; -1: done
	lowered   uint64            // how many became the last of all
	known     Set               // threads that have a priority by now
	priority  [MaxThreads]uint64
}

// begin makes d the end of in that begins at pos.
func (d *drawn) begin(in []byte, pos int) {
	d.begun, d.scheduled = true, false
	d.seed = xxhash.Sum64(in[pos:min(len(in), MaxInput)])
	d.choices, d.lowered, d.known = 0, 0, Set{}
}

// number returns a random number below n.
func (d *drawn) number(what uint64, n int) int {
	hi, _ := bits.Mul64(hashPair(d.seed, what), uint64(n))
	return int(hi)
}

// choose takes a decision of n alternatives.
func (d *drawn) choose(e *Exec, n int) int {
	if e.enabled.Empty() {
		d.choices++
		return d.number(forChoices+d.choices, n)
	}
	now := e.Decisions()
	if !d.scheduled {
		d.scheduled = true
		for i := range d.changes {
			d.changes[i] = now + d.number(forChanges+uint64(i), drawnWithin)
		}
	}
	for i, at := range d.changes {
		if at < 0 || at > now {
			continue
		}
		d.changes[i] = -1
		if t := e.Last(); t != nil {
			d.known = d.known.Union(t.self)
			d.priority[t.ID] = drawnChanges - d.lowered // below all that are drawn
			d.lowered++
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
		d.priority[t.ID] = hashPair(d.seed, uint64(t.ID)) | 1<<63
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
