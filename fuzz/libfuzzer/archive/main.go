//go:build libfuzzer

// Archive is the Go half of the libFuzzer binaries: all targets in one C archive, which
// ossfuzz/build.sh links with libFuzzer, once for each target, and a constant that says
// which one it is. It exports what libFuzzer calls: the target, and a mutator that knows
// tapes and schedules. Package libfuzzer is both; here they are only passed on.
//
// Only this package is instrumented for libFuzzer, which does without coverage of the
// models: it is shown their states.
package main

/*
#include <stddef.h>
#include <stdint.h>

// The name of the target, such as FuzzLookupIoctx. Weak, as cgo links without it first.
extern const char kschedfuzz_target[] __attribute__((weak));

extern void kschedfuzz_signals(void);
*/
import "C"

import (
	"unsafe"

	"github.com/kschedfuzz/kschedfuzz/fuzz/libfuzzer"
)

var (
	target = C.GoString((*C.char)(unsafe.Pointer(&C.kschedfuzz_target)))
	begun  bool
)

// LLVMFuzzerTestOneInput is what libFuzzer calls with every input.
//
//export LLVMFuzzerTestOneInput
func LLVMFuzzerTestOneInput(data *C.uint8_t, size C.size_t) C.int {
	if !begun { // by now libFuzzer handles signals
		begun = true
		C.kschedfuzz_signals()
	}
	return C.int(libfuzzer.Run(target, unsafe.Slice((*byte)(data), size)))
}

func main() {}
