package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/percpu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// abstract gives a word for each context: how far it is on its way from io_setup to
// kmem_cache_free, how the two counts stand, and whether there is a reader about.
// Which context it is and which thread did what is left out, so that the same
// situation on another context is nothing new.
func (s *system) abstract(e *schedule.Exec, hit func(uint64)) {
	readers := rcu.Readers(e)
	for _, ctx := range s.ctxCache.InUse(e) {
		w := program.Word(1, ctx.Live(), readers, ctx.dead.Peek() != 0, ctx.rqWait.Peek() != nil)
		hit(addRef(addRef(w, &ctx.users), &ctx.reqs))
	}
	if s.era33 != nil {
		s.era33.abstract(hit)
	}
	for _, ctx := range s.listCtxCache.InUse(e) {
		w := program.Word(1, ctx.Live(), readers, ctx.dead.Peek() != 0)
		hit(addCounts(w, ctx.users.Peek(), ctx.reqsActive.Peek(), int(ctx.freeing.Value())))
	}
}

// abstract gives a word for the mm: who walks it, whether it has users, and whether there
// is a request for aio_fput_routine.
func (era *era33) abstract(hit func(uint64)) {
	w := program.Word(4+int(era.vm.Walked()), era.vm.Live())
	w = addCounts(w, era.vm.MmUsers.Peek(), era.vm.MmCount.Peek())
	hit(program.Word(int(w), era.vm.CoreState.Peek() != 0, era.fputHead.Peek() != nil))
}

// addCounts adds counts to a word, each as below 0, 0, 1, or more.
func addCounts(w uint64, counts ...int) uint64 {
	for _, n := range counts {
		w = w<<2 | uint64(max(-1, min(n, 2))+1)
	}
	return w
}

// addRef adds how far a percpu_ref has come: counting per CPU, killed, switched,
// released; and what is left of the count.
func addRef(w uint64, r *percpu.Ref) uint64 {
	return addCounts(program.Word(int(w)<<2|r.Mode(), r.Released()), r.Count())
}
