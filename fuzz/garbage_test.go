package fuzz

import "testing"

// FuzzUnixPeekFds is MSG_PEEK against the collector of AF_UNIX sockets, as of 6.17.
func FuzzUnixPeekFds(f *testing.F) { fuzz(f, "FuzzUnixPeekFds") }

// FuzzFixedUnixPeekFds is FuzzUnixPeekFds as of 7.1: with e5b31d988a41 and d82ba05263c6 applied.
func FuzzFixedUnixPeekFds(f *testing.F) { fuzz(f, "FuzzFixedUnixPeekFds") }
