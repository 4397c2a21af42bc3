package fuzz

import "testing"

// FuzzExecMmap is exec_mmap() against the scheduler, as of 5.9 with PREEMPT_RT.
func FuzzExecMmap(f *testing.F) { fuzz(f, "FuzzExecMmap") }

// FuzzFixedExecMmap is FuzzExecMmap with d53c3dfb23c4 applied.
func FuzzFixedExecMmap(f *testing.F) { fuzz(f, "FuzzFixedExecMmap") }
