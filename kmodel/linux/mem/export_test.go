package mem

import "github.com/kschedfuzz/kschedfuzz/schedule"

// Spin is a loop that loads x until it is not 0.
func (x *Int) Spin(t *schedule.Thread, m schedule.Mode) {
	t.Await(schedule.Op{Verb: "cpu_relax", Cell: &x.cell, Mode: m}, x)
}

// Open is the gate of Spin.
func (x *Int) Open(*schedule.Thread) bool { return x.Peek() != 0 }

// Xchg is xchg().
func (x *Int) Xchg(t *schedule.Thread, v int) int {
	t.Step(schedule.Op{Verb: "xchg", Cell: &x.cell, Mode: schedule.RMWFull})
	old := x.cell.Value()
	x.cell.Set(uint64(v))
	return int(t.Observe(old))
}

// DependsOn is [Int.DependsOn] of an array of pointers.
func (x *Ptr[P]) DependsOn(t *schedule.Thread, index *Int) { t.DependsOn(&x.ptr.Cell, &index.cell) }
