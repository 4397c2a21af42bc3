package slab

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// An RcuHead is the struct rcu_head by which [KfreeRcu] frees the object that it is in.
type RcuHead struct {
	rcu.Head
	o schedule.Header
}

// Init says which object that is. It belongs in the constructor of the object.
func (h *RcuHead) Init(o schedule.Header) {
	h.o = o
	h.Head.Init(h.kfree)
}

// kfree is the callback.
func (h *RcuHead) kfree(t *schedule.Thread) { Free(t, "kfree", h.o) }

// KfreeRcu is kfree_rcu(): the object of h is freed after a grace period.
func KfreeRcu(t *schedule.Thread, h *RcuHead) { rcu.CallAs(t, &h.Head, "kfree_rcu") }
