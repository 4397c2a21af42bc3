package fuzz

import "testing"

// FuzzPollWait is poll() of a pipe against vmsplice(), as of 6.12, with store buffers.
func FuzzPollWait(f *testing.F) { fuzz(f, "FuzzPollWait") }

// FuzzFixedPollWait is FuzzPollWait with cacd9ae4bf80 applied.
func FuzzFixedPollWait(f *testing.F) { fuzz(f, "FuzzFixedPollWait") }
