package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// The limits of what is kept in memory.
const (
	// maxBugs is the most signatures of a target that are reported, and as many reports of the
	// order of locks. A model that fails in more ways needs no more reports. Those that are no
	// longer so do not count.
	maxBugs = 100
	// bytesPerSpecies is what a species takes, in the set of all or in the stream: an entry
	// of a map that is half full.
	bytesPerSpecies = 32
	// bytesPerInput is what an input takes: its tape here, the pack, the index of the pack.
	bytesPerInput = 400
	// bytesPerNode is what a decision takes in a guided engine, and its part of the entries.
	bytesPerNode = 120
)

// An allowance is how many more there may be of something, for all who take of it together.
type allowance struct{ atomic.Int64 }

// take reports whether there may be one more, and takes it.
func (a *allowance) take() bool { return a.Add(-1) >= 0 }

// lookAgain is how often a failure that looks like one before is looked at nevertheless.
const lookAgain = 64

// Totals is what is counted of a target over all starts.
type Totals struct {
	Executions int64 `json:"executions"` // in this process and those before it
	Native     int64 `json:"native"`     // of the Go fuzzer
	Steps      int64 `json:"steps"`
	Failing    int64 `json:"failing"` // executions
	Invalid    int64 `json:"invalid"` // executions that the limit of steps ended
	// LastNew is when a species was new the last time, and NewAt after how many executions.
	LastNew time.Time `json:"last_new"`
	NewAt   int64     `json:"new_at"`
	History history   `json:"history"`
}

// A target is a program that is fuzzed, with all that is known of it. It is safe for
// concurrent use.
type target struct {
	name    string // as entries of the corpus have it
	program program.Program
	store   *store
	guide   *guided.Engine // that those of the workers share with; nil: there is none
	found   func(*bug)     // is told of every new one
	wrong   func(*orderReport)
	now     func() time.Time

	mu      sync.Mutex
	species map[uint64]struct{} // that passing executions have shown
	room    *allowance          // for species
	full    bool                // there was none for one
	inputs  []schedule.Tape     // each showed a species that none had before
	todo    []given             // from elsewhere, yet to be run
	stream  stream
	totals  Totals
	bugs    map[triage.Signature]*bug
	looks   map[look]*seen
	order   lockdep.Order           // what all workers have been shown of it
	orders  map[string]*orderReport // what is wrong with it, by their text
}

// A given is a tape that comes from elsewhere.
type given struct {
	tape schedule.Tape
	own  bool // it comes from our corpus: what it shows is no news
}

// A look is what a fast run tells of a failure without names. Failures that look the same
// mostly are.
type look struct {
	kind                                schedule.Kind
	verb, object, thread, other, remark string
}

// lookOf returns what f looks like.
func lookOf(f schedule.Failure) look {
	l := look{kind: f.Kind, verb: f.Op.Verb, remark: f.Note}
	if f.Obj != nil {
		l.object = f.Obj.Kind()
	}
	if f.Thread != nil {
		l.thread = f.Thread.Name
	}
	if f.Other.Thread != nil {
		l.other = f.Other.Thread.Name
	}
	return l
}

// seen is what is known of a look.
type seen struct {
	times int
	last  *bug // that the last one which was looked at turned out to be; nil: beyond maxBugs
}

// take returns a tape that is yet to be run.
func (t *target) take() (given, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.todo) == 0 {
		return given{}, false
	}
	g := t.todo[0]
	t.todo = t.todo[1:]
	return g, true
}

// give adds a tape to be run.
func (t *target) give(g given) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.todo = append(t.todo, g)
}

// kept returns the inputs. What it returns does not change.
func (t *target) kept() []schedule.Tape {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inputs[:len(t.inputs):len(t.inputs)]
}

// An outcome is what an engine tells of an execution.
type outcome struct {
	result   schedule.Result
	tape     schedule.Tape // canonical; the runner's
	species  []uint64      // each once; those that the filters have may be missing
	streamed bool          // it is of the stationary stream
	own      bool          // its tape comes from our corpus
}

