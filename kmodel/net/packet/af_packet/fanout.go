package afpacket

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// fanoutAdd is fanout_add().
func (po *packetSock) fanoutAdd(t *schedule.Thread, id int) {
	if !po.Has(addMutex) && (po.running.Read(t) == 0 || po.fanout.Read(t) != nil) {
		return // -EINVAL, -EALREADY
	}
	po.fanoutMutex.Lock(t)
	if po.mayJoin_(t) {
		po.join_(t, po.find_(t, id))
	}
	po.fanoutMutex.Unlock(t)
}

// mayJoin_ is what fanout_add() looks at with fanout_mutex before anything else.
func (po *packetSock) mayJoin_(t *schedule.Thread) bool {
	if !po.Has(addMutex) {
		return true
	}
	if !po.Has(addBindLock) && po.running.Read(t) == 0 {
		return false
	}
	return po.fanout.Read(t) == nil
}

// find_ is the middle of fanout_add(): look for the group, or make it.
func (po *packetSock) find_(t *schedule.Thread, id int) *packetFanout {
	for f := po.fanoutList.FirstEntry(t); f != nil; f = f.list.NextEntry(t) {
		if f.id.Peek() == id {
			return f
		}
	}
	f := po.fanouts.Alloc(t)
	f.id.Init(id)
	f.protHook.Type.Init(po.protHook.Type.Read(t))
	if po.hasDevice() {
		f.protHook.dev.Init(po.protHook.dev.Read(t)) // without a reference
	}
	if !po.Has(memberHook) {
		po.devAddPack(t, fanoutHook{f})
	}
	po.fanoutList.Add(t, f)
	return f
}

// join_ is the end of fanout_add(): move the socket from its list to the group.
func (po *packetSock) join_(t *schedule.Thread, match *packetFanout) {
	if !po.Has(addBindLock) {
		if match.protHook.Type.Peek() == po.protHook.Type.Read(t) {
			po.rehook_(t, match)
		}
		return
	}
	joined := false
	po.bindLock.Lock(t)
	if po.fits_(t, match) {
		po.rehook_(t, match)
		joined = true
	}
	po.bindLock.Unlock(t)
	if !joined && match.skRef.Read(t) == 0 {
		po.fanoutList.Del(t, match)
		slab.Free(t, "kfree", match)
	}
}

// fits_ is whether the socket may join the group, with bind_lock.
func (po *packetSock) fits_(t *schedule.Thread, match *packetFanout) bool {
	if po.Has(joinDown) {
		if po.num.Read(t) == 0 {
			return false
		}
	} else if po.running.Read(t) == 0 {
		return false
	}
	return match.protHook.Type.Peek() == po.protHook.Type.Read(t) &&
		(!po.hasDevice() || match.protHook.dev.Peek() == po.protHook.dev.Read(t))
}

// rehook_ is what fanout_add() does to a socket that joins.
func (po *packetSock) rehook_(t *schedule.Thread, match *packetFanout) {
	if po.Has(joinDown) {
		po.fanout.Write(t, match)
		match.skRef.Inc(t)
		if po.running.Read(t) != 0 {
			po.__devRemovePack(t, po)
			po.__fanoutLink(t, match)
		}
		return
	}
	po.__devRemovePack(t, po)
	po.fanout.Write(t, match)
	match.skRef.Inc(t)
	po.__fanoutLink(t, match)
}

// fanoutRelease is fanout_release(). It returns a group that is to be freed after a grace period,
// which it does itself up to 4.9.
func (po *packetSock) fanoutRelease(t *schedule.Thread) *packetFanout {
	var f *packetFanout
	if !po.Has(addMutex) {
		if f = po.fanout.Read(t); f == nil {
			return nil
		}
	}
	po.fanoutMutex.Lock(t)
	if po.Has(addMutex) {
		f = po.fanout.Read(t)
	}
	if f != nil {
		f = po.leave_(t, f)
	}
	po.fanoutMutex.Unlock(t)
	return f
}

// leave_ is what fanout_release() does with fanout_mutex.
func (po *packetSock) leave_(t *schedule.Thread, f *packetFanout) *packetFanout {
	po.fanout.Write(t, nil)
	if !f.skRef.DecAndTest(t) {
		return nil
	}
	po.fanoutList.Del(t, f)
	if po.Has(memberHook) {
		return f
	}
	po.devRemovePack(t, fanoutHook{f})
	slab.Free(t, "kfree", f)
	return nil
}

// __fanoutLink is __fanout_link().
func (po *packetSock) __fanoutLink(t *schedule.Thread, f *packetFanout) {
	f.lock.Lock(t)
	n := f.numMembers.Read(t)
	f.arr[n].Write(t, po)
	mem.SmpWmb(t)
	f.numMembers.Write(t, n+1)
	if po.Has(memberHook) && n == 0 {
		po.devAddPack(t, fanoutHook{f})
	}
	f.lock.Unlock(t)
}

// __fanoutUnlink is __fanout_unlink().
func (po *packetSock) __fanoutUnlink(t *schedule.Thread, f *packetFanout) {
	f.lock.Lock(t)
	n := f.numMembers.Read(t)
	i := 0
	for i < n && f.arr[i].Read(t) != po {
		i++
	}
	if i == n {
		t.Fail(schedule.BugOn, &f.Object, schedule.Party{}, "the socket is not in its group")
	}
	f.arr[i].Write(t, f.arr[n-1].Read(t))
	f.numMembers.Write(t, n-1)
	if po.Has(memberHook) && n == 1 {
		po.__devRemovePack(t, fanoutHook{f})
	}
	f.lock.Unlock(t)
}

// packetRcvFanout is packet_rcv_fanout(). Which member gets the packet depends on its
// hash, and so the schedule says.
func (f *packetFanout) packetRcvFanout(t *schedule.Thread, proto int) {
	num := f.numMembers.ReadOnce(t)
	if num == 0 {
		return
	}
	arr := &f.arr[t.Choose(num)] // fanout_demux_hash
	arr.DependsOn(t, &f.numMembers)
	arr.Read(t).func_(t, proto)
}
