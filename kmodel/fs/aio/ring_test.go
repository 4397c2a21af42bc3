package aio

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// TestRingOwnCPU: where loads pass loads, who reads finds what an interrupt on his own CPU has
// written, and not what one on another has.
func TestRingOwnCPU(t *testing.T) {
	for _, test := range []struct {
		digits string // a task that submits and reads, and one that submits
		fails  bool
	}{{"01" + "11000" + "01", false}, {"00" + "11000" + "01", true}} {
		p := schedule.Program{Name: test.digits, New: func() func(*schedule.Exec) {
			in, script := newRingWorkload(newEventRing(eventVisible)), verify.NewScript(test.digits)
			in.Script(script.Choose)
			begin := script.Before(in.Begin)
			return func(e *schedule.Exec) {
				e.ReorderLoads()
				begin(e)
			}
		}}
		opt := explore.Options{Bound: 2}
		rep := explore.Last(explore.Exhaust(context.Background(), p, opt))
		failed := false
		for _, end := range rep.Endings {
			failed = failed || end.Outcome == schedule.Fail
		}
		if failed != test.fails {
			t.Errorf("%s: fails: %v, want %v", test.digits, failed, test.fails)
		}
	}
}
