package fuzz

import "testing"

// FuzzPacketSetRing is PACKET_RX_RING against PACKET_VERSION and the timer of the ring, as of 4.6.
func FuzzPacketSetRing(f *testing.F) { fuzz(f, "FuzzPacketSetRing") }

// FuzzFixedPacketSetRing is FuzzPacketSetRing with 84ac7260236a applied.
func FuzzFixedPacketSetRing(f *testing.F) { fuzz(f, "FuzzFixedPacketSetRing") }

// FuzzFanoutAdd is PACKET_FANOUT against bind() and PACKET_RX_RING, as of 4.13.
func FuzzFanoutAdd(f *testing.F) { fuzz(f, "FuzzFanoutAdd") }

// FuzzFixedFanoutAdd is FuzzFanoutAdd with 008ba2a13f2d and 4971613c1639 applied.
func FuzzFixedFanoutAdd(f *testing.F) { fuzz(f, "FuzzFixedFanoutAdd") }
