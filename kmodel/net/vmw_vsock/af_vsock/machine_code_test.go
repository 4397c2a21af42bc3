package afvsock

// assemble writes the programs.
func (m *machine) assemble() {
	m.look() // 0 is no instruction
	m.mark("null")
	m.emit(nil, func(*mState, *mThread) string { return "null-dereference" })
	m.connectCode()
	m.releaseCode()
	m.waitCode()
	m.sendCode()
	m.callCode()
	m.workCode()
	m.packetCode()
}

func (m *machine) connectCode() {
	m.mark("connect")
	m.lockSock()
	m.step(func(s *mState, th *mThread) { // socket->state
		switch {
		case s.state == mConnected || s.state == mDisconnecting,
			s.state == mConnecting && th.nonblock:
			th.pc = m.at("unlock")
		case s.state == mConnecting:
			th.pc = m.at("prepare")
		}
	})
	m.step(func(s *mState, th *mThread) { s.addr = th.to })
	m.look()
	m.step(func(s *mState, th *mThread) { // vsk->transport
		th.old, th.set = s.transport, map[uint8]uint8{mPeer: 1, mNowhere: 0, mOther: 2}[th.to]
		switch {
		case th.old != 0 && th.old == th.set:
			th.pc = m.at("syn")
		case th.set == 0 && (m.late || th.old == 0):
			th.pc = m.at("unlock")
		case th.old != 0:
			th.pc = m.at("release")
		default:
			th.pc = m.at("init")
		}
	})
	m.mark("init")
	m.step(func(s *mState, _ *mThread) { s.made++; s.trans = s.made })
	m.step(func(s *mState, th *mThread) { s.transport = th.set })
	m.mark("syn")
	m.step(func(s *mState, th *mThread) {
		s.sk, th.sends, th.answers = mSynSent, 0, 0
		if th.to == mPeer {
			th.answers = mResponse
		}
		m.gosub(th, "send")
	})
	if m.retry {
		m.step(func(s *mState, _ *mThread) { s.err = false })
	}
	m.step(func(s *mState, th *mThread) { s.state = mConnecting; th.pc = m.at("prepare") })
	m.mark("unlock")
	m.step(func(s *mState, th *mThread) { s.locked = false; th.pc = mEnd })
}

// releaseCode gives up a transport.
func (m *machine) releaseCode() {
	m.mark("release")
	m.step(func(s *mState, th *mThread) {
		if s.sk != mEstablished && s.sk != mClosing {
			th.pc = m.at("set done")
		}
	})
	m.step(func(s *mState, th *mThread) {
		if th.sends, th.answers, th.pc = 0, mRst, m.at("is done"); s.peer {
			th.answers, th.pc = 0, m.at("set done")
		}
		m.gosub(th, "send")
	})
	m.mark("is done")
	m.step(func(s *mState, th *mThread) {
		if !s.done {
			th.pc = m.at("destruct")
		}
	})
	m.mark("set done")
	m.step(func(s *mState, th *mThread) {
		if s.done = true; m.keepBound {
			th.pc = m.at("remove")
		}
	})
	m.lockTable()
	m.step(func(s *mState, th *mThread) {
		if !s.bound {
			th.pc++
		}
	})
	m.step(func(s *mState, _ *mThread) { s.bound = false })
	m.step(func(s *mState, _ *mThread) { s.table = false })
	m.mark("remove")
	m.removeConnected("destruct")
	m.mark("destruct")
	m.step(func(s *mState, th *mThread) { th.trans = s.trans })
	m.touch(func(s *mState, th *mThread) { s.freed[th.trans] = true })
	if m.clear {
		m.step(func(s *mState, _ *mThread) { s.trans = 0 })
	}
	then := func(th *mThread) {
		if th.pc = m.at("init"); th.set == 0 {
			th.pc = m.at("unlock")
		}
	}
	m.step(func(s *mState, th *mThread) {
		if s.transport = 0; !m.reset {
			then(th)
		}
	})
	m.step(func(s *mState, _ *mThread) { s.done = false })
	m.step(func(s *mState, _ *mThread) { s.sk = mClose })
	m.step(func(s *mState, th *mThread) { s.peer = false; then(th) })
}