// count counts an execution.
func (t *target) count(o *outcome) {
	t.totals.Executions++
	t.totals.Steps += int64(o.result.Steps)
	switch o.result.Outcome {
	case schedule.Fail:
		t.totals.Failing++
	case schedule.Invalid:
		t.totals.Invalid++
	}
	if o.streamed {
		t.stream.see(o.species, o.result.Outcome == schedule.Fail)
	}
}

// passed takes in a passing execution and returns how many of its species are new. If any
// is, the tape is kept. What need not be told again is put into the filters.
func (t *target) passed(o *outcome, known, common *filter) (news int, err error) {
	t.mu.Lock()
	t.count(o)
	for _, w := range o.species {
		_, have := t.species[w]
		if !have && t.room.take() {
			t.species[w] = struct{}{}
			news++
			have = true
		}
		t.full = t.full || !have
		if have {
			known.put(w)
		}
		if have && o.streamed && t.stream.isShared(w) {
			common.put(w)
		}
	}
	if news == 0 || len(o.tape.Bytes()) > maxInput || !o.own && !t.store.hasRoom() {
		t.mu.Unlock()
		return news, nil
	}
	tape := slices.Clone(o.tape)
	t.inputs = append(t.inputs, tape)
	if o.own {
		t.mu.Unlock()
		return 0, nil
	}
	t.totals.LastNew, t.totals.NewAt = t.now(), t.totals.Executions+t.totals.Native
	t.mu.Unlock()
	return news, t.store.keep(t.name, tape)
}

// failed takes in a failing execution, and reports whether it is to be looked at: whether
// nothing that looks the same was looked at before, or not for some time. If not, it counts
// as a duplicate of what it looks like.
func (t *target) failed(o *outcome, l look) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(o)
	s := t.looks[l]
	if s == nil {
		s = &seen{}
		t.looks[l] = s
	}
	s.times++
	if s.times == 1 || s.times%lookAgain == 0 {
		return true
	}
	if s.last != nil {
		s.last.Count++
	}
	return false
}

// looked tells which signature a failing execution has that was looked at.
func (t *target) looked(l look, sig triage.Signature, title string, tape schedule.Tape) error {
	b, err := t.meet(sig, title, tape)
	t.mu.Lock()
	defer t.mu.Unlock()
	if b != nil {
		b.Count++
	}
	t.looks[l].last = b
	return err
}

// meet returns the bug of that signature, which the tape shows. If it is a new one, or one that has
// not been seen since the start, its tape is on the disk when meet returns, and a report is due; if
// there are too many it is nil.
func (t *target) meet(sig triage.Signature, title string, tape schedule.Tape) (*bug, error) {
	t.mu.Lock()
	old := t.bugs[sig]
	if old != nil && old.active {
		t.mu.Unlock()
		return old, nil
	}
	if t.active() >= maxBugs {
		t.mu.Unlock()
		return nil, nil
	}
	b := &bug{
		Target: t.name, Program: t.program.Name(), Signature: sig.String(), Title: title,
		Tape: triage.TapeText(tape), Found: t.now(), Executions: t.totals.Executions,
		target: t, signature: sig, active: true,
	}
	if old != nil {
		b.Found, b.Executions, b.Count = old.Found, old.Executions, old.Count
	}
	t.bugs[sig] = b
	t.mu.Unlock()
	if err := t.store.keepFailing(t.name, tape); err != nil {
		return b, err
	}
	t.found(b)
	return b, nil
}

// active returns how many bugs have been seen since the start.
func (t *target) active() (n int) {
	for _, b := range t.bugs {
		if b.active {
			n++
		}
	}
	return n
}

// invalid takes in an execution that the limit of steps has ended.
func (t *target) invalid(o *outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(o)
}
