package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// abstract gives a word for each context: how far it is on its way from io_setup to
// kmem_cache_free, how the two counts stand, and whether there is a reader about.
// Which context it is and which thread did what is left out, so that the same
// situation on another context is nothing new.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	readers := rcu.Readers(e)
	for _, ctx := range s.ctxCache.InUse(e) {
		w := begin
		w.bool(ctx.Live())
		w.bool(readers)
		w.bool(ctx.dead.Peek() != 0)
		w.bool(ctx.rqWait.Peek() != nil)
		w.ref(&ctx.users)
		w.ref(&ctx.reqs)
		hit(uint64(w))
	}
	if s.era33 != nil {
		s.era33.abstract(hit)
	}
	for _, ctx := range s.listCtxCache.InUse(e) {
		w := begin
		w.bool(ctx.Live())
		w.bool(readers)
		w.bool(ctx.dead.Peek() != 0)
		w.count(ctx.users.Peek())
		w.count(ctx.reqsActive.Peek())
		w.count(int(ctx.freeing.Value()))
		hit(uint64(w))
	}
}

// abstract gives a word for the mm: who walks it, whether it has users, and whether there
// is a request for aio_fput_routine.
func (era *era33) abstract(hit func(uint64)) {
	w := begin
	w.field(uint64(era.vm.Walked()), 4)
	w.bool(era.vm.Live())
	w.count(era.vm.MmUsers.Peek())
	w.count(era.vm.MmCount.Peek())
	w.bool(era.vm.CoreState.Peek() != 0)
	w.bool(era.fputHead.Peek() != nil)
	hit(uint64(w))
}

// A word is put together from small fields, begin in front: a leading 1 tells lengths
// apart.
type word uint64

const begin word = 1

func (w *word) field(v, size uint64) { *w = *w*word(size) + word(v) }

func (w *word) bool(b bool) {
	if b {
		w.field(1, 2)
	} else {
		w.field(0, 2)
	}
}

// count adds a count as below 0, 0, 1, or more.
func (w *word) count(n int) { w.field(uint64(max(-1, min(n, 2))+1), 4) }

// ref adds how far a percpu_ref has come: counting per CPU, killed, switched,
// released; and what is left of the count.
func (w *word) ref(r *percpu.Ref) {
	w.field(uint64(r.Mode()), 4)
	w.bool(r.Released())
	w.count(r.Count())
}
