//go:build libfuzzer

package statecov

// extern unsigned char kschedfuzz_states[];
import "C"

import "unsafe"

// Under the libfuzzer tag the counters of the compiler belong to libFuzzer, and the runtime
// itself defines the two symbols that native.go takes from the linker: both files in one
// build would not link. But libFuzzer offers extra counters, an array of whatever size that
// it reads after every input (extra.c), so no spare code is needed.
const active = true

// extra is the array in extra.c.
var extra = (*[extraCounters]byte)(unsafe.Pointer(&C.kschedfuzz_states))

// record sets the counter of the state's slot. As a counter has one value, the lower of two
// slots is left out, as it is in native.go.
func record(hash uint64) {
	at, value := extraSlot(hash)
	extra[at] = max(extra[at], value)
}
