package fuzz

import "testing"

// FuzzPutSuper is the last reference of a super_block, with the list_lrus not destroyed
// before it is dropped, as a static tool believed of the kernel in 2017.
func FuzzPutSuper(f *testing.F) { fuzz(f, "FuzzPutSuper") }

// FuzzFixedPutSuper is FuzzPutSuper as the kernel is.
func FuzzFixedPutSuper(f *testing.F) { fuzz(f, "FuzzFixedPutSuper") }
