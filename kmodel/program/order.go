package program

import (
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An Order is the order in which the stores of a CPU get into memory. It is what the name of a
// variant ends with, behind a "-", unless memory is sequentially consistent.
type Order string

const (
	// TSO is total store order, that of x86: [schedule.Exec.BufferStores].
	TSO Order = "tso"
	// PSO is partial store order: [schedule.Exec.ReorderStores].
	PSO Order = "pso"
)

// CutOrder returns the name of a variant without the end that says in which order its stores get
// into memory, and that order.
func CutOrder(variant string) (string, Order) {
	for _, o := range []Order{TSO, PSO} {
		if plain, ok := strings.CutSuffix(variant, "-"+string(o)); ok {
			return plain, o
		}
	}
	return variant, ""
}

// Order returns the order in which the stores of p get into memory.
func (p Program) Order() Order {
	_, o := CutOrder(p.Variant)
	return o
}

// With returns the same code where stores wait in a buffer of their CPU and get into memory in that
// order, if any. Variant is "1f-tso" for "1f"; what has store buffers already is returned as it is.
// Threads cannot be exchanged: it has no Class.
func (p Program) With(o Order) Program {
	if o == "" || p.Order() != "" {
		return p
	}
	p.Variant += "-" + string(o)
	p.Patches = strings.TrimPrefix(p.Patches+", with store buffers", ", ")
	if o == PSO {
		p.Patches += " that reorder"
	}
	p.Unlisted = true
	return p.buffered()
}

// buffered has the stores of p buffered, as its name says.
func (p Program) buffered() Program {
	inner, order := p.New, p.Order()
	p.Class = nil
	p.New = func() Instance {
		in := inner()
		begin, abstract := in.Begin, in.Abstract
		in.Begin = func(e *schedule.Exec) {
			if order == PSO {
				e.ReorderStores()
			} else {
				e.BufferStores()
			}
			begin(e)
		}
		if abstract != nil {
			in.Abstract = func(e *schedule.Exec, hit func(uint64)) {
				abstract(e, hit)
				for _, t := range e.Threads() {
					if n := t.Waiting(); n > 0 {
						hit(waitingStores<<16 | uint64(t.ID)<<8 | uint64(n))
					}
				}
			}
		}
		in.Canonical = nil
		return in
	}
	return p
}

// waitingStores is what the words of stores that wait begin with: no model's does.
const waitingStores = 0x73746f726573 // "stores"
