package fuzz

import "testing"

// FuzzListLRUResize is the resizing of all list_lrus against unmounts, mounts and memory
// cgroups that go offline, as planned on 7 October 2017: destroy does not wait for the
// resize, and unlinks what is being resized.
func FuzzListLRUResize(f *testing.F) { fuzz(f, "FuzzListLRUResize") }

// FuzzFixedListLRUResize is FuzzListLRUResize with what was found wrong with it the day
// after put right.
func FuzzFixedListLRUResize(f *testing.F) { fuzz(f, "FuzzFixedListLRUResize") }

// FuzzListLRUWalk is list_lru_walk_node() of several shrinkers, as of June 2013.
func FuzzListLRUWalk(f *testing.F) { fuzz(f, "FuzzListLRUWalk") }

// FuzzFixedListLRUWalk is FuzzListLRUWalk with 5cedf721a7cd applied.
func FuzzFixedListLRUWalk(f *testing.F) { fuzz(f, "FuzzFixedListLRUWalk") }
