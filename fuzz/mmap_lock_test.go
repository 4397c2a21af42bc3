package fuzz

import "testing"

// FuzzLockVmaUnderRcu is a fault without mmap_lock against what unmaps and maps, where nobody
// looks whose mapping it is.
func FuzzLockVmaUnderRcu(f *testing.F) { fuzz(f, "FuzzLockVmaUnderRcu") }

// FuzzFixedLockVmaUnderRcu is FuzzLockVmaUnderRcu as of 6.17, with 9bbffee67ffd.
func FuzzFixedLockVmaUnderRcu(f *testing.F) { fuzz(f, "FuzzFixedLockVmaUnderRcu") }
