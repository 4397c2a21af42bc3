package fuzz

import "testing"

// FuzzKthreadUseMm is kthread_use_mm() against munmap() and everything else that flushes
// a TLB, as of sparc64 in 5.9.
func FuzzKthreadUseMm(f *testing.F) { fuzz(f, "FuzzKthreadUseMm") }

// FuzzFixedKthreadUseMm is FuzzKthreadUseMm with bafb056c applied.
func FuzzFixedKthreadUseMm(f *testing.F) { fuzz(f, "FuzzFixedKthreadUseMm") }
