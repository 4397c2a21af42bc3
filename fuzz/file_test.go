package fuzz

import "testing"

// FuzzFget is fget() against close() and the garbage collector of AF_UNIX, as of 5.15.
func FuzzFget(f *testing.F) { fuzz(f, "FuzzFget") }

// FuzzFixedFget is FuzzFget with e386dfc56f83 applied.
func FuzzFixedFget(f *testing.F) { fuzz(f, "FuzzFixedFget") }

// FuzzTypesafeFget is fget() of 6.8 against close() and socket(), without the look at the
// descriptor that makes it good.
func FuzzTypesafeFget(f *testing.F) { fuzz(f, "FuzzTypesafeFget") }

// FuzzFixedTypesafeFget is FuzzTypesafeFget as 6.8 is.
func FuzzFixedTypesafeFget(f *testing.F) { fuzz(f, "FuzzFixedTypesafeFget") }
