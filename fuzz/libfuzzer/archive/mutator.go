//go:build libfuzzer

package main

/*
#include <stddef.h>
#include <stdint.h>

// Defined by libFuzzer, which is linked last. Weak, as cgo links without it first.
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);

static size_t mutate_bytes(uint8_t *data, size_t size, size_t limit) {
	return LLVMFuzzerMutate(data, size, limit);
}
*/
import "C"

import (
	"unsafe"

	"github.com/kschedfuzz/kschedfuzz/fuzz/libfuzzer"
)

// ownMutators is how often libFuzzer's own mutators have their turn, which know of the
// dictionary and of what has helped before: once in so many times.
const ownMutators = 8

// LLVMFuzzerCustomMutator is what libFuzzer calls to have an input mutated in place.
//
//export LLVMFuzzerCustomMutator
func LLVMFuzzerCustomMutator(data *C.uint8_t, size, limit C.size_t, seed C.uint) C.size_t {
	if seed%ownMutators == 0 {
		return C.mutate_bytes(data, size, limit)
	}
	in := unsafe.Slice((*byte)(data), size)
	return C.size_t(copy(room(data, limit), libfuzzer.Mutate(target, in, int(limit), uint64(seed))))
}

// LLVMFuzzerCustomCrossOver is what libFuzzer calls to have two inputs crossed.
//
//export LLVMFuzzerCustomCrossOver
func LLVMFuzzerCustomCrossOver(
	data1 *C.uint8_t, size1 C.size_t, data2 *C.uint8_t, size2 C.size_t,
	out *C.uint8_t, limit C.size_t, seed C.uint,
) C.size_t {
	a, b := unsafe.Slice((*byte)(data1), size1), unsafe.Slice((*byte)(data2), size2)
	both := libfuzzer.CrossOver(target, a, b, int(limit), uint64(seed))
	return C.size_t(copy(room(out, limit), both))
}

// room returns the bytes of libFuzzer that a result may take.
func room(data *C.uint8_t, limit C.size_t) []byte { return unsafe.Slice((*byte)(data), limit) }