// removeConnected takes the socket off the table of the connected, and goes on.
func (m *machine) removeConnected(to string) {
	m.lockTable()
	m.step(func(s *mState, th *mThread) {
		if !s.connected {
			th.pc++
		}
	})
	m.step(func(s *mState, _ *mThread) { s.connected = false })
	m.step(func(s *mState, th *mThread) { s.table = false; th.pc = m.at(to) })
}

// waitCode is the end of connect().
func (m *machine) waitCode() {
	m.mark("prepare")
	m.step(func(_ *mState, th *mThread) { th.queued, th.sleeping = true, true })
	m.step(func(s *mState, th *mThread) {
		if s.sk == mEstablished || s.sk == mClosing && m.waitClosing {
			th.pc = m.at("error?")
		}
	})
	m.step(func(s *mState, th *mThread) {
		switch {
		case s.err:
			th.pc = m.at("error?")
		case th.nonblock:
			th.pc = m.at("finish")
		}
	})
	m.step(func(s *mState, _ *mThread) { s.locked = false })
	m.mark("schedule")
	m.emit(func(_ *mState, th *mThread) bool { return !th.sleeping || th.signal || th.stopped },
		func(_ *mState, th *mThread) string { th.sleeping = false; return "" })
	m.lockSock()
	if m.ignore {
		m.step(func(s *mState, th *mThread) {
			switch {
			case m.once && (s.sk == mEstablished || s.sk == mClosing):
				th.pc = m.at("finish")
			case s.sk == mEstablished:
				th.pc = m.at("error?")
			}
		})
	}
	m.step(func(_ *mState, th *mThread) {
		if !th.signal && !th.stopped {
			th.pc = m.at("prepare")
		}
	})
	if m.closing {
		m.step(func(s *mState, th *mThread) { th.old = s.sk })
	}
	m.step(func(s *mState, th *mThread) {
		if s.sk = mClose; m.closing && th.old == mEstablished {
			s.sk = mClosing
		}
	})
	m.step(func(s *mState, _ *mThread) { s.state = mUnconnected })
	m.step(func(s *mState, th *mThread) {
		if s.transport == 0 && !m.cancelTest {
			th.pc = m.at("null")
		} else if !m.remove {
			th.pc = m.at("finish")
		}
	})
	m.removeConnected("finish")
	m.mark("error?")
	m.step(func(s *mState, th *mThread) {
		if !s.err {
			th.pc = m.at("finish")
		}
	})
	if m.consume {
		m.step(func(s *mState, _ *mThread) { s.err = false })
	}
	m.step(func(s *mState, _ *mThread) { s.sk = mClose })
	m.step(func(s *mState, th *mThread) {
		if s.state = mUnconnected; !m.removeFailed {
			th.pc = m.at("finish")
		}
	})
	m.removeConnected("finish")
	m.mark("finish")
	m.step(func(_ *mState, th *mThread) {
		if th.sleeping = false; !th.queued {
			th.pc++
		}
	})
	m.step(func(_ *mState, th *mThread) { th.queued = false })
	m.step(func(s *mState, th *mThread) { s.locked = false; th.pc = mEnd })
}

// sendCode sends a packet; sends is 1 if it has data.
func (m *machine) sendCode() {
	m.mark("send")
	m.emit(nil, func(s *mState, _ *mThread) string {
		if s.transport == 0 {
			return "kernel-bug"
		}
		return ""
	})
	m.step(func(s *mState, th *mThread) {
		if th.trans = s.trans; th.sends == 0 || !m.unsent {
			th.pc = m.at("sends")
		}
	})
	m.lockTrans(txLock)
	m.touch(func(*mState, *mThread) {})
	m.touch(func(s *mState, th *mThread) { s.unsent[th.trans]++ })
	m.touch(func(s *mState, th *mThread) { s.tx[th.trans] = false })
	m.mark("sends")
	m.lockTrans(rxLock)
	m.touch(func(s *mState, th *mThread) {
		if s.rx[th.trans] = false; th.answers == 0 {
			m.back(th)
		}
	})
	m.step(func(s *mState, th *mThread) {
		if s.receive(th.answers); m.resets && th.answers == mResponse {
			s.receive(mRst)
		}
	})
	m.step(func(s *mState, th *mThread) { s.pending = true; m.back(th) })
}

