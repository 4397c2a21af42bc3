package kmodel_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// TestRelaxedAnew has a tape be the same execution whatever the runner has run before: which loads
// it knows of must not show.
func TestRelaxedAnew(t *testing.T) {
	every, tapes := 6, 10
	if testing.Short() {
		every, tapes = 60, 10
	}
	rng := rand.New(rand.NewPCG(1, 2))
	bytes := func() []byte {
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		return b
	}
	for i, p := range kmodel.Programs() {
		n, one := tapes, every
		if !p.Workload {
			n, one = tapes/10, 6*every
		}
		if i%one != 0 || p.Order() != "" {
			continue
		}
		relaxed := p.With(program.RMO).Schedule()
		warm := schedule.NewRunner(relaxed)
		for range 10 * n {
			warm.RunBytes(bytes())
		}
		for range n {
			b := bytes()
			fresh := schedule.NewRunner(relaxed)
			want, got := record(fresh, b), record(warm, b)
			fresh.Close()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: tape %v: %s", relaxed.Name, want.Tape, difference(got, want))
				break
			}
		}
		warm.Close()
	}
}

func record(r *schedule.Runner, b []byte) *schedule.Trace {
	var c schedule.ByteReader
	c.Reset(b)
	tr := r.Record(&c)
	tr.Result.Failure.Obj, tr.Result.Failure.Op.Cell = nil, nil
	tr.Result.Failure.Thread, tr.Result.Failure.Other.Thread = nil, nil
	return tr
}

func difference(got, want *schedule.Trace) string {
	for i := range min(len(got.Events), len(want.Events)) {
		if a, b := got.Events[i], want.Events[i]; !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("step %d: %+v, by a new runner %+v", i+1, a, b)
		}
	}
	return fmt.Sprintf("%d steps, by a new runner %d", len(got.Events), len(want.Events))
}
