package fuzz

import "testing"

// FuzzUserfaultfdRegister is userfaultfd_register() against a core dump, as of 5.0.
func FuzzUserfaultfdRegister(f *testing.F) { fuzz(f, "FuzzUserfaultfdRegister") }

// FuzzFixedUserfaultfdRegister is FuzzUserfaultfdRegister with 04f5866e41fb applied.
func FuzzFixedUserfaultfdRegister(f *testing.F) { fuzz(f, "FuzzFixedUserfaultfdRegister") }
