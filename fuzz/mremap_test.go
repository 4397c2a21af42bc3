package fuzz

import "testing"

// FuzzMovePtes is mremap() against truncating and reclaim, as of 3.7.
func FuzzMovePtes(f *testing.F) { fuzz(f, "FuzzMovePtes") }

// FuzzFixedMovePtes is FuzzMovePtes with eb66ae030829 applied.
func FuzzFixedMovePtes(f *testing.F) { fuzz(f, "FuzzFixedMovePtes") }
