package guided

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// Chunks are values that are numbered from 0 on and never move, so that many Engines may
// hold on to them while there come to be more. Each chunk is twice as large as the one
// before. The zero value has room for none.
type chunks[T any] struct {
	chunk [32 - chunkBits + 1]atomic.Pointer[[]T]
	grow  sync.Mutex
}

// chunkBits is the logarithm of the size of the first chunk. It has room for the alternatives
// of a decision.
const chunkBits = 8

// split returns the chunk of value i, and its place there.
func split(i uint32) (chunk int, place uint64) {
	n := uint64(i) + 1<<chunkBits
	top := bits.Len64(n) - 1
	return top - chunkBits, n - 1<<top
}

// at returns value i. There must be room for it.
func (c *chunks[T]) at(i uint32) *T {
	k, place := split(i)
	return &(*c.chunk[k].Load())[place]
}

// get returns value i, or nil if there is no room for it.
func (c *chunks[T]) get(i uint32) *T {
	k, place := split(i)
	if chunk := c.chunk[k].Load(); chunk != nil && place < uint64(len(*chunk)) {
		return &(*chunk)[place]
	}
	return nil
}

// reach makes room for value i, of which there will be fewer than most.
func (c *chunks[T]) reach(i uint32, most uint64) {
	k, _ := split(i)
	if c.chunk[k].Load() != nil {
		return
	}
	c.grow.Lock()
	defer c.grow.Unlock()
	if c.chunk[k].Load() == nil {
		size := uint64(1) << (k + chunkBits)
		fresh := make([]T, min(size, most-(size-1<<chunkBits)))
		c.chunk[k].Store(&fresh)
	}
}

// A cacheLine keeps what is written often apart from what is only read: the processor of
// another goroutine would have to fetch both.
type cacheLine [64]byte