// callCode is the other calls.
func (m *machine) callCode() {
	m.mark("kill")
	m.step(func(s *mState, th *mThread) {
		s.th[mTask].signal, s.th[mTask].sleeping = true, false
		th.pc = mEnd
	})

	m.mark("error")
	m.step(func(s *mState, th *mThread) {
		if !s.err {
			th.pc = mEnd
		}
	})
	m.step(func(s *mState, th *mThread) { s.err = false; th.pc = mEnd })

	m.mark("reset")
	m.lockTable()
	m.step(func(s *mState, th *mThread) {
		if !s.connected {
			th.pc = m.at("reset unlock")
		}
	})
	m.step(func(s *mState, _ *mThread) { s.sk = mClose })
	m.step(func(s *mState, _ *mThread) { s.err = true })
	m.step(func(s *mState, _ *mThread) { s.wake() })
	m.look()
	m.mark("reset unlock")
	m.step(func(s *mState, th *mThread) { s.table = false; th.pc = mEnd })

	m.mark("sendmsg")
	m.lockSock()
	m.step(func(s *mState, th *mThread) {
		if s.transport == 0 {
			th.pc = m.at("unlock")
		}
	})
	m.step(func(s *mState, th *mThread) {
		if th.pc = m.at("unlock"); s.sk == mEstablished {
			th.sends, th.answers = 1, mSent
			m.gosub(th, "send")
		}
	})
	m.setsockoptCode()
	m.shutdownCode()
}

func (m *machine) setsockoptCode() {
	transport := func() { m.step(func(s *mState, th *mThread) { th.set = s.transport }) }
	m.mark("setsockopt")
	if !m.lockedTransport {
		transport()
	}
	m.lockSock()
	if m.lockedTransport {
		transport()
	}
	m.step(func(s *mState, th *mThread) {
		if th.set == 0 {
			th.pc = m.at("size")
		}
	})
	m.step(func(s *mState, th *mThread) {
		if th.trans = s.trans; th.trans == 0 {
			th.pc = m.at("null")
		}
	})
	m.touch(func(_ *mState, th *mThread) {
		th.sends, th.answers = 0, 0
		m.gosub(th, "send")
	})
	m.mark("size")
	m.step(func(s *mState, th *mThread) { s.size = 1; th.pc = m.at("unlock") })
}

func (m *machine) shutdownCode() {
	m.mark("shutdown")
	if m.lockedShutdown {
		m.lockSock()
	}
	out := func() uint8 {
		if m.lockedShutdown {
			return m.at("unlock")
		}
		return mEnd
	}
	m.step(func(s *mState, th *mThread) {
		if s.state == mUnconnected {
			th.pc = out()
		}
	})
	m.step(func(s *mState, _ *mThread) { s.state = mDisconnecting })
	if !m.lockedShutdown {
		m.lockSock()
	}
	m.step(func(s *mState, _ *mThread) { s.wake() })
	if !m.lockedShutdown {
		m.step(func(s *mState, _ *mThread) { s.locked = false })
	}
	m.step(func(s *mState, _ *mThread) { s.done = false })
	m.step(func(s *mState, th *mThread) {
		if th.pc = out(); s.transport != 0 {
			th.sends, th.answers = 0, 0
			m.gosub(th, "send")
		}
	})
}

