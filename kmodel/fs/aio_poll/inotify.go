package aiopoll

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/wait"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// fsnotifyGroup is struct fsnotify_group, of an inotify instance (fs/notify).
type fsnotifyGroup struct {
	schedule.Object
	notificationLock  spin.Lock
	qLen              mem.Int // events in notification_list; under notification_lock
	notificationWaitq waitQueueHead
}

// inotifyPoll is inotify_poll(), called without a queue to wait at.
func (group *fsnotifyGroup) inotifyPoll(t *schedule.Thread) int {
	group.notificationLock.Lock(t)
	n := group.qLen.Read(t)
	group.notificationLock.Unlock(t)
	return min(n, 1) * wait.Epollin
}

// fsnotifyAddEvent is fsnotify_add_event(), which 5.16 has as fsnotify_insert_event(), of an
// event that is not the same as the last: those who poll are woken, and not told why.
func (group *fsnotifyGroup) fsnotifyAddEvent(t *schedule.Thread) {
	group.notificationLock.Lock(t)
	group.qLen.Write(t, group.qLen.Read(t)+1)
	group.notificationLock.Unlock(t)
	group.notificationWaitq.WakeUp(t, 0)
}

// inotifyRead is inotify_read() of one event, if there is any. Its own entry at the queue, for
// when it has to wait, is left out.
func (group *fsnotifyGroup) inotifyRead(t *schedule.Thread) {
	group.notificationLock.Lock(t)
	if n := group.qLen.Read(t); n > 0 {
		group.qLen.Write(t, n-1)
	}
	group.notificationLock.Unlock(t)
}
