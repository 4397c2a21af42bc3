package fuzz

import "testing"

// FuzzVsockConnect is connect() of a vsock that a signal ends, as of 6.11.
func FuzzVsockConnect(f *testing.F) { fuzz(f, "FuzzVsockConnect") }

// FuzzFixedVsockConnect is FuzzVsockConnect as of 6.12.117, with 6ca575374dd9, 2cb7c756f605,
// 002541ef650b and what came of that.
func FuzzFixedVsockConnect(f *testing.F) { fuzz(f, "FuzzFixedVsockConnect") }
