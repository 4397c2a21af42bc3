package fuzz

import "testing"

// FuzzNHdlcSendFrames is n_hdlc_send_frames() against TCFLSH, as of 4.6.
func FuzzNHdlcSendFrames(f *testing.F) { fuzz(f, "FuzzNHdlcSendFrames") }

// FuzzFixedNHdlcSendFrames is FuzzNHdlcSendFrames with 82f2341c94d2 applied.
func FuzzFixedNHdlcSendFrames(f *testing.F) { fuzz(f, "FuzzFixedNHdlcSendFrames") }
