package garbage

// graphAdd is unix_add_edges().
func (m *machine) graphAdd(s *mSys, th *mThread, msg uint8) {
	s.locked[mGC] = true
	x := &s.msgs[msg]
	u, to := x.sock-1, x.to-1
	if s.edges[u].n == 0 {
		m.vertex(s, u)
		x.spare = false
	}
	s.edges[u].add(msg)
	x.inflight = true
	var ops []mOp
	if s.edges[to].n > 0 {
		ops = append(ops, mOp{mState, 0, 0})
	}
	if !m.schedule {
		ops = append(ops, mOp{mTot, 1, 0})
	}
	if m.section {
		ops = append(ops, enqueue(to, msg)...)
	}
	ops = append(ops, mOp{mUnlock, mGC, 0})
	if x.spare {
		ops = append(ops, mOp{mNop, 0, 0})
	}
	th.push(ops...)
}

// vertex makes one.
func (m *machine) vertex(s *mSys, u uint8) {
	s.inOrder.add(u)
	s.index[u] = 0
	if s.vertex[u]++; s.vertex[u] == 1 {
		s.vertex[u] += 2 * u
	}
	s.after[s.vertex[u]] = s.vertex[u]
	if m.init {
		s.highest++
		s.index[u] = s.highest
	}
}

// graphDel is unix_del_edges(), and the free of a vertex without edges.
func (m *machine) graphDel(s *mSys, th *mThread, msg uint8) {
	s.locked[mGC] = true
	x := &s.msgs[msg]
	u, to := x.sock-1, x.to-1
	var ops []mOp
	if !x.dead && s.edges[to].n > 0 {
		ops = append(ops, mOp{mState, 0, 0})
	}
	s.edges[u].del(msg)
	x.inflight = false
	if !m.schedule {
		ops = append(ops, mOp{mTot, 255, 0})
	}
	ops = append(ops, mOp{mUnlock, mGC, 0})
	if s.edges[u].n == 0 {
		s.inOrder.del(u)
		if m.unlink {
			s.after[s.before(s.vertex[u])] = s.after[s.vertex[u]]
			s.after[s.vertex[u]] = 0
		}
		ops = append(ops, mOp{mNop, 0, 0})
	}
	th.push(ops...)
}

// before is the vertex of which v is the next one.
func (s *mSys) before(v uint8) uint8 {
	at := v
	for s.after[at] != v {
		at = s.after[at]
	}
	return at
}

// of is the socket that has the vertex, or none if it is freed.
func (s *mSys) of(v uint8) (u uint8, ok bool) {
	u = (v - 1) / 2
	return u, s.vertex[u] == v && s.edges[u].n > 0
}

// collector is what has to do with the collector: to call it, and it.
func (m *machine) collector(s *mSys, th *mThread, op mOp, me int) string {
	switch op.code {
	case mReadTot:
		if s.tot != 0 {
			th.push(mOp{mSetBusy, 1, 0}, mOp{mQueue, mItemGC, 0})
		}
	case mReadState:
		switch {
		case s.state == 0:
		case m.always:
			m.queueItem(th)
		default:
			th.push(mOp{mReadBusy, 0, 0})
		}
	case mReadBusy:
		if s.busy == 0 {
			m.queueItem(th)
		}
	case mSetBusy:
		s.busy = op.a
	case mQueue:
		for _, item := range s.items.all() {
			if item == op.a {
				return ""
			}
		}
		s.items.add(op.a)
		if s.threads[mWorker].call != op.a { // else it goes where it comes from
			s.by[op.a] = uint8(me)
		}
	case mEnqueue:
		s.queue[op.a].add(op.b)
	case mAgain:
		if s.edges[op.a].n > 0 {
			s.state = 1
			th.push(mOp{mUnlock, mGC, 0})
		} else {
			s.locked[mGC] = false
		}
	case mLook:
		if s.state == 0 {
			th.push(mOp{mUnlock, mGC, 0}, mOp{mSetBusy, 0, 0})
			return ""
		}
		th.fast = s.state == 2
		if !th.fast {
			m.store(s)
		}
		m.component(s, th, 0)
	case mWalked:
		m.walked(s, th)
	case mPurge:
		if s.hit.n == 0 {
			th.push(mOp{mSetBusy, 0, 0})
			return ""
		}
		msg := s.hit.of[0]
		th.push(mOp{mUnlink, 0, msg}, mOp{mFp, msg, 0}, mOp{mPurge, 0, 0})
	case mUnlink:
		s.hit.del(op.b)
	default:
		return m.look(s, th, op)
	}
	return ""
}

