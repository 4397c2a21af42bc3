package rcu_test

import (
	"math/rand/v2"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The reference with store buffers. What a grace period guarantees is as the machine has it: from
// its beginning to its end each CPU has been at a point where it was no reader and nothing waited
// in its buffer.

// A refBuffered is a state of the reference with a buffer for each CPU.
type refBuffered struct {
	refState
	buf   [refThreads + 1]refBuffer
	calls [2]uint8          // CPUs that the grace period of an rcu_head has yet to see at that point
	syncs [refThreads]uint8 // and that of a synchronize_rcu()
}

// A refBuffer is the stores that wait, the oldest first.
type refBuffer struct {
	n            uint8
	words, value [8]uint8
}

const refAllCPUs = 1<<(refThreads+1) - 1

func (s *refBuffered) store(cpu int, word, value uint8) {
	b := &s.buf[cpu]
	b.words[b.n], b.value[b.n] = word, value
	b.n++
}

// drain writes the oldest store of a CPU to memory.
func (s *refBuffered) drain(cpu int) {
	b := &s.buf[cpu]
	s.words[b.words[0]] = b.value[0]
	copy(b.words[:], b.words[1:])
	copy(b.value[:], b.value[1:])
	b.n--
	b.words[b.n], b.value[b.n] = 0, 0
}

// seen is memory as a CPU sees it.
func (s *refBuffered) seen(cpu int) [2]uint8 {
	words, b := s.words, &s.buf[cpu]
	for i := range b.n {
		words[b.words[i]] = b.value[i]
	}
	return words
}

// notice has grace periods notice the CPUs that are at such a point.
func (p *reference) notice(s *refBuffered) {
	quiet := func(sched bool) (set uint8) {
		for cpu := range s.buf {
			if s.buf[cpu].n == 0 {
				set |= 1 << cpu
			}
		}
		return set &^ p.readers(&s.refState, sched)
	}
	for i := range s.calls {
		s.calls[i] &^= quiet(s.heads[i].sched)
	}
	for i := range s.syncs {
		s.syncs[i] &^= quiet(false)
	}
}

// passes reports whether a thread that could take its step may, with what waits.
func (s *refBuffered) passes(me int, code refCode) bool {
	switch code {
	case refSync, refCall, refCallSched, refBarrier:
		return s.buf[me].n == 0
	case refSyncEnd:
		return s.syncs[me] == 0
	case refBarrierEnd:
		return s.buf[refSoftirq].n == 0
	}
	return true
}

// stepBuffered is step.
func (p *reference) stepBuffered(s *refBuffered, me int) string {
	in, _ := p.at(&s.refState, me)
	memory := s.words
	s.words = s.seen(me)
	failure := p.step(&s.refState, me)
	s.words = memory
	switch in.code {
	case refWrite:
		s.store(me, in.arg, uint8(me)+1)
	case refSync:
		s.syncs[me] = refAllCPUs
	case refCall, refCallSched:
		s.calls[in.arg] = refAllCPUs
	}
	return failure
}

// nextBuffered is next.
func (p *reference) nextBuffered(s refBuffered, f func(s refBuffered, failure string)) {
	take := func(me int, step func(s *refBuffered) string) {
		then := s
		failure := step(&then)
		p.arrive(&then.refState, me)
		p.notice(&then)
		f(then, failure)
	}
	for cpu := range s.buf {
		if s.buf[cpu].n > 0 {
			take(refSoftirq, func(s *refBuffered) string { s.drain(cpu); return "" })
		}
	}
	for me := range p.code {
		if in, _ := p.at(&s.refState, me); p.enabled(&s.refState, me) && s.passes(me, in.code) {
			take(me, func(s *refBuffered) string { return p.stepBuffered(s, me) })
		}
	}
	for i := range s.heads {
		if p.ready(&s.refState, i) && s.calls[i] == 0 {
			take(refSoftirq, func(s *refBuffered) string { p.begin(&s.refState, i); return "" })
		}
	}
	if word := s.running - 1; s.running > 0 {
		take(refSoftirq, func(s *refBuffered) string {
			memory := s.words
			p.end(&s.refState)
			s.words = memory
			s.store(refSoftirq, word, 5)
			return ""
		})
	}
}

// endings returns how executions can end.
func (p *reference) endings() map[string]bool {
	out := map[string]bool{}
	var start refBuffered
	for me := range p.code {
		p.arrive(&start.refState, me)
	}
	seen := map[refBuffered]bool{start: true}
	for todo := []refBuffered{start}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		stuck := true
		p.nextBuffered(s, func(s refBuffered, failure string) {
			stuck = false
			if failure != "" {
				out[failure] = true
			} else if !seen[s] {
				seen[s] = true
				todo = append(todo, s)
			}
		})
		if stuck {
			out[s.ending()] = true
		}
	}
	return out
}

// drawStores is draw with more stores and loads, and no mutex, which is a barrier.
func drawStores(seed uint64) [][]refOp {
	menu := []int{0, 1, 2, 3, 3, 3, 4, 4, 4, 4, 5, 6, 7, 8, 10, 11}
	rng := rand.New(rand.NewPCG(seed, 9))
	ops := make([][]refOp, 2+rng.IntN(2))
	for i := range ops {
		ops[i] = make([]refOp, 2+rng.IntN(5-len(ops)))
		for j := range ops[i] {
			ops[i][j] = refOp{menu[rng.IntN(len(menu))], rng.IntN(2)}
		}
	}
	return ops
}

// withBuffers returns p with store buffers.
func withBuffers(p schedule.Program) schedule.Program {
	build := p.New
	p.New = func() func(*schedule.Exec) {
		begin := build()
		return func(e *schedule.Exec) {
			e.BufferStores()
			begin(e)
		}
	}
	return p
}

// TestReferenceStores holds random programs with store buffers against the reference. The model
// must end in no way that a machine does not. It need not in all ways, see stores.go.
func TestReferenceStores(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 15
	}
	weak, less := 0, 0
	for seed := range seeds {
		ops := drawStores(seed)
		for f := rcu.Split; f <= rcu.NonPreemptible; f++ {
			p := newReference(f, ops)
			want, got := p.endings(), counted(t, withBuffers(model(f, ops)))
			for ending := range got {
				if !want[ending] {
					t.Errorf("seed %d, flavours %d: no machine ends so: %s\n%v", seed, f, ending, ops)
				}
			}
			if len(got) < len(want) {
				less++
			}
			if len(got) > len(p.count()) {
				weak++
			}
		}
	}
	if weak == 0 {
		t.Error("store buffers make no difference")
	}
	t.Logf("%d programs end otherwise with store buffers, %d could in more ways", weak, less)
}
