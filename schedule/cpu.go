package schedule

// A CPU is what interrupts act on. Every thread has one of its own unless the
// program says otherwise; a handler shares it with the thread it interrupts.
type CPU struct {
	num      int     // of the thread that it was made for
	irqsOff  int     // nesting of sections with interrupts off
	handlers int     // handlers that may interrupt this CPU
	handler  *Thread // the handler that runs here now: the others of this CPU are not enabled
	stores   *storeBuffer
}

// IrqsOff reports whether interrupts are off on the CPU.
func (c *CPU) IrqsOff() bool { return c.irqsOff > 0 }

// Interruptible reports whether there is any handler that could interrupt this
// CPU. Where there is none, turning interrupts off needs no step.
func (c *CPU) Interruptible() bool { return c.handlers > 0 }

// InInterrupt reports whether a handler runs on the CPU.
func (c *CPU) InInterrupt() bool { return c.handler != nil }

// DisableIrqs turns interrupts off; sections nest. It is no step: it belongs
// to the step of the primitive that does it.
func (c *CPU) DisableIrqs() { c.irqsOff++ }

// EnableIrqs ends a section of [CPU.DisableIrqs].
func (c *CPU) EnableIrqs() { c.irqsOff-- }
