package guided

// An index finds numbers by a key, which whoever has the numbers knows: open addressing, 0 is
// free. Keys are hashes already.
type index struct {
	slots []uint32
	used  int
}

func newIndex() index { return index{slots: make([]uint32, 1<<8)} }

// find returns the number with that key, or 0 and the slot where it belongs.
func (x *index) find(key uint64, keyOf func(uint32) uint64) (id uint32, slot int) {
	mask := len(x.slots) - 1
	for i := int(key>>8) & mask; ; i = (i + 1) & mask {
		if id := x.slots[i]; id == 0 || keyOf(id) == key {
			return id, i
		}
	}
}

// put puts a number into the slot that find returned.
func (x *index) put(slot int, id uint32, keyOf func(uint32) uint64) {
	x.slots[slot] = id
	if x.used++; 2*x.used < len(x.slots) {
		return
	}
	old := x.slots
	x.slots = make([]uint32, 4*len(old))
	for _, id := range old {
		if id != 0 {
			_, slot := x.find(keyOf(id), keyOf)
			x.slots[slot] = id
		}
	}
}
