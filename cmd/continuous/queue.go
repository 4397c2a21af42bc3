package main

import (
	"context"
	"slices"
	"sync"
)

// A queue holds the bugs whose reports are to be made: regressions first, then in the order
// in which they were found. It has no limit: a target has at most maxBugs.
type queue struct {
	mu     sync.Mutex
	list   []*bug
	closed bool
	more   chan struct{} // has one value if the above has changed
}

func (q *queue) init() { q.more = make(chan struct{}, 1) }

func (q *queue) change(f func()) {
	q.mu.Lock()
	f()
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// add adds a bug. One that is added after close is added nevertheless.
func (q *queue) add(b *bug) {
	q.change(func() {
		at := len(q.list)
		for b.regression() && at > 0 && !q.list[at-1].regression() {
			at--
		}
		q.list = slices.Insert(q.list, at, b)
	})
}

// close says that nobody but the taker adds anything any more.
func (q *queue) close() { q.change(func() { q.closed = true }) }

// len returns how many bugs are waiting.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// next takes the first bug, and waits for one if there is none. It returns false if ctx is
// done, or the queue is closed and empty.
func (q *queue) next(ctx context.Context) (*bug, bool) {
	for ctx.Err() == nil {
		q.mu.Lock()
		if len(q.list) > 0 {
			b := q.list[0]
			q.list = q.list[1:]
			q.mu.Unlock()
			return b, true
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			break
		}
		select {
		case <-ctx.Done():
		case <-q.more:
		}
	}
	return nil, false
}
