package schedule

import "fmt"

// A Facility gives a primitive a state of its own in every execution: the list
// of callbacks of an RCU, the held locks of a thread. The primitive makes one,
// in a package variable, and gets at the state of the execution at hand with
// Of.
type Facility[S any] struct {
	num   int
	reset func(*S, *Exec)
}

type slot struct {
	state any
	epoch uint64
}

// facilities counts the package variables. It changes during initialization
// only.
var facilities int

// NewFacility returns a facility whose state is an S. It is brought to its
// starting value by reset when it is first used in an execution; the zero S is
// made once for each runner.
func NewFacility[S any](reset func(s *S, e *Exec)) *Facility[S] {
	facilities++
	return &Facility[S]{num: facilities - 1, reset: reset}
}

// Of returns the state in e.
func (f *Facility[S]) Of(e *Exec) *S {
	if f.num < len(e.slots) && e.slots[f.num].epoch == e.epoch {
		return e.slots[f.num].state.(*S)
	}
	return f.first(e)
}

// first makes the state if need be, and resets it for this execution.
func (f *Facility[S]) first(e *Exec) *S {
	for len(e.slots) < facilities {
		e.slots = append(e.slots, slot{})
	}
	sl := &e.slots[f.num]
	if sl.state == nil {
		sl.state = new(S)
	}
	sl.epoch = e.epoch
	s := sl.state.(*S)
	f.reset(s, e)
	return s
}

// Static makes o, the object in which the facility keeps its cells, live for
// the execution. Its identity is the facility's: it does not depend on when the
// facility is first used.
func (f *Facility[S]) Static(e *Exec, o *Object) {
	if f.num > maxAllocs {
		panic(fmt.Sprintf("schedule: facility %d is beyond the limit", f.num))
	}
	e.alloc(o, facilityBase|uint64(f.num+1)<<12, 0)
	e.static = append(e.static, o)
}
