package aio

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/fifo"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// deviceEntry is the place of a request among those that the device has.
type deviceEntry = fifo.Entry

// Entry returns the request's place in the device.
func (req *aioKiocb) Entry() *fifo.Entry { return &req.device }

// device is whatever does the IO. It completes the requests that it has, in any
// order and at any time, from an interrupt: the agent irq. A program without
// requests has no need of one.
type device struct {
	queue    fifo.Queue[*aioKiocb]
	thread   *schedule.Thread
	complete func(t *schedule.Thread, req *aioKiocb) // aio_complete() of the variant
}

// boot creates the agent. Its interrupt comes on a CPU of its own, or interrupts cpu if
// that is not nil.
func (d *device) boot(e *schedule.Exec, cpu *schedule.CPU) {
	d.queue.Reset()
	if cpu != nil {
		d.thread = e.Handler("irq", cpu, d)
	} else {
		d.thread = e.Agent("irq", d)
	}
}

// submit gives req to the device. The file system may sleep before, for a lock or for memory,
// and after, to touch the inode.
func (d *device) submit(t *schedule.Thread, req *aioKiocb) {
	preempt.MightSleep(t, "read_iter")
	t.Step(schedule.Op{Verb: "submit_bio", Cell: req.device.Cell(), Mode: schedule.WriteOnce | schedule.Release})
	d.queue.Push(t, req)
	d.thread.Rouse()
	preempt.MightSleep(t, "read_iter")
}

// Pending implements [schedule.Sleeper].
func (d *device) Pending() bool { return d.queue.Len() > 0 }

// Ready reports whether the device has a request.
func (d *device) Ready(t *schedule.Thread) bool {
	d.queue.Look(t)
	return d.queue.Len() > 0
}

// Run completes one request in interrupt context. The schedule says which.
func (d *device) Run(t *schedule.Thread) {
	i := t.Choose(d.queue.Len())
	req := d.queue.At(i)
	d.queue.Remove(t, i)
	preempt.IrqEnter(t)
	t.Begin(schedule.Op{Verb: "interrupt", Cell: req.device.Cell(), Mode: schedule.RMWFull})
	d.complete(t, req)
	preempt.IrqExit(t)
}
