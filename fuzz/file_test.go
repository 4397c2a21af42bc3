package fuzz

import "testing"

// FuzzFget is fget() against close() and the garbage collector of AF_UNIX, as of 5.15.
func FuzzFget(f *testing.F) { fuzz(f, "FuzzFget") }

// FuzzFixedFget is FuzzFget with e386dfc56f83 applied.
func FuzzFixedFget(f *testing.F) { fuzz(f, "FuzzFixedFget") }
