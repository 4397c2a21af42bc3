package fuzz

import "testing"

// FuzzPosixCPUTimerDel is timer_delete() against the tick of a task that has exited, as of
// 5.10.
func FuzzPosixCPUTimerDel(f *testing.F) { fuzz(f, "FuzzPosixCPUTimerDel") }

// FuzzFixedPosixCPUTimerDel is FuzzPosixCPUTimerDel with f90fff1e152d applied.
func FuzzFixedPosixCPUTimerDel(f *testing.F) { fuzz(f, "FuzzFixedPosixCPUTimerDel") }
