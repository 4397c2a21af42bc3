package fuzz

import "testing"

// FuzzAioPollWake is aio poll at a wait queue that dies, as of 5.15.
func FuzzAioPollWake(f *testing.F) { fuzz(f, "FuzzAioPollWake") }

// FuzzFixedAioPollWake is FuzzAioPollWake with 363bee27e258 and 50252e4b5e98 applied.
func FuzzFixedAioPollWake(f *testing.F) { fuzz(f, "FuzzFixedAioPollWake") }
