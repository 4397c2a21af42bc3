package guided

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// TestIndex has several goroutines put the same keys, each in an order of its own and with
// numbers of its own, while the table grows. All must be told the same number of a key, and
// find it. Every fourth key shares the half that is in the slot with the one before.
func TestIndex(t *testing.T) {
	const workers = 4
	keys := 20_000
	if testing.Short() {
		keys = 2000
	}
	keyOf := make([]uint64, 1+keys*workers) // of each number
	key := make([]uint64, keys)
	for i := range key {
		if key[i] = mix(uint64(i)); i%4 == 3 {
			key[i] = key[i-1]>>32<<32 | key[i]&(1<<32-1)
		}
	}
	x := &index{}
	x.init(func(id uint32) uint64 { return keyOf[id] })
	told := [workers][]uint32{}
	var wg sync.WaitGroup
	for w := range workers {
		told[w] = make([]uint32, keys)
		wg.Go(func() {
			for _, i := range rand.New(rand.NewPCG(1, uint64(w))).Perm(keys) {
				if id := x.find(key[i]); id != 0 {
					told[w][i] = id
					continue
				}
				id := uint32(1 + i*workers + w)
				keyOf[id] = key[i]
				told[w][i] = x.put(key[i], id)
			}
		})
	}
	wg.Wait()
	for i := range key {
		for w := range workers {
			if id := x.find(key[i]); id == 0 || keyOf[id] != key[i] || told[w][i] != id {
				t.Fatalf("key %d: goroutine %d was told %d; found: %d", i, w, told[w][i], id)
			}
		}
	}
	if n := len(*x.table.Load()); n < 2*keys || x.find(1) != 0 {
		t.Errorf("%d slots for %d keys; %d for another", n, keys, x.find(1))
	}
}

// TestChunks: values keep their places, chunk after chunk, and the last chunk has no more
// than there will be.
func TestChunks(t *testing.T) {
	const most = 3000
	c := chunks[int]{}
	for i := range uint32(most) {
		c.reach(i, most)
		*c.at(i) = int(i)
	}
	sum, room := 0, 0
	for i := range uint32(most) {
		sum += *c.get(i)
	}
	for k := range c.chunk {
		if chunk := c.chunk[k].Load(); chunk != nil {
			room += len(*chunk)
		}
	}
	if sum != most*(most-1)/2 || room != most || c.get(most) != nil || c.get(1<<31) != nil {
		t.Errorf("the sum is %d, there is room for %d, and after that are %v, %v",
			sum, room, c.get(most), c.get(1<<31))
	}
}
