package fuzz

import "testing"

// FuzzExpandStack is a stack that grows against who looks it up, as of 6.3.
func FuzzExpandStack(f *testing.F) { fuzz(f, "FuzzExpandStack") }

// FuzzFixedExpandStack is FuzzExpandStack with 9471f1f2f502 applied.
func FuzzFixedExpandStack(f *testing.F) { fuzz(f, "FuzzFixedExpandStack") }
