//go:build !gofuzz || libfuzzer

package target

import (
	"math/rand/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// drawTries is how many schedules are drawn until one fails. An input costs the engine more than
// an execution here, and few are worth keeping. More find failures no sooner, and leave less of
// the time to what the engine keeps.
const drawTries = 8

// Draw returns an input of at most limit bytes whose end a sampler has drawn: [sample.Demote],
// which also draws the calls of a workload. It draws one after the other, and returns the
// first that fails, or the eighth. Every second one begins as in does, up to some
// decision of it; the others are drawn from the first decision on. So an engine that keeps
// inputs for what they have shown, and knows no schedules, goes on from there as a scheduler
// would.
//
// It takes up to eight executions, and one more for an input whose own end is drawn, of which
// the engine is told nothing: it will run the input if it likes. The sampler is a new one each
// time: the same arguments give the same input, whatever was run before.
func (x *Fuzzer) Draw(in []byte, limit int, seed uint64) (out []byte) {
	// A crash is a bug of the model. The engine is to have the input when it meets it.
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *schedule.Crash:
			x.runner.Watch = nil // which sample.Once did not come to
			out = cut(v.Tape, limit)
		default:
			panic(v)
		}
	}()
	r := rand.New(rand.NewPCG(seed, 3))
	d := drawer{Demote: sample.NewDemote(r.Uint64())}
	from := x.runner.TapeOf(in[:min(len(in), MaxInput)])
	for range drawTries {
		d.head = nil
		if r.IntN(2) == 0 {
			d.head = from[:r.IntN(len(from)+1)]
		}
		if sample.Once(x.runner, &d).Outcome == schedule.Fail {
			break
		}
	}
	return cut(x.runner.Taken(), limit)
}

// cut returns the bytes of t, as far as there is room.
func cut(t schedule.Tape, limit int) []byte {
	b := t.Bytes()
	return b[:min(len(b), limit)]
}

// A drawer is a Demote that begins with decisions that are given.
type drawer struct {
	*sample.Demote
	head schedule.Tape
}

// Choose implements [schedule.Chooser].
func (d *drawer) Choose(e *schedule.Exec, n int) int {
	if at := e.Decisions(); at < len(d.head) {
		return int(d.head[at]) % n
	}
	return d.Demote.Choose(e, n)
}
