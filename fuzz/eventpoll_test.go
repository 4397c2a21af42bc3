package fuzz

import "testing"

// FuzzEventpollRelease is an epoll instance against the files that it watches, as of 6.4.
func FuzzEventpollRelease(f *testing.F) { fuzz(f, "FuzzEventpollRelease") }

// FuzzFixedEventpollRelease is FuzzEventpollRelease with 8c2e52ebbe88 applied.
func FuzzFixedEventpollRelease(f *testing.F) { fuzz(f, "FuzzFixedEventpollRelease") }

// FuzzEpPollCallback is the end of a wait queue against epoll that waits at it, as of 3.3 to 4.12.
func FuzzEpPollCallback(f *testing.F) { fuzz(f, "FuzzEpPollCallback") }

// FuzzFixedEpPollCallback is FuzzEpPollCallback with 138e4ad67afd applied.
func FuzzFixedEpPollCallback(f *testing.F) { fuzz(f, "FuzzFixedEpPollCallback") }
