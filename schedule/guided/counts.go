package guided

// counts are numbers that an Engine has counted, by the number of a node or an entry. Each
// Engine has its own: what two write again and again the processors fetch from each other
// again and again (docs/benchmark).
type counts []uint32

// add counts one more for the given number, and returns how many that are.
func (c *counts) add(id uint32) {
	if int(id) >= len(*c) {
		c.reach(id)
	}
	(*c)[id]++
}

// reach makes room for the given number.
func (c *counts) reach(id uint32) {
	more := make(counts, max(1<<8, 2*(int(id)+1)))
	copy(more, *c)
	*c = more
}

// of returns how many were counted for the given number.
func (c counts) of(id uint32) uint32 {
	if int(id) < len(c) {
		return c[id]
	}
	return 0
}
