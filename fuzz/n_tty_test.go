package fuzz

import "testing"

// FuzzNTtyWrite is what is written to a terminal against an echo, as of 3.14.
func FuzzNTtyWrite(f *testing.F) { fuzz(f, "FuzzNTtyWrite") }

// FuzzFixedNTtyWrite is FuzzNTtyWrite with 4291086b1f08 applied.
func FuzzFixedNTtyWrite(f *testing.F) { fuzz(f, "FuzzFixedNTtyWrite") }
