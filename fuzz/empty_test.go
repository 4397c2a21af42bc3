package fuzz

import "testing"

// FuzzEmpty does nothing. It shows what the engine itself costs in this binary, to
// compare the other targets with:
//
//	go test -fuzz=FuzzEmpty -fuzztime=1000000x ./fuzz
func FuzzEmpty(f *testing.F) { f.Fuzz(func(*testing.T, []byte) {}) }
