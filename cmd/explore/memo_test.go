package main

import (
	"encoding/binary"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	samplers "github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// TestMemo has samplers decide executions of kernel objects and of programs of the literature,
// some of which are looked up, and as many that are all run. All that a sampler can see of them
// is the same.
func TestMemo(t *testing.T) {
	var programs []schedule.Program
	for _, p := range kmodel.Programs() {
		programs = append(programs, p.Schedule())
	}
	for i, p := range bench.Programs() {
		if testing.Short() && p.Threads > 24 {
			continue // an execution takes a millisecond, and none of these is looked up
		}
		programs = append(programs, p.Schedule(bench.Forms()[i%len(bench.Forms())]))
	}
	every, least := 24, 10
	if testing.Short() {
		every, least = 48, 5 // of some hardly any are: it depends on which are met
	}
	executions, looked := 0, 0
	for i := 0; i < len(programs); i += every {
		for _, how := range []string{"pos", "rf", "qlearn", "guided"} {
			looked += compareMemo(t, programs[i], how, 100)
			executions += 100
		}
	}
	if looked < executions*least/100 {
		t.Errorf("%d of %d executions looked up", looked, executions)
	}
}

// compareMemo returns how many executions were looked up.
func compareMemo(t *testing.T, p schedule.Program, how string, executions int) int {
	t.Helper()
	plain, r := schedule.NewRunner(p), schedule.NewRunner(p)
	defer plain.Close()
	defer r.Close()
	r.Memo = schedule.NewMemo(300) // too few for some
	a, b := newWitness(how), newWitness(how)
	for i := range executions {
		want, got := samplers.Once(plain, a), samplers.Once(r, b)
		if want.Outcome != got.Outcome || a.sum != b.sum {
			t.Fatalf("%s, %s, execution %d: %v by %s, without a Memo %v by %s",
				p.Name, how, i, got.Outcome, r.Taken(), want.Outcome, plain.Taken())
		}
	}
	return r.Memo.LookedUp()
}

// A witness is a sampler that hashes all that it can see. It looks at steps where the one
// that decides does.
type witness struct {
	samplers.Sampler
	sum uint64
	buf []byte
}

func newWitness(how string) *witness {
	var s samplers.Sampler = guided.New(1, guided.Options{})
	if how != "guided" {
		s, _ = samplers.New(how, 1)
	}
	return &witness{Sampler: s}
}

func (w *witness) Choose(e *schedule.Exec, n int) int {
	w.see(e)
	lo, hi := e.Enabled().Words()
	w.add(uint64(n), lo, hi, e.State().Lo, e.Memory())
	w.addThread(e.Running())
	if !e.Enabled().Empty() {
		w.addThread(e.Alternative(0))
		w.addThread(e.Alternative(n - 1))
	}
	return w.Sampler.Choose(e, n)
}

func (w *witness) Looks() bool { return samplers.Looks(w.Sampler) }

func (w *witness) Step(t *schedule.Thread) bool {
	w.see(t.Exec())
	w.addThread(t)
	return w.Sampler.Step(t)
}

func (w *witness) End(e *schedule.Exec, res schedule.Result) {
	w.see(e)
	w.add(uint64(res.Outcome), uint64(res.Steps), uint64(res.Decisions),
		uint64(res.Preemptions), uint64(res.Switches), e.State().Lo, e.Memory())
	w.addText(res.Reason)
	if res.Outcome == schedule.Fail {
		w.add(uint64(res.Failure.Kind), uint64(res.Failure.Party.Step))
		w.addText(res.Failure.Op.Verb)
	}
	w.sum = xxhash.Sum64(binary.LittleEndian.AppendUint64(w.buf, w.sum))
	w.buf = w.buf[:0]
	w.Sampler.End(e, res)
}

// see adds what may be looked at at any time.
func (w *witness) see(e *schedule.Exec) {
	w.add(uint64(e.Steps()), uint64(e.Decisions()), uint64(e.Preemptions()), uint64(e.Switches()))
	w.addThread(e.Last())
	for _, t := range e.Threads() {
		w.addThread(t)
		w.addText(t.Name)
		op, flags := t.Op(), uint64(0)
		for i, flag := range []bool{t.Idle(), t.Finished(), t.IsAgent()} {
			if flag {
				flags |= 1 << i
			}
		}
		w.add(flags, uint64(op.Mode))
		w.addText(op.Verb)
		if c := op.Cell; c != nil && c.Object() != nil {
			w.add(c.ID())
			w.addText(c.Path())
			w.addText(c.Object().Kind())
		}
	}
}

func (w *witness) addThread(t *schedule.Thread) {
	if t == nil {
		w.add(1 << 32)
		return
	}
	w.add(uint64(t.ID))
}

func (w *witness) addText(s string) { w.buf = append(append(w.buf, s...), 0) }

func (w *witness) add(numbers ...uint64) {
	for _, n := range numbers {
		w.buf = binary.LittleEndian.AppendUint64(w.buf, n)
	}
}
