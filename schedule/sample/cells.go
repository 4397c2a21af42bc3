package sample

// A cellIndex is a map from the IDs of cells to small numbers, for every step of every
// execution: open addressing, at most half full.
type cellIndex struct {
	slots []cellSlot
	n     int
	epoch uint32
}

type cellSlot struct {
	cell  uint64
	at    int32
	epoch uint32 // it is in use if this is the index's
}

// forget empties the index.
func (x *cellIndex) forget() { x.n, x.epoch = 0, x.epoch+1 }

// find returns the number of a cell.
func (x *cellIndex) find(cell uint64) (at int, ok bool) {
	if x.n == 0 {
		return 0, false
	}
	s := x.slot(cell)
	return int(s.at), s.epoch == x.epoch
}

// slot returns the slot of a cell, or the free one where it belongs.
func (x *cellIndex) slot(cell uint64) *cellSlot {
	mask := uint64(len(x.slots) - 1)
	for i := cell * 0x9e3779b97f4a7c15 >> 32; ; i++ { // Fibonacci hashing
		if s := &x.slots[i&mask]; s.epoch != x.epoch || s.cell == cell {
			return s
		}
	}
}

// put gives a cell that is not there a number.
func (x *cellIndex) put(cell uint64, at int) {
	if 2*(x.n+1) > len(x.slots) {
		old, epoch := x.slots, x.epoch
		x.slots = make([]cellSlot, max(64, 2*len(old)))
		x.epoch = 1
		for _, s := range old {
			if s.epoch == epoch {
				*x.slot(s.cell) = cellSlot{s.cell, s.at, x.epoch}
			}
		}
	}
	x.epoch = max(x.epoch, 1)
	*x.slot(cell) = cellSlot{cell, int32(at), x.epoch}
	x.n++
}
