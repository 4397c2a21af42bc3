package fuzz

import "testing"

// FuzzIoReqCompletePost is io_req_complete_post() against the end of the ring, as of
// 5.12-rc3.
func FuzzIoReqCompletePost(f *testing.F) { fuzz(f, "FuzzIoReqCompletePost") }

// FuzzFixedIoReqCompletePost is FuzzIoReqCompletePost with 180f829fe402 applied.
func FuzzFixedIoReqCompletePost(f *testing.F) { fuzz(f, "FuzzFixedIoReqCompletePost") }
