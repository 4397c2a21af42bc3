package schedule

import "unsafe"

// A Facility gives a primitive a state of its own in every execution: the list
// of callbacks of an RCU, the held locks of a thread. The primitive makes one,
// in a package variable, and gets at the state of the execution at hand with
// Of. S is the state; its Reset brings it to its starting value when it is
// first used in an execution. What steps of another thread depend on, and is in no cell,
// needs a [Shared].
type Facility[S any, P Resetter[S]] struct{ num uint }

// A Resetter is the state of a [Facility].
type Resetter[S any] interface {
	*S
	Reset(e *Exec)
}

// A slot holds the state of one facility as a bare pointer: only the facility of
// that number writes it, so its type is known, and Of is called in every step of
// some primitives.
type slot struct {
	state unsafe.Pointer
	epoch uint64
}

// facilities counts the package variables. It changes during initialization
// only.
var facilities uint

// maxFacilities is more than there are packages in kmodel/linux. A power of two spares
// Of a check.
const maxFacilities = 64

// NewFacility returns a facility whose state is an S. One zero S is made for
// each runner that uses it.
func NewFacility[S any, P Resetter[S]]() *Facility[S, P] {
	if facilities++; facilities > maxFacilities {
		panic("schedule: more facilities than maxFacilities")
	}
	return &Facility[S, P]{num: facilities - 1}
}

// Of returns the state in e.
func (f *Facility[S, P]) Of(e *Exec) P {
	sl := &e.slots[f.num%maxFacilities]
	if sl.epoch != e.epoch {
		f.first(e, sl)
	}
	return P((*S)(sl.state))
}

// first makes the state if need be, and resets it for this execution.
func (f *Facility[S, P]) first(e *Exec, sl *slot) {
	if sl.state == nil {
		sl.state = unsafe.Pointer(new(S))
	}
	sl.epoch = e.epoch
	if f := e.foot; f != nil { // who is first does not matter
		defer func(on bool) { f.on = on }(f.on)
		f.on = false
	}
	outer := e.resetting
	e.resetting = f.num
	P((*S)(sl.state)).Reset(e)
	e.resetting = outer
}

// Static makes o, the object in which the facility keeps its cells, live for
// the execution. Its identity is the facility's: it does not depend on when the
// facility is first used.
func (f *Facility[S, P]) Static(e *Exec, o *Object) {
	e.alloc(o, facilityBase|uint64(f.num+1)<<12, 0)
	o.static = true
	e.static = append(e.static, o)
}
