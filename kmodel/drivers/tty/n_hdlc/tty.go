package nhdlc

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// This file is what is around the line discipline: drivers/tty/tty_io.c, tty_ioctl.c and pty.c.

// ttyStruct is struct tty_struct.
type ttyStruct struct {
	schedule.Object
	doWriteWakeup   wakeupBit // of flags
	flowLock        spin.Lock
	stopped         mem.Int
	flowStopped     mem.Int
	discData        mem.Ptr[*nHdlc]
	atomicWriteLock mutex.Mutex
}

// wakeupBit is TTY_DO_WRITE_WAKEUP, of the flags: that the line discipline is to be told when the
// driver can take more.
type wakeupBit struct{ schedule.Cell }

func (b *wakeupBit) set_(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "set_bit", Cell: &b.Cell, Mode: schedule.RMW})
	b.Set(1)
}

func (b *wakeupBit) clear_(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "clear_bit", Cell: &b.Cell, Mode: schedule.RMW})
	b.Set(0)
}

func (b *wakeupBit) test_(t *schedule.Thread) bool {
	t.Step(schedule.Op{Verb: "test_bit", Cell: &b.Cell, Mode: schedule.ReadOnce})
	return t.Observe(t.Load(&b.Cell)) != 0
}

// init and isSet are without a step.
func (b *wakeupBit) init()       { b.Set(1) }
func (b *wakeupBit) isSet() bool { return b.Value() != 0 }

// ttyWrite is tty_write(), and do_tty_write(), of one frame.
func (s *system) ttyWrite(t *schedule.Thread) {
	if !s.tty.atomicWriteLock.Trylock(t) { // tty_write_lock
		return // -EAGAIN
	}
	s.tty.discData.Read(t).nHdlcTtyWrite(t)
	s.tty.atomicWriteLock.Unlock(t) // tty_write_unlock
}

// ttyIoctl is tty_ioctl(), and n_hdlc_tty_ioctl().
func (s *system) ttyIoctl(t *schedule.Thread, c call) {
	switch c {
	case tcflsh:
		if n := s.tty.discData.Read(t); s.Has(flushTx) {
			n.flushTxQueue(t)
		}
	case tcoff:
		s.stop_(t)
	case tcon:
		s.start_(t)
	}
}

// stop_ is TCXONC with TCOOFF, of n_tty_ioctl_helper().
func (s *system) stop_(t *schedule.Thread) {
	s.tty.flowLock.LockIrq(t)
	if s.tty.flowStopped.Read(t) == 0 {
		s.tty.flowStopped.Write(t, 1)
		s.__stopTty(t)
	}
	s.tty.flowLock.UnlockIrq(t)
}

// __stopTty is __stop_tty().
func (s *system) __stopTty(t *schedule.Thread) {
	if s.tty.stopped.Read(t) == 0 {
		s.tty.stopped.Write(t, 1)
	}
}

// start_ is TCXONC with TCOON.
func (s *system) start_(t *schedule.Thread) {
	s.tty.flowLock.LockIrq(t)
	if s.tty.flowStopped.Read(t) != 0 {
		s.tty.flowStopped.Write(t, 0)
		s.__startTty(t)
	}
	s.tty.flowLock.UnlockIrq(t)
}

// __startTty is __start_tty(), when flow_stopped is 0.
func (s *system) __startTty(t *schedule.Thread) {
	if s.tty.stopped.Read(t) == 0 {
		return
	}
	s.tty.stopped.Write(t, 0)
	s.ttyWakeup(t)
}

// ttyWakeup is tty_wakeup().
func (s *system) ttyWakeup(t *schedule.Thread) {
	if s.tty.doWriteWakeup.test_(t) {
		s.tty.discData.Read(t).nHdlcTtyWakeup(t)
	}
}

// ptyWrite is pty_write(). It reports whether it has taken the frame.
func (s *system) ptyWrite(t *schedule.Thread) bool { return s.tty.stopped.Read(t) == 0 }

// ttyRelease is tty_release().
func (s *system) ttyRelease(t *schedule.Thread) { s.tty.discData.Read(t).nHdlcTtyClose(t) }
