package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A queue holds the bugs whose reports are to be made: regressions first, then those of the targets
// whose reports have taken the least time, then in the order in which they were found. So the first
// of a target does not wait for the tenth of another, and what is quick not for what is slow: a
// report takes from 10 ms to 20 s, and those of one target are alike. It has no limit: a target has
// at most maxBugs.
type queue struct {
	mu     sync.Mutex
	list   []*bug
	spent  map[*target]time.Duration
	closed bool
	more   chan struct{} // has one value if the above has changed
}

func (q *queue) init() {
	q.more, q.spent = make(chan struct{}, 1), map[*target]time.Duration{}
}

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
	q.change(func() { q.list = append(q.list, b) })
}

// spend adds to what the reports of a target have taken.
func (q *queue) spend(t *target, d time.Duration) {
	q.mu.Lock()
	q.spent[t] += d
	q.mu.Unlock()
}

// take takes out the bug whose turn it is, of a list that is not empty.
func (q *queue) take() *bug {
	first := 0
	for i, b := range q.list {
		if q.before(b, q.list[first]) {
			first = i
		}
	}
	b := q.list[first]
	q.list = slices.Delete(q.list, first, first+1)
	return b
}

// before reports whether the turn of a bug is before that of one that was found earlier.
func (q *queue) before(b, earlier *bug) bool {
	if b.regression() != earlier.regression() {
		return b.regression()
	}
	return q.spent[b.target] < q.spent[earlier.target]
}

// close says that nobody but the taker adds anything any more.
func (q *queue) close() { q.change(func() { q.closed = true }) }

// len returns how many bugs are waiting.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// next takes the bug whose turn it is, and waits for one if there is none. It returns false if ctx
// is done, or the queue is closed and empty.
func (q *queue) next(ctx context.Context) (*bug, bool) {
	for ctx.Err() == nil {
		q.mu.Lock()
		if len(q.list) > 0 {
			b := q.take()
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
