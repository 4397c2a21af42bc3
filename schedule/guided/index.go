package guided

import (
	"sync"
	"sync/atomic"
)

// An index finds numbers by a key, which whoever has the numbers knows: open addressing, with
// half of the key in the slot. Keys are hashes already. It is safe for concurrent use: a
// number is found without a lock, and put where it belongs by compare-and-swap.
//
// To grow, the free slots of the table are frozen one by one, so that nothing can be put
// there any more, and what is in the others is put into the next table. A key is looked for
// from the same slot on by everybody, so whoever comes to a frozen one knows that the key is
// not in this table, and waits for the next.
type index struct {
	keyOf func(uint32) uint64
	table atomic.Pointer[[]uint64]
	grow  sync.Mutex
}

// A slot is free, frozen, or has the upper half of a key << 32 | its number.
const (
	free   = 0
	frozen = 1<<64 - 1
)

// init makes an index of no numbers.
func (x *index) init(keyOf func(uint32) uint64) {
	x.keyOf = keyOf
	table := make([]uint64, 1<<8)
	x.table.Store(&table)
}

// find returns the number with that key, or 0.
func (x *index) find(key uint64) uint32 { return x.findOrPut(key, 0) }

// put puts a number there unless its key has one, and returns the one that is there then.
// Numbers count from 1: by them the index knows how full it is.
func (x *index) put(key uint64, id uint32) uint32 {
	got := x.findOrPut(key, id)
	if table := x.table.Load(); got == id && 2*int(id) > len(*table) {
		x.next(table)
	}
	return got
}

// findOrPut returns the number with that key. If there is none it puts id there and returns
// that; with 0 nothing is put.
func (x *index) findOrPut(key uint64, id uint32) uint32 {
	upper := key >> 32
	for {
		table := x.table.Load()
		slots := *table
		mask := uint64(len(slots) - 1)
		i := upper & mask
		for range slots { // there is a free one, unless many have put some at once
			slot := atomic.LoadUint64(&slots[i&mask])
			if slot == free {
				if id == 0 || atomic.CompareAndSwapUint64(&slots[i], free, upper<<32|uint64(id)) {
					return id
				}
				slot = atomic.LoadUint64(&slots[i])
			}
			if slot == frozen {
				break
			}
			if got := uint32(slot); slot>>32 == upper && x.keyOf(got) == key {
				return got
			}
			i = (i + 1) & mask
		}
		x.next(table)
	}
}

// next replaces a table by one that is twice as large, and returns when that is done, by
// whomever.
func (x *index) next(old *[]uint64) {
	x.grow.Lock()
	defer x.grow.Unlock()
	if x.table.Load() != old {
		return
	}
	table := make([]uint64, 2*len(*old))
	mask := uint64(len(table) - 1)
	for i := range *old {
		slot := &(*old)[i]
		if atomic.CompareAndSwapUint64(slot, free, frozen) {
			continue
		}
		has := atomic.LoadUint64(slot)
		j := has >> 32 & mask
		for table[j] != free {
			j = (j + 1) & mask
		}
		table[j] = has
	}
	x.table.Store(&table)
}
