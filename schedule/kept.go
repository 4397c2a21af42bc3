package schedule

// A Kept is a cell, and while that is not 0, with it a value that follows from what is in cells,
// kept so that nobody need work it out. Where stores wait in store buffers it waits with the word:
// who does not see the one does not see the other.
type Kept[T any] struct {
	Cell
	kept T
}

// Kept returns what is kept, and the zero value if the word is 0. It is no step.
func (c *Kept[T]) Kept() T {
	if c.Value() == 0 { // also after the object was zeroed, which does not touch kept
		var none T
		return none
	}
	if c.spied && c.obj.exec.tso {
		if _, w := c.obj.exec.forwarded(&c.Cell); w != nil {
			return w.with.(T)
		}
	}
	return c.kept
}

// Put is [Cell.Set], and changes what is kept. It is no step.
func (c *Kept[T]) Put(v uint64, kept T) {
	c.kept = kept
	c.Set(v)
}

// Keep changes what is kept, and not the word. Where stores may wait, this does.
func (c *Kept[T]) Keep(t *Thread, kept T) {
	if !t.exec.tso {
		c.kept = kept
		return
	}
	c.Store(t, c.Value(), kept)
}

// Store is Put where the store may wait in the buffer of the CPU.
func (c *Kept[T]) Store(t *Thread, v uint64, kept T) {
	if !t.exec.tso {
		c.Put(v, kept)
		return
	}
	t.buffered(waitingStore{cell: &c.Cell, val: v, of: c, with: kept})
}

// put implements compound.
func (c *Kept[T]) put(v uint64, with any) { c.Put(v, with.(T)) }
