package program

import (
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An Order is the order in which a CPU's loads and stores are done in memory. It is what the name of a
// variant ends with, behind a "-", unless memory is sequentially consistent.
type Order string

const (
	// TSO is total store order, that of x86: [schedule.Exec.BufferStores].
	TSO Order = "tso"
	// PSO is partial store order: [schedule.Exec.ReorderStores].
	PSO Order = "pso"
	// RMO is relaxed memory order, as far as [schedule.Exec.ReorderLoads] goes.
	RMO Order = "rmo"
)

// Orders are all, each of which allows what those before it allow.
var Orders = []Order{TSO, PSO, RMO}

// CutOrder returns the name of a variant without the end that says its order of memory, and that.
func CutOrder(variant string) (string, Order) {
	for _, o := range Orders {
		if plain, ok := strings.CutSuffix(variant, "-"+string(o)); ok {
			return plain, o
		}
	}
	return variant, ""
}

// Order returns the order of the memory of p.
func (p Program) Order() Order {
	_, o := CutOrder(p.Variant)
	return o
}

// With returns the same code in memory of that order, if any, which is weaker: stores wait in a buffer
// of their CPU. Variant is "1f-tso" for "1f"; what has such an order already is returned as it is.
// Threads cannot be exchanged: it has no Class.
func (p Program) With(o Order) Program {
	if o == "" || p.Order() != "" {
		return p
	}
	p.Variant += "-" + string(o)
	p.Patches = strings.TrimPrefix(p.Patches+", with store buffers", ", ")
	switch o {
	case PSO:
		p.Patches += " that reorder"
	case RMO:
		p.Patches += " and loads that reorder"
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
			switch order {
			case RMO:
				e.ReorderLoads()
			case PSO:
				e.ReorderStores()
			case TSO:
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
