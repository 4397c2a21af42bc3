package fuzz

import "testing"

// FuzzGetNetNsById is get_net_ns_by_id() against the end of the namespace, as of 4.14.
func FuzzGetNetNsById(f *testing.F) { fuzz(f, "FuzzGetNetNsById") }

// FuzzFixedGetNetNsById is FuzzGetNetNsById with 21b594435005 applied.
func FuzzFixedGetNetNsById(f *testing.F) { fuzz(f, "FuzzFixedGetNetNsById") }
