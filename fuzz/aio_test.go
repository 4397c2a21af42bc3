package fuzz

import "testing"

// FuzzLookupIoctx is lookup_ioctx() against io_destroy() and everything else that
// fs/aio.c does with contexts, as of 4.16.
func FuzzLookupIoctx(f *testing.F) { fuzz(f, "FuzzLookupIoctx") }

// FuzzFixedLookupIoctx is FuzzLookupIoctx with baf10564fbb6 applied.
func FuzzFixedLookupIoctx(f *testing.F) { fuzz(f, "FuzzFixedLookupIoctx") }
