package fuzz

import "testing"

// FuzzFollowPagePte is a forced write to a private mapping of a file against madvise(), as of 4.6.
func FuzzFollowPagePte(f *testing.F) { fuzz(f, "FuzzFollowPagePte") }

// FuzzFixedFollowPagePte is FuzzFollowPagePte with 19be0eaffa3a applied.
func FuzzFixedFollowPagePte(f *testing.F) { fuzz(f, "FuzzFixedFollowPagePte") }

// FuzzTouchPmd is a forced write to huge pages against madvise() and reads, as of 4.14.
func FuzzTouchPmd(f *testing.F) { fuzz(f, "FuzzTouchPmd") }

// FuzzFixedTouchPmd is FuzzTouchPmd with a8f97366452e applied.
func FuzzFixedTouchPmd(f *testing.F) { fuzz(f, "FuzzFixedTouchPmd") }

// FuzzUffdioContinue is a forced write to a private mapping of a file in tmpfs against
// madvise() and UFFDIO_CONTINUE, as of 5.19.
func FuzzUffdioContinue(f *testing.F) { fuzz(f, "FuzzUffdioContinue") }

// FuzzFixedUffdioContinue is FuzzUffdioContinue with 5535be309971 applied.
func FuzzFixedUffdioContinue(f *testing.F) { fuzz(f, "FuzzFixedUffdioContinue") }
