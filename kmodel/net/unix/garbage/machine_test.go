package garbage

// The machine is the races again, written from the kernel's code: sockets and messages by number,
// and for each thread a stack of what it has to do, of which a step takes the first and may put
// more in front. It has nothing in common with the model but what a step is.

const (
	mSocks   = 7
	mMsgs    = 7 // from 1 on; 0 is none
	mFds     = 9
	mDeep    = 24
	mVerts   = 1 + 2*mSocks // each may be in flight again; 0 is none
	mWorker  = 3            // the number of the kworker among the threads
	mThreads = 4
)

// An mCode is what a step does, or several that are known only when it is their turn.
type mCode uint8

const (
	mNone      mCode = iota
	mNop             // touches what nobody else sees: an allocation, a free, a flag
	mLock            // takes lock a
	mUnlock          // gives it back
	mGet             // fget() of descriptor a, and a register
	mTake            // close() takes what is at descriptor a
	mPut             // fput() of socket a
	mInstall         // fd_install() of it
	mPutSock         // sock_put() of socket a
	mPeer            // reads the peer of socket a
	mFirst           // the first message in the queue of socket a, for who looks at it
	mCount           // MSG_PEEK takes a reference of socket a
	mProgress        // reads gc_in_progress for that
	mSeq             // unix_peek_seq goes up
	mDeqFirst        // the first message for skb_dequeue()
	mDeq             // takes it
	mFp              // reads UNIXCB(skb).fp of message a
	mState           // writes unix_graph_state
	mTot             // writes unix_tot_inflight
	mGraphAdd        // takes unix_gc_lock, and has the edge of message a in the graph
	mGraphDel        // takes it, and has it out
	mDead            // reads SOCK_DEAD of socket a, to which message b goes, or sets it
	mReadTot         // reads unix_tot_inflight, to call the collector
	mReadState       // reads unix_graph_state, to call it
	mReadBusy        // reads gc_in_progress, to call it
	mSetBusy         // writes it
	mQueue           // queues work item a
	mEnqueue         // puts message b there
	mAgain           // says that the graph of socket a has changed
	mLook            // the collector reads unix_graph_state
	mFreed           // writes to a vertex that is freed
	mSeqBegin        // begins with component a
	mFile            // compares the count of its vertex b
	mSeqRetry        // looks whether MSG_PEEK has come
	mMove            // has a message of that vertex on the hitlist
	mWalked          // is through with all
	mPurge           // takes the first of the hitlist
	mUnlink          // and unlinks it
)

// The locks: those of sockets, and two more.
const (
	mState0 = 0
	mQueue0 = mSocks
	mIo0    = 2 * mSocks
	mGC     = 3 * mSocks
	mPeekSq = 3*mSocks + 1
	mLocks  = 3*mSocks + 2
)

// The work items.
const (
	mItemGC = 1 + iota
	mItemFput
)

type mOp struct {
	code mCode
	a, b uint8
}

// An mThread is what a thread has to do, from the last on, and what it remembers.
type mThread struct {
	ops  [mDeep]mOp
	n    uint8
	call uint8 // how many calls it has begun

	works [mSocks]uint8 // sockets to be released when the call is over
	nwork uint8

	seq               uint8
	dead, fast        bool
	cyclic, gone, got uint8
}

// push puts ops in front, the first first.
func (th *mThread) push(ops ...mOp) {
	for i := len(ops) - 1; i >= 0; i-- {
		th.ops[th.n] = ops[i]
		th.n++
	}
}

// An mMsg is a message with a socket, and its edge.
type mMsg struct {
	sock, to              uint8 // and 1
	inflight, dead, spare bool
}

// An mList is messages or sockets in order.
type mList struct {
	of [mMsgs]uint8
	n  uint8
}

func (l *mList) add(x uint8) { l.of[l.n], l.n = x, l.n+1 }

func (l *mList) del(x uint8) {
	i := 0
	for l.of[i] != x {
		i++
	}
	copy(l.of[i:], l.of[i+1:])
	l.n--
	l.of[l.n] = 0
}

func (l *mList) all() []uint8 { return l.of[:l.n] }

// An mSys is everything.
type mSys struct {
	threads [mThreads]mThread
	fd      [mFds]uint8 // and 1
	count   [mSocks]uint8
	refs    [mSocks]uint8
	peer    [mSocks]uint8 // and 1
	gone    [mSocks]bool  // SOCK_DEAD
	queue   [mSocks]mList
	edges   [mSocks]mList // a vertex, if there are any
	index   [mSocks]uint8 // scc_index
	vertex  [mSocks]uint8 // which one it has, or has had last
	after   [mVerts]uint8 // the one that is next on the ring of vertices
	inOrder mList         // vertices
	msgs    [mMsgs]mMsg
	hit     mList
	locked  [mLocks]bool

	state, cyclic, highest, busy, tot, seq uint8
	items, delayed                         mList
	by                                     [3]uint8 // who has queued each item last
}

// What asks may be but a socket.
const (
	mOfAll  = 100
	mOfNone = 101
)