func (m *machine) queueItem(th *mThread) {
	if !m.inWork {
		th.push(mOp{mSetBusy, 1, 0})
	}
	th.push(mOp{mQueue, mItemGC, 0})
	if !m.inWork { // that comes first
		th.ops[th.n-1], th.ops[th.n-2] = th.ops[th.n-2], th.ops[th.n-1]
	}
}

// walked is the end of a walk.
func (m *machine) walked(s *mSys, th *mThread) {
	n := th.cyclic
	if th.fast && m.count {
		n = s.cyclic - th.gone
	}
	s.cyclic, s.state = n, 0
	if n != 0 {
		s.state = 2
	}
	for _, msg := range s.hit.all() {
		s.msgs[msg].dead = true
	}
	th.cyclic, th.gone, th.dead, th.fast, th.seq = 0, 0, false, false, 0
	th.push(mOp{mUnlock, mGC, 0}, mOp{mPurge, 0, 0})
}

// component begins with component i, if there is one.
func (m *machine) component(s *mSys, th *mThread, i uint8) {
	if int(i) >= len(m.sccs(s, th.fast)) {
		th.push(mOp{mWalked, 0, 0})
		return
	}
	th.dead = true
	if th.fast {
		if _, ok := s.of(s.before(s.vertex[m.sccs(s, true)[i][0]])); !ok {
			th.push(mOp{mFreed, 0, 0})
			return
		}
	}
	if m.peek {
		th.push(mOp{mSeqBegin, i, 0})
	} else {
		m.vertices(s, th, i, 0)
	}
}

// vertices goes on with vertex j of component i.
func (m *machine) vertices(s *mSys, th *mThread, i, j uint8) {
	scc := m.sccs(s, th.fast)[i]
	for ; th.dead && int(j) < len(scc); j++ {
		for _, msg := range s.edges[scc[j]].all() {
			to := s.msgs[msg].to - 1
			th.dead = th.dead && s.edges[to].n > 0 && s.index[to] == s.index[scc[j]]
		}
		if th.dead {
			th.push(mOp{mFile, i, j})
			return
		}
	}
	if m.peek {
		th.push(mOp{mSeqRetry, i, 0})
	} else {
		m.judge(s, th, i)
	}
}

// judge is what becomes of component i.
func (m *machine) judge(s *mSys, th *mThread, i uint8) {
	scc := m.sccs(s, th.fast)[i]
	if th.dead {
		th.gone++
		m.take(s, th, i, 0)
		return
	}
	if !th.fast {
		s.highest = max(s.highest, s.index[scc[0]])
	}
	cyclic := len(scc) > 1
	for _, msg := range s.edges[scc[0]].all() {
		cyclic = cyclic || s.msgs[msg].to-1 == scc[0]
	}
	if cyclic {
		th.cyclic++
	}
	m.component(s, th, i+1)
}

// take has the messages of vertex j of component i on the hitlist.
func (m *machine) take(s *mSys, th *mThread, i, j uint8) {
	scc := m.sccs(s, th.fast)[i]
	if int(j) == len(scc) {
		m.component(s, th, i+1)
		return
	}
	th.push(mOp{mLock, mQueue0 + scc[j], 0})
	// What follows the lock is known when it is taken: mMove with nothing to move is the unlock.
	th.ops[th.n-1], th.ops[th.n] = mOp{mMove, i, j}, th.ops[th.n-1]
	th.n++
}

