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

// FuzzPacketNotifier is packet_notifier() against bind(), PACKET_RX_RING and close(), as of 4.14.
func FuzzPacketNotifier(f *testing.F) { fuzz(f, "FuzzPacketNotifier") }

// FuzzFixedPacketNotifier is FuzzPacketNotifier with 15fe076edea7, 01d3c8417b9c, 42156f93d123 and
// 50aff80475ab applied.
func FuzzFixedPacketNotifier(f *testing.F) { fuzz(f, "FuzzFixedPacketNotifier") }
