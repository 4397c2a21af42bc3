package fuzz

import "testing"

// FuzzSwitchMm is switch_mm() of x86 against flushes, as of 4.4, with a store buffer.
func FuzzSwitchMm(f *testing.F) { fuzz(f, "FuzzSwitchMm") }

// FuzzFixedSwitchMm is FuzzSwitchMm with 71b3c126e611 applied.
func FuzzFixedSwitchMm(f *testing.F) { fuzz(f, "FuzzFixedSwitchMm") }
