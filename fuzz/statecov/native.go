//go:build !libfuzzer

package statecov

import "unsafe"

// The bounds of the counters of the whole binary. In a build for fuzzing
// cmd/link gathers the compiler's counters in one section and gives these two
// symbols its ends. In any other build it leaves them alone, both are the
// empty variables declared here, and nothing lies between them.
//
// The linker refuses a linkname to a symbol that the standard library
// defines, which rules out internal/fuzz._counters, the engine's own view of
// the same section. These two it makes itself, so it lets them pass.
//
//go:linkname countersStart runtime.__start___sancov_cntrs
//go:linkname countersEnd runtime.__stop___sancov_cntrs
var countersStart, countersEnd [0]byte

// counters returns the counters of the whole binary, none if it is not
// instrumented.
func counters() []byte {
	start := uintptr(unsafe.Pointer(&countersStart))
	end := uintptr(unsafe.Pointer(&countersEnd))
	if end <= start {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&countersStart)), end-start)
}

// spareCounters is how many counters Hit stores to: 128 calls of arms in spare,
// 32 in each. With more of them fewer states collide, but every execution takes
// longer, because the engine reads them all. 4096 nearly double the counters of
// the smallest fuzz binary (5,375). A toy like that of the tests took as much
// processor time with 1,024 or 16,384, and four times as much with 65,536.
const spareCounters = 4096

var (
	// all is counters(), kept so that record need not compute it.
	all []byte

	// spares holds the position in all of every spare counter.
	spares [spareCounters]uint32

	// active says that spares is filled, as it is from here on.
	active = find()
)

// record sets the counter of the state's slot to the bit of the slot. As the
// engine keeps only the highest bit of a counter, a lower one is left out here
// and cannot destroy it. A counter is set, not incremented: to reach a state
// once more is no news. max has no branch for the compiler to count.
//
//go:norace
func record(hash uint64) {
	c := &all[spares[hash%spareCounters]]
	*c = max(*c, 1<<(hash>>61))
}

// find looks for the spare counters and reports whether it found all of them.
//
// The counters it wants belong to the arms of function spare: each arm runs
// in exactly one of the two calls. Whatever else runs between the two copies
// runs in both calls, or is in the runtime and has no counter. A goroutine of
// some other package's init could be counted too, so the number must be
// exact, and a disturbed attempt is repeated. There are too few when the
// compiler was told not to inline (-gcflags=-l).
func find() bool {
	all = counters()
	if len(all) < spareCounters {
		return false
	}
	before, after := make([]byte, len(all)), make([]byte, len(all))
	for range 10 {
		copy(before, all)
		spare(true)
		spare(false)
		copy(after, all)

		n := 0
		for i := range all {
			if after[i] != before[i]+1 {
				continue
			}
			if n < spareCounters {
				spares[n] = uint32(i)
			}
			n++
		}
		for _, i := range spares[:min(n, spareCounters)] {
			all[i] = before[i]
		}
		if n == spareCounters {
			return true
		}
	}
	return false
}
