package fuzz

import "testing"

// FuzzMntput is mntput() against those who use the mount, as of 4.17.
func FuzzMntput(f *testing.F) { fuzz(f, "FuzzMntput") }

// FuzzFixedMntput is FuzzMntput with 9ea0a46ca2c3 and 119e1ef80ecf applied.
func FuzzFixedMntput(f *testing.F) { fuzz(f, "FuzzFixedMntput") }
