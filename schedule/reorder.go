package schedule

// Partial store order ([Exec.ReorderStores]) is weaker than that of stores.go: stores of one CPU to
// different cells get into memory in any order, but that a release comes after all stores before
// it, and that none passes smp_wmb() ([Thread.StoreBarrier]) (The SPARC Architecture Manual,
// version 8, appendix K). Nothing that it allows is forbidden by the memory model of the kernel
// (tools/memory-model). One machine may be stricter: on powerpc no store passes what comes before a
// release (lwsync), and on arm64 no smp_load_acquire() passes a release. Both allow more as well:
// loads that pass loads, which are in invalidate.go, and stores that pass loads.

// What a store that waits may pass, if stores pass each other; see next. The oldest passes any.
const (
	passesAny    uint64 = iota
	passesNone          // a release
	nonePassesIt        // nor it any, nor one behind it any before it: it comes after a barrier
)

// ReorderStores is BufferStores, and the stores of a CPU to different cells may get into memory in
// another order than that in which it made them.
func (e *Exec) ReorderStores() {
	e.BufferStores()
	e.pso = true
}

// order returns what a store of that mode may pass, behind others.
func (b *storeBuffer) order(m Mode) uint64 {
	switch {
	case b.barrier.val != 0:
		b.barrier.Set(0)
		return nonePassesIt
	case m&Release != 0:
		return passesNone
	}
	return passesAny
}

// StoreBarrier is smp_wmb(), as part of a step of t: no store that follows gets into memory before
// one that waits.
func (t *Thread) StoreBarrier() {
	if b := t.cpu.stores; b != nil && t.exec.pso && b.used() > 0 {
		b.barrier.Set(1)
	}
}

// next returns those stores that may get into memory next, as bits: of those of one step the first.
// The oldest is one of them.
func (b *storeBuffer) next() (set uint8) {
	for i := 0; i < b.used(); i += b.together(i) {
		switch passes := b.slots[i].passes.val; {
		case passes == nonePassesIt:
			return set
		case i == 0 || passes == passesAny && !b.overlaps(i):
			set |= 1 << i
		}
		if !b.exec.pso {
			break
		}
	}
	return set
}

// together returns how many stores the step has made of which store i is the first.
func (b *storeBuffer) together(i int) int {
	n := 1
	for i+n < b.used() && b.slots[i+n].cell.val&follows != 0 {
		n++
	}
	return n
}

// overlaps reports whether store i, or one that is made with it, is to the cell of an older one.
func (b *storeBuffer) overlaps(i int) bool {
	for _, w := range b.waiting[i : i+b.together(i)] {
		for _, older := range b.waiting[:i] {
			if older.cell == w.cell {
				return true
			}
		}
	}
	return false
}