// A machine is what never changes.
type machine struct {
	init, count, peek, inWork, schedule, unlink, oneIndex, again, section, always bool

	calls [3][]func(s *mSys, th *mThread, me uint8)
	asks  uint8 // of which socket it is asked in the end what has become of it
}

func (m *machine) enabled(s *mSys, me int) bool {
	th := &s.threads[me]
	if th.n == 0 {
		return me == mWorker && s.items.n > 0
	}
	switch op := th.ops[th.n-1]; op.code {
	case mLock:
		return !s.locked[op.a]
	case mGraphAdd, mGraphDel:
		return !s.locked[mGC]
	case mSeqBegin:
		return s.seq%2 == 0
	}
	return true
}

// next begins a thread's next call, once what has to be released is.
func (m *machine) next(s *mSys, me int) {
	th := &s.threads[me]
	for th.n == 0 {
		switch {
		case th.nwork > 0:
			th.nwork--
			m.release(th, th.works[th.nwork])
			th.works[th.nwork] = 0
		case me == mWorker && s.delayed.n > 0 && th.call == mItemFput:
			u := s.delayed.of[0]
			s.delayed.del(u)
			m.release(th, u)
		case me < mWorker && int(th.call) < len(m.calls[me]):
			th.call++
			m.calls[me][th.call-1](s, th, uint8(me))
		default:
			*th = mThread{call: th.call}
			if me == mWorker {
				th.call = 0
			}
			return
		}
	}
}

func mPeekCall(fd uint8) func(*mSys, *mThread, uint8) {
	return func(_ *mSys, th *mThread, _ uint8) { th.push(mOp{mGet, fd, 0}) }
}

func mSendCall(fd, right uint8) func(*mSys, *mThread, uint8) {
	return func(_ *mSys, th *mThread, _ uint8) { th.push(mOp{mGet, fd, right + 1}) }
}

func mCloseCall(fd uint8) func(*mSys, *mThread, uint8) {
	return func(_ *mSys, th *mThread, _ uint8) { th.push(mOp{mTake, fd, 0}) }
}

// release is unix_release_sock(), and the free of the file.
func (m *machine) release(th *mThread, u uint8) {
	th.push(mOp{mLock, mState0 + u, 0}, mOp{mDead, u, 0}, mOp{mPeer, u, 0})
}

// call is what calls the collector.
func (m *machine) call(th *mThread) {
	if m.schedule {
		th.push(mOp{mReadState, 0, 0})
	} else {
		th.push(mOp{mReadTot, 0, 0})
	}
}

// free is kfree_skb() of a message.
func free(th *mThread, msg uint8) { th.push(mOp{mFp, msg, 0}) }

// step has a thread take its step. It returns how that ends everything, or "".
func (m *machine) step(s *mSys, me int) string {
	th := &s.threads[me]
	if th.n == 0 { // the kworker takes an item
		item := s.items.of[0]
		s.items.del(item)
		if th.call = item; item == mItemGC {
			if m.inWork {
				th.push(mOp{mSetBusy, 1, 1})
			}
			m.collect(th)
		}
		m.next(s, me)
		return ""
	}
	th.n--
	op := th.ops[th.n]
	th.ops[th.n] = mOp{}
	how := ""
	if op.code < mReadTot {
		m.use(s, th, op, me)
	} else {
		how = m.collector(s, th, op, me)
	}
	m.next(s, me)
	return how
}

// collect is unix_gc(), but for gc_in_progress at the beginning.
func (m *machine) collect(th *mThread) {
	below := th.ops[:th.n]
	ops := []mOp{{mLock, mGC, 0}, {mLook, 0, 0}}
	if len(below) > 0 { // that comes first
		first := below[0]
		th.n = 0
		ops = append([]mOp{first}, ops...)
	}
	th.push(ops...)
}

// use is what has to do with sockets and messages.
func (m *machine) use(s *mSys, th *mThread, op mOp, me int) {
	switch op.code {
	case mLock:
		s.locked[op.a] = true
	case mUnlock:
		s.locked[op.a] = false
	case mGet:
		m.get(s, th, op, uint8(me))
	case mTake:
		if u := s.fd[op.a]; u != 0 {
			s.fd[op.a] = 0
			th.push(mOp{mPut, u - 1, 0})
		}
	case mPut:
		if s.count[op.a]--; s.count[op.a] == 0 {
			if me == mWorker {
				s.delayed.add(op.a)
				th.push(mOp{mQueue, mItemFput, 0})
			} else {
				th.works[th.nwork] = op.a
				th.nwork++
			}
		}
	case mInstall:
		s.fd[6+me] = op.a + 1
	case mPutSock:
		if s.refs[op.a]--; s.refs[op.a] == 0 {
			th.push(mOp{mNop, 0, 0})
		}
	case mDead:
		m.dead(s, th, op)
	case mPeer:
		u := op.a
		then := []mOp{{mUnlock, mState0 + u, 0}}
		if p := s.peer[u]; p != 0 {
			s.peer[u] = 0
			then = []mOp{{mNop, 0, 0}, then[0], {mPutSock, p - 1, 0}}
		}
		th.push(append(then, mOp{mLock, mQueue0 + u, 0}, mOp{mDeqFirst, u, 0})...)
	case mFirst:
		m.first(s, th, op.a)
	case mCount:
		s.count[op.a]++
	case mProgress:
		if s.busy != 0 {
			th.push(mOp{mLock, mPeekSq, 0}, mOp{mSeq, 0, 0}, mOp{mSeq, 0, 0}, mOp{mUnlock, mPeekSq, 0})
		}
	case mSeq:
		s.seq++
	case mDeqFirst:
		m.dequeue(s, th, op.a)
	case mDeq:
		s.queue[op.a].del(op.b)
	case mFp:
		m.destruct(s, th, op.a)
	case mState:
		s.state = 1
	case mTot:
		s.tot += op.a
	case mGraphAdd:
		m.graphAdd(s, th, op.a)
	case mGraphDel:
		m.graphDel(s, th, op.a)
	}
}

