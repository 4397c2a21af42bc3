package guided

import "sync/atomic"

// counts are numbers that an Engine has counted, by the number of a node or an entry. Each
// Engine has its own: what two write again and again the processors fetch from each other
// again and again (docs/benchmark). Others may read them.
type counts struct{ table atomic.Pointer[[]uint32] }

// add counts one more for the given number. Only the Engine itself does.
func (c *counts) add(id uint32) {
	table := c.all()
	if int(id) >= len(table) {
		more := make([]uint32, max(1<<8, 2*(int(id)+1)))
		copy(more, table)
		c.table.Store(&more)
		table = more
	}
	atomic.StoreUint32(&table[id], table[id]+1)
}

// of returns how many were counted for the given number.
func (c *counts) of(id uint32) uint32 {
	if table := c.all(); int(id) < len(table) {
		return atomic.LoadUint32(&table[id])
	}
	return 0
}

func (c *counts) all() []uint32 {
	if table := c.table.Load(); table != nil {
		return *table
	}
	return nil
}
