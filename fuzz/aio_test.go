package fuzz

import "testing"

// FuzzLookupIoctx is lookup_ioctx() against io_destroy() and everything else that
// fs/aio.c does with contexts, as of 4.16.
func FuzzLookupIoctx(f *testing.F) { fuzz(f, "FuzzLookupIoctx") }

// FuzzFixedLookupIoctx is FuzzLookupIoctx with baf10564fbb6 applied.
func FuzzFixedLookupIoctx(f *testing.F) { fuzz(f, "FuzzFixedLookupIoctx") }

// FuzzTooLateMunmap is aio_fput_routine() against exit_mmap(), elf_core_dump() and
// everything else that fs/aio.c does with requests and their files, as of 3.3-rc6.
func FuzzTooLateMunmap(f *testing.F) { fuzz(f, "FuzzTooLateMunmap") }

// FuzzFixedTooLateMunmap is FuzzTooLateMunmap with c7b285550544 applied.
func FuzzFixedTooLateMunmap(f *testing.F) { fuzz(f, "FuzzFixedTooLateMunmap") }

// FuzzAioReadEventsRing is aio_read_events_ring() against aio_complete(), as of 3.16, where loads
// pass loads.
func FuzzAioReadEventsRing(f *testing.F) { fuzz(f, "FuzzAioReadEventsRing") }

// FuzzFixedAioReadEventsRing is FuzzAioReadEventsRing with 2ff396be602f applied.
func FuzzFixedAioReadEventsRing(f *testing.F) { fuzz(f, "FuzzFixedAioReadEventsRing") }