// workCode is the worker, up to the packet.
func (m *machine) workCode() {
	m.mark("work")
	m.step(func(s *mState, th *mThread) {
		th.pkt = s.pkts[0]
		copy(s.pkts[:], s.pkts[1:])
		switch {
		case th.pkt == 0:
			th.pc = 0
		case th.pkt == mSent && !m.unsent:
			th.pc = m.at("work")
		case th.pkt == mSent && m.lockedSent:
			th.pc = m.at("sent lock")
		case th.pkt == mSent:
			th.pc = m.at("sent")
		}
	})
	m.lockTable()
	m.step(func(s *mState, th *mThread) {
		if th.found = s.connected; !th.found {
			th.pc++
		}
	})
	m.step(func(s *mState, th *mThread) { th.found = s.addr == mPeer })
	m.step(func(s *mState, th *mThread) {
		if s.table = false; th.found {
			th.pc = m.at("found")
			m.credit(th, false)
		}
	})
	m.lockTable()
	m.step(func(s *mState, th *mThread) { th.found = s.bound })
	m.step(func(s *mState, th *mThread) {
		s.table = false
		if th.pc = m.at("work"); th.found {
			th.pc = m.at("found")
			m.credit(th, false)
		}
	})

	m.mark("sent lock")
	m.lockSock()
	m.mark("sent")
	m.step(func(s *mState, th *mThread) {
		if th.trans = s.trans; th.trans != 0 {
			return
		}
		if th.pc = m.at("null"); m.lockedSent {
			th.pc = m.at("sent unlock")
		}
	})
	m.lockTrans(txLock)
	m.emit(nil, func(s *mState, th *mThread) string {
		switch {
		case s.freed[th.trans]:
			return "use-after-free"
		case s.unsent[th.trans] == 0:
			return "lost-update"
		}
		return ""
	})
	m.touch(func(s *mState, th *mThread) { s.unsent[th.trans]-- })
	m.touch(func(s *mState, th *mThread) {
		if s.tx[th.trans] = false; !m.lockedSent {
			th.pc = m.at("work")
		}
	})
	m.mark("sent unlock")
	m.step(func(s *mState, th *mThread) { s.locked = false; th.pc = m.at("work") })
}

// credit has the worker take note of the credit, before it has the lock or with it.
func (m *machine) credit(th *mThread, locked bool) {
	if locked == m.lockedCredit {
		m.gosub(th, "credit")
	}
}

// packetCode is a packet for a socket.
func (m *machine) packetCode() {
	m.mark("found")
	m.lockSock()
	m.step(func(s *mState, th *mThread) {
		if s.done {
			th.pc = m.at("received")
		} else if !m.discard {
			m.credit(th, true)
		}
	})
	if m.discard {
		m.step(func(s *mState, th *mThread) {
			if s.transport != 1 {
				th.pc = m.at("received")
			} else {
				m.credit(th, true)
			}
		})
	}
	m.step(func(s *mState, th *mThread) {
		switch rst := th.pkt == mRst; {
		case s.sk == mSynSent && rst:
			th.pc = m.at("refused")
		case s.sk == mSynSent:
			th.pc = m.at("response")
		case (s.sk == mEstablished || s.sk == mClosing) && rst:
			th.pc = m.at("close")
		}
	})
	m.mark("received")
	m.step(func(s *mState, th *mThread) { s.locked = false; th.pc = m.at("work") })

	m.mark("credit")
	m.step(func(s *mState, th *mThread) {
		if th.trans = s.trans; th.trans == 0 {
			m.back(th)
		}
	})
	m.lockTrans(txLock)
	m.touch(func(*mState, *mThread) {})
	m.touch(func(s *mState, th *mThread) { s.tx[th.trans] = false; m.back(th) })

	m.mark("response")
	m.step(func(s *mState, _ *mThread) { s.sk = mEstablished })
	m.step(func(s *mState, _ *mThread) { s.state = mConnected })
	m.lockTable()
	m.emit(nil, func(s *mState, _ *mThread) string {
		if s.connected {
			return "list-corruption"
		}
		s.connected = true
		return ""
	})
	m.step(func(s *mState, _ *mThread) { s.table = false })
	m.step(func(s *mState, th *mThread) { s.wake(); th.pc = m.at("received") })

	m.mark("refused")
	m.step(func(s *mState, _ *mThread) { s.sk = mClose })
	m.step(func(s *mState, _ *mThread) { s.err = true })
	m.step(func(s *mState, th *mThread) { s.wake(); th.pc = m.at("received") })
	m.closeCode()
}
