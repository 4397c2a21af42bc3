package afpacket

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Values of prot_hook.func.
const (
	funcPacketRcv = iota
	funcTpacketRcv
)

// packetSetRing is packet_set_ring() of the ring for receiving, with so many blocks.
func (po *packetSock) packetSetRing(t *schedule.Thread, blocks int, closing bool) {
	rb := &po.rxRing
	var pgVec *pgv
	if po.Has(ringLock) {
		po.skLock.LockSock(t)
	}
	if blocks > 0 {
		if rb.pgVec.Read(t) != nil { // -EBUSY
			if po.Has(ringLock) {
				po.skLock.ReleaseSock(t)
			}
			return
		}
		pgVec = po.pgvs.Alloc(t) // alloc_pg_vec
		if po.tpVersion.Read(t) == tpacketV3 {
			po.initPrbBdqc(t, pgVec)
		}
	}
	if !po.Has(ringLock) {
		po.skLock.LockSock(t)
	}

	po.bindLock.Lock(t)
	wasRunning := po.running.Read(t) != 0
	num := po.takeNum_(t, wasRunning)
	if wasRunning {
		po.__unregisterProtHook(t, false)
	}
	po.bindLock.Unlock(t)
	if po.Has(lateRing) {
		po.num.Write(t, 0)
	}

	rcu.Synchronize(t) // synchronize_net

	po.pgVecLock.Lock(t)
	po.skReceiveQueue.LockBh(t)
	old := rb.pgVec.Read(t) // swap
	rb.pgVec.Write(t, pgVec)
	po.skReceiveQueue.UnlockBh(t)
	if rb.pgVec.Read(t) != nil {
		po.protHook.Func.Write(t, funcTpacketRcv)
	} else {
		po.protHook.Func.Write(t, funcPacketRcv)
	}
	po.pgVecLock.Unlock(t)

	po.bindLock.Lock(t)
	if po.giveNum_(t, wasRunning, num) {
		po.registerProtHook(t)
	}
	po.bindLock.Unlock(t)
	gone := closing
	if po.Has(anyRing) {
		gone = old != nil
	}
	if gone && po.tpVersion.Read(t) > tpacketV2 {
		po.prbShutdownRetireBlkTimer(t)
	}
	if !po.Has(ringLock) {
		po.skLock.ReleaseSock(t)
	}
	if old != nil {
		slab.Free(t, "kfree", old) // free_pg_vec
	}
	if po.Has(ringLock) {
		po.skLock.ReleaseSock(t)
	}
}

// initPrbBdqc is init_prb_bdqc(). Opening the first block arms the timer.
func (po *packetSock) initPrbBdqc(t *schedule.Thread, pgVec *pgv) {
	p1 := &po.rxRing.prbBdqc
	p1.pkbdq.Write(t, nil) // memset
	p1.deleteBlkTimer.Write(t, 0)
	p1.pkbdq.Write(t, pgVec)
	p1.retireBlkTimer.Setup(t) // prb_setup_retire_blk_timer
	p1.retireBlkTimer.Mod(t)   // prb_open_block
}

// prbShutdownRetireBlkTimer is prb_shutdown_retire_blk_timer().
func (po *packetSock) prbShutdownRetireBlkTimer(t *schedule.Thread) {
	po.skReceiveQueue.LockBh(t)
	po.rxRing.prbBdqc.deleteBlkTimer.Write(t, 1)
	po.skReceiveQueue.UnlockBh(t)
	po.rxRing.prbBdqc.retireBlkTimer.DelSync(t) // prb_del_retire_blk_timer
}

// prbRetireRxBlkTimerExpired is prb_retire_rx_blk_timer_expired(), the function of the timer. Both
// a block that is empty and one that is retired leave the timer armed.
func (po *packetSock) prbRetireRxBlkTimerExpired(t *schedule.Thread) {
	pkc := &po.rxRing.prbBdqc
	po.skReceiveQueue.Lock(t)
	block_(t, &pkc.pkbdq, "pkc->pkbdq[0].buffer").Read(t) // GET_CURR_PBLOCK_DESC_FROM_CORE
	if pkc.deleteBlkTimer.Read(t) == 0 {
		pkc.retireBlkTimer.Mod(t) // _prb_refresh_rx_retire_blk_timer
	}
	po.skReceiveQueue.Unlock(t)
}

// packetRcv is packet_rcv(): queue the packet.
func (po *packetSock) packetRcv(t *schedule.Thread) {
	po.skReceiveQueue.Lock(t)
	po.skReceiveQueue.Unlock(t)
}

// tpacketRcv is tpacket_rcv(): find a place in the ring, and copy the packet there.
func (po *packetSock) tpacketRcv(t *schedule.Thread) {
	var frame *mem.Int
	po.skReceiveQueue.Lock(t)
	if po.tpVersion.Read(t) == tpacketV3 { // packet_current_rx_frame
		frame = block_(t, &po.rxRing.prbBdqc.pkbdq, "pkc->pkbdq[0].buffer")
	} else {
		frame = block_(t, &po.rxRing.pgVec, "rb->pg_vec[0].buffer")
	}
	frame.Read(t) // its status
	po.skReceiveQueue.Unlock(t)
	frame.Write(t, 0) // skb_copy_bits
}

// block_ returns the first block of a ring.
func block_(t *schedule.Thread, ring *mem.Ptr[*pgv], what string) *mem.Int {
	pgVec := ring.Read(t)
	if pgVec == nil {
		mem.NullDereference(t, "read", what)
	}
	return &pgVec.buffer
}
