package fuzz

import "testing"

// FuzzEventpollRelease is an epoll instance against the files that it watches, as of 6.4.
func FuzzEventpollRelease(f *testing.F) { fuzz(f, "FuzzEventpollRelease") }

// FuzzFixedEventpollRelease is FuzzEventpollRelease with 8c2e52ebbe88 applied.
func FuzzFixedEventpollRelease(f *testing.F) { fuzz(f, "FuzzFixedEventpollRelease") }