// get is what follows an fget(): of the socket to be used, with what is to be sent in b, or of
// what is to be sent, when got is the one to be used.
func (m *machine) get(s *mSys, th *mThread, op mOp, me uint8) {
	u := s.fd[op.a]
	if th.got != 0 {
		p := th.got - 1
		th.got = 0
		if th.push(mOp{mPut, p, 0}); u == 0 {
			return
		}
		s.count[u-1]++
		msg := mMsgs - 1 - me
		s.msgs[msg] = mMsg{sock: u, to: s.peer[p], spare: true}
		nop := mOp{mNop, 0, 0}
		th.push(nop, mOp{mLock, mState0 + s.peer[p] - 1, 0},
			mOp{mDead, s.peer[p] - 1, msg})
		return
	}
	if u == 0 {
		return
	}
	u--
	s.count[u]++
	if op.b != 0 {
		th.got = u + 1
		th.push(mOp{mGet, op.b - 1, 0})
		return
	}
	th.push(mOp{mLock, mIo0 + u, 0}, mOp{mLock, mState0 + u, 0}, mOp{mFirst, u, 0},
		mOp{mUnlock, mState0 + u, 0})
}

// first is unix_stream_read_generic() with MSG_PEEK, from the message on.
func (m *machine) first(s *mSys, th *mThread, u uint8) {
	unlock := th.ops[th.n-1]
	th.n--
	if s.queue[u].n == 0 {
		th.push(unlock, mOp{mUnlock, mIo0 + u, 0}, mOp{mNop, 0, 0}, mOp{mPut, u, 0})
		return
	}
	f := s.msgs[s.queue[u].of[0]].sock - 1
	ops := []mOp{unlock, {mNop, 0, 0}, {mCount, f, 0}}
	if m.peek {
		ops = append(ops, mOp{mProgress, 0, 0})
	}
	th.push(append(ops, mOp{mUnlock, mIo0 + u, 0}, mOp{mNop, 0, 0}, mOp{mInstall, f, 0},
		mOp{mPut, u, 0})...)
}

// dead is a socket that is released, or whether one is, to which a message is sent.
func (m *machine) dead(s *mSys, th *mThread, op mOp) {
	u, msg := op.a, op.b
	if msg == 0 {
		s.gone[u] = true
		return
	}
	unlock := mOp{mUnlock, mState0 + u, 0}
	if s.gone[u] {
		free(th, msg)
		th.push(unlock)
		return
	}
	ops := []mOp{{mGraphAdd, msg, 0}}
	if !m.section {
		ops = append(ops, enqueue(u, msg)...)
	}
	if m.again {
		ops = append(ops, mOp{mLock, mGC, 0}, mOp{mAgain, u, 0})
	}
	th.push(append(ops, unlock)...)
}

// enqueue is skb_queue_tail().
func enqueue(u, msg uint8) []mOp {
	return []mOp{{mLock, mQueue0 + u, 0}, {mEnqueue, u, msg}, {mUnlock, mQueue0 + u, 0}}
}

// dequeue is skb_dequeue(), and what unix_release_sock() does then.
func (m *machine) dequeue(s *mSys, th *mThread, u uint8) {
	unlock := mOp{mUnlock, mQueue0 + u, 0}
	if s.queue[u].n == 0 {
		th.push(mOp{mNop, 0, 0}) // the free of the file
		m.call(th)
		th.push(unlock, mOp{mPutSock, u, 0})
		return
	}
	msg := s.queue[u].of[0]
	th.push(mOp{mDeq, u, msg}, unlock, mOp{mFp, msg, 0}, mOp{mLock, mQueue0 + u, 0},
		mOp{mDeqFirst, u, 0})
}

// destruct is unix_destruct_scm(), and the free of the message.
func (m *machine) destruct(s *mSys, th *mThread, msg uint8) {
	nop := mOp{mNop, 0, 0}
	if s.msgs[msg].sock == 0 {
		th.push(nop)
		return
	}
	ops := []mOp{nop} // fp is cleared
	if s.msgs[msg].inflight {
		ops = append(ops, mOp{mGraphDel, msg, 0})
	} else if s.msgs[msg].spare {
		ops = append(ops, nop)
	}
	th.push(append(ops, nop, mOp{mPut, s.msgs[msg].sock - 1, 0}, nop)...)
}
