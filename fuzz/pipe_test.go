package fuzz

import "testing"

// FuzzPipeRelease is pipe_release() and fifo_open(), as of 3.10.
func FuzzPipeRelease(f *testing.F) { fuzz(f, "FuzzPipeRelease") }

// FuzzFixedPipeRelease is FuzzPipeRelease with b0d8d2292160 applied.
func FuzzFixedPipeRelease(f *testing.F) { fuzz(f, "FuzzFixedPipeRelease") }
