package fuzz

import "testing"

// FuzzExpandStack is a stack that grows against who looks it up, as of 6.3.
func FuzzExpandStack(f *testing.F) { fuzz(f, "FuzzExpandStack") }

// FuzzFixedExpandStack is FuzzExpandStack with 9471f1f2f502 applied.
func FuzzFixedExpandStack(f *testing.F) { fuzz(f, "FuzzFixedExpandStack") }

// FuzzLockNextVma is a read of /proc/PID/maps without mmap_lock, as of 6.18 to 7.1, against a stack
// that grows, or munmap() of all.
func FuzzLockNextVma(f *testing.F) { fuzz(f, "FuzzLockNextVma") }

// FuzzFixedLockNextVma is FuzzLockNextVma as of 6.16, with mmap_lock.
func FuzzFixedLockNextVma(f *testing.F) { fuzz(f, "FuzzFixedLockNextVma") }