// look is the collector at a component.
func (m *machine) look(s *mSys, th *mThread, op mOp) string {
	i, j := op.a, op.b
	switch op.code {
	case mFreed:
		return "use-after-free"
	case mSeqBegin:
		th.seq = s.seq
		m.vertices(s, th, i, 0)
	case mFile:
		u := m.sccs(s, th.fast)[i][j]
		th.dead = s.count[u] == s.edges[u].n
		m.vertices(s, th, i, j+1)
	case mSeqRetry:
		if s.seq != th.seq {
			th.dead = false
		}
		m.judge(s, th, i)
	case mMove:
		u := m.sccs(s, th.fast)[i][j]
		if s.queue[u].n == 0 {
			s.locked[mQueue0+u] = false
			m.take(s, th, i, j+1)
			return ""
		}
		msg := s.queue[u].of[0]
		s.queue[u].del(msg)
		s.hit.add(msg)
		if m.live(s)[u] {
			return "lost-update"
		}
		th.push(op)
	}
	return ""
}

// sccs returns the components, as they are found or as they are known.
func (m *machine) sccs(s *mSys, fast bool) [][]uint8 {
	if !fast {
		sccs, _ := m.tarjan(s)
		return sccs
	}
	var sccs [][]uint8
	var seen [mSocks]bool
	for _, first := range s.inOrder.all() {
		if seen[first] {
			continue
		}
		scc := []uint8{first}
		for v := s.after[s.vertex[first]]; v != s.vertex[first]; v = s.after[v] {
			if u, ok := s.of(v); ok {
				scc = append(scc, u)
				seen[u] = true
			}
		}
		sccs = append(sccs, scc)
	}
	return sccs
}

// tarjan returns the components, and what becomes of scc_index.
func (m *machine) tarjan(s *mSys) (sccs [][]uint8, low [mSocks]uint8) {
	var num [mSocks]uint8
	var done [mSocks]bool
	var stack []uint8
	next := uint8(2)
	var dfs func(u uint8)
	dfs = func(u uint8) {
		num[u], low[u] = next, next
		next++
		stack = append(stack, u)
		for _, msg := range s.edges[u].all() {
			v := s.msgs[msg].to - 1
			if s.edges[v].n == 0 {
				continue
			}
			if num[v] == 0 {
				dfs(v)
			}
			if !done[v] && low[v] < low[u] {
				low[u] = low[v]
			}
		}
		if low[u] != num[u] {
			return
		}
		at := 0
		for stack[at] != u {
			at++
		}
		scc := append([]uint8(nil), stack[at:]...)
		stack = stack[:at]
		for _, v := range scc {
			if done[v] = true; m.oneIndex {
				low[v] = low[u]
			}
		}
		sccs = append(sccs, scc)
	}
	for _, u := range s.inOrder.all() {
		if num[u] == 0 {
			dfs(u)
		}
	}
	return sccs, low
}

// store is what a walk leaves behind.
func (m *machine) store(s *mSys) {
	sccs, low := m.tarjan(s)
	s.highest = 2
	for _, scc := range sccs {
		for i, u := range scc {
			s.index[u] = low[u]
			s.after[s.vertex[u]] = s.vertex[scc[(i+1)%len(scc)]]
		}
	}
}

// live is the sockets in flight that somebody may get at.
func (m *machine) live(s *mSys) (live [mSocks]bool) {
	for range mSocks {
		for _, u := range s.inOrder.all() {
			live[u] = live[u] || s.count[u] > s.edges[u].n
			for _, msg := range s.edges[u].all() {
				to := s.msgs[msg].to - 1
				live[u] = live[u] || s.edges[to].n == 0 || live[to]
			}
		}
	}
	return live
}

// end says how it has ended when nobody has anything to do.
func (m *machine) end(s *mSys) string {
	live := m.live(s)
	for _, u := range s.inOrder.all() {
		if live[u] || m.asks != mOfAll && m.asks != u {
			continue
		}
		if s.state == 0 {
			return "memory-leak"
		}
		index := s.index
		if s.state == 1 {
			_, index = m.tarjan(s)
		}
		for _, scc := range m.sccs(s, s.state == 2) {
			in, one := false, true
			for _, v := range scc {
				in = in || v == u
				one = one && index[v] == index[scc[0]]
			}
			if in && one {
				if m.asks == u {
					return "pass"
				}
				return "lost-update"
			}
		}
		return "memory-leak"
	}
	return "pass"
}
