// Package netnamespace is the end of a network namespace (net/core/net_namespace.c) against
// finding it by its id.
//
// The nouns: count is how many use a namespace; whoever drops the last reference, in
// put_net(), queues it for cleanup_net(), which a worker runs. That takes it out of the ids
// under which other namespaces know it, and frees it. So the ids have a namespace of which
// nobody holds a reference, for a while, and get_net_ns_by_id() finds it.
//
// The code follows 4.14. The package is the worked example of docs/model.md.
//
// cleanup_net() moves what is queued to a list on its stack, and walks that under the rtnl by
// the same links. If what is on it is queued again, CONFIG_DEBUG_LIST sees nothing: the links
// of cleanup_list are as they should be. But the walk goes on to the head of cleanup_list, and
// takes that for a namespace.
//
// Not modelled: the contents of a namespace, its passive references and its exit methods,
// net_mutex (there is one worker), rcu_barrier() (there are no callbacks), and ids but those
// that one namespace, init_net, has for others from the start: who adds one later has the
// rtnl, or a reference. net_namespace_list is there to be taken off from.
//
// Start reading at getNetNsById and cleanupNet.
package netnamespace

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// net is struct net.
type net struct {
	schedule.Object
	count       atomic.Int
	list        list.Node[listed]
	cleanupList list.Node[*net]
	userNs      mem.Int
	nsid        mem.Int // under which init_net knows it; never changes

	*system
}

// ListNode implements [list.Entry].
func (n *net) ListNode() *list.Node[*net] { return &n.cleanupList }

// listed is a net as net_namespace_list has it, by other links.
type listed struct{ *net }

// ListNode implements [list.Entry].
func (n listed) ListNode() *list.Node[listed] { return &n.list }

// getNet is get_net(): the caller knows that there is a reference.
func (n *net) getNet(t *schedule.Thread) *net {
	n.count.Inc(t)
	return n
}

// maybeGetNet is maybe_get_net(): the caller knows that there is memory.
func (n *net) maybeGetNet(t *schedule.Thread) *net {
	if !n.count.IncNotZero(t) {
		return nil
	}
	return n
}

// putNet is put_net().
func (n *net) putNet(t *schedule.Thread) {
	if n.count.DecAndTest(t) {
		n.__putNet(t)
	}
}

// __putNet is __put_net().
func (n *net) __putNet(t *schedule.Thread) {
	n.cleanupListLock.LockIrq(t)
	n.cleanup.AddBlind(t, n)
	n.cleanupListLock.UnlockIrq(t)
	workqueue.ScheduleWork(t, &n.netCleanupWork.Work)
}

// getNetNsById is get_net_ns_by_id(), in init_net.
func (s *system) getNetNsById(t *schedule.Thread, id int) *net {
	rcu.ReadLock(t)
	s.initNet.nsidLock.LockBh(t)
	peer := s.initNet.netnsIds[id].Dereference(t)
	if peer != nil {
		if s.Has(maybeGet) {
			peer = peer.maybeGetNet(t)
		} else {
			peer = peer.getNet(t)
		}
	}
	s.initNet.nsidLock.UnlockBh(t)
	rcu.ReadUnlock(t)
	return peer
}

// cleanupNet is cleanup_net(), the function of net_cleanup_work.
func (s *system) cleanupNet(t *schedule.Thread) {
	var exit [maxNets]*net // net_exit_list
	n := 0
	s.cleanupListLock.LockIrq(t)
	list.ReplaceInit(t, &s.cleanup.Head, &s.netKillList.Head)
	s.cleanupListLock.UnlockIrq(t)

	s.rtnlMutex.Lock(t)
	p := s.netKillList.FirstEntry(t)
	for p != nil {
		s.netNamespaceList.ListDelRcu(t, listed{p})
		exit[n] = p
		n++
		id := &s.initNet.netnsIds[p.nsid.Peek()]
		s.initNet.nsidLock.LockBh(t)
		if id.DereferenceRaw(t) == p { // __peernet2id
			id.Assign(t, nil) // idr_remove
		}
		s.initNet.nsidLock.UnlockBh(t)
		next, other := s.netKillList.WalkNext(t, p)
		if other != nil {
			delHead_(t, other)
		}
		p = next
	}
	s.rtnlMutex.Unlock(t)

	rcu.Synchronize(t)
	for _, p := range exit[:n] {
		slab.Free(t, "kmem_cache_free", p) // net_drop_ns
	}
	s.netKillList.Forget()
}

// delHead_ is what happens when the walk has come to the head of another list, which it takes
// for a namespace: it takes that off net_namespace_list, by links that would be in front of
// it. Its name ends in an underscore because it is no function of the kernel.
func delHead_(t *schedule.Thread, other *list.Head[*net]) {
	t.Step(schedule.Op{Verb: "list_del_rcu", Cell: other.Cell(), Mode: schedule.WriteOnce})
	t.Fail(schedule.OutOfBounds, other.Cell().Object(), schedule.Party{},
		"the head of another list is taken for a namespace")
}

// rtnlNewlink is what rtnl_newlink() does with IFLA_LINK_NETNSID.
func (s *system) rtnlNewlink(t *schedule.Thread, id int) {
	s.rtnlMutex.Lock(t)
	if linkNet := s.getNetNsById(t, id); linkNet != nil {
		linkNet.userNs.Read(t) // netlink_ns_capable
		linkNet.putNet(t)
	}
	s.rtnlMutex.Unlock(t)
}

// exitTaskNamespaces is exit_task_namespaces() of task i, with an nsproxy of its own.
func (s *system) exitTaskNamespaces(t *schedule.Thread, i int) {
	if p := s.nsproxy.netNs[i].Read(t); p != nil {
		s.nsproxy.netNs[i].Write(t, nil)
		p.putNet(t)
	}
}
