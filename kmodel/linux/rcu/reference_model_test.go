package rcu_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// perform performs an operation of a program in the model.
func (h *heap) perform(t *schedule.Thread, place uint64, op []refCode, i int) {
	read := func() {
		log := &h.logs[t.ID]
		log.Set(log.Value()*8 + uint64(h.words[i].Read(t)))
	}
	for _, code := range op {
		switch code {
		case refReadLock:
			rcu.ReadLock(t)
		case refReadUnlock:
			rcu.ReadUnlock(t)
		case refPreemptOff:
			preempt.PreemptDisable(t)
		case refPreemptOn:
			preempt.PreemptEnable(t)
		case refRead:
			read()
		case refWrite:
			h.words[i].Write(t, t.ID+1)
		case refMutexLock:
			h.mutex.Lock(t)
		case refMutexUnlock:
			h.mutex.Unlock(t)
		case refSync:
			rcu.Synchronize(t)
		case refCall:
			rcu.Call(t, &h.heads[i])
		case refCallSched:
			rcu.CallSched(t, &h.heads[i])
		case refBarrier:
			rcu.Barrier(t)
		case refMaySleep:
			if len(op) == 1 { // else what may sleep says so
				preempt.CondResched(t)
			}
		case refForget:
			t.Forget(place)
		}
	}
}

// A refOp is an operation on a word or an rcu_head.
type refOp struct{ op, arg int }

// model returns the program that the reference has, with the package's own RCU.
func model(f rcu.Flavours, ops [][]refOp) schedule.Program {
	return schedule.Program{Name: fmt.Sprint(f, ops), New: func() func(*schedule.Exec) {
		h := new(heap)
		h.Bind(h, "heap")
		for i := range h.logs {
			h.logs[i].SetPrivate() // no store of the machine's
		}
		for i := range h.heads {
			h.heads[i].Init(func(t *schedule.Thread) { h.words[i].Write(t, 5) })
		}
		atEnd := func(e *schedule.Exec) {
			var s refState
			for i := range h.logs {
				s.th[i].log = uint32(h.logs[i].Value())
			}
			for i := range h.words {
				s.words[i] = uint8(h.words[i].Peek())
			}
			e.FailAtEnd(schedule.LostUpdate, nil, schedule.Party{}, s.ending())
		}
		return func(e *schedule.Exec) {
			e.Static(&h.Object, 0)
			for _, mine := range ops {
				e.Go("t", func(t *schedule.Thread) {
					for place, op := range mine {
						h.perform(t, uint64(place), refOps[op.op], op.arg)
					}
				})
			}
			rcu.Boot(e, f)
			e.AtEnd(atEnd)
		}
	}}
}

// draw returns two or three threads of one to three random operations.
func draw(seed uint64) [][]refOp {
	rng := rand.New(rand.NewPCG(seed, 4))
	ops := make([][]refOp, 2+rng.IntN(2))
	for i := range ops {
		ops[i] = make([]refOp, 1+rng.IntN(4-len(ops)/2))
		for j := range ops[i] {
			ops[i][j] = refOp{rng.IntN(len(refOps)), rng.IntN(2)}
		}
	}
	return ops
}

// newReference returns the program for the reference.
func newReference(f rcu.Flavours, ops [][]refOp) reference {
	p := reference{flavours: f, code: make([][]refInstr, len(ops))}
	for i, mine := range ops {
		for _, op := range mine {
			for _, c := range refOps[op.op] {
				p.code[i] = append(p.code[i], refInstr{c, uint8(op.arg)})
			}
		}
	}
	return p
}

// TestReference holds random programs against the reference, in each flavour: how many
// executions have read and left what. And what a kernel that preempts less can do, one that
// preempts more can.
func TestReference(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 10
	}
	differ := 0 // programs that tell NonPreemptible from Merged
	for seed := range seeds {
		ops := draw(seed)
		var wider map[string]uint64
		for f := rcu.Split; f <= rcu.NonPreemptible; f++ {
			p := newReference(f, ops)
			want, got := p.count(), counted(t, model(f, ops))
			if !maps.Equal(got, want) {
				t.Fatalf("seed %d, flavours %d: %v, want %v\n%v", seed, f, got, want, ops)
			}
			for ending := range want {
				if wider != nil && wider[ending] == 0 {
					t.Errorf("seed %d, flavours %d: only here: %s", seed, f, ending)
				}
			}
			if f == rcu.NonPreemptible && len(want) < len(wider) {
				differ++
			}
			wider = want
		}
	}
	if differ == 0 {
		t.Error("no program ends otherwise for who cannot be preempted")
	}
	t.Logf("%d programs end otherwise if RCU is not preemptible", differ)
}

// counted explores p and returns how many executions end how.
func counted(t *testing.T, p schedule.Program) map[string]uint64 {
	r := explore.Last(explore.Exhaust(t.Context(), p, explore.Options{Bound: explore.Unbounded}))
	if _, ok := r.Total(); !ok {
		t.Fatalf("%s: %s", p.Name, r.Coverage())
	}
	out := map[string]uint64{}
	for _, e := range r.Endings {
		name := e.Kind.String()
		if e.Kind == schedule.LostUpdate {
			name = e.Note
		}
		for _, n := range e.Executions {
			out[name] += n
		}
	}
	return out
}
