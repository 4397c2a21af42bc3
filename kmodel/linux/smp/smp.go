// Package smp is calling a function on other CPUs (include/linux/smp.h).
//
// A program says which thread runs on which CPU ([Place]) and then starts the
// interrupts ([Boot]): an agent for each CPU, which handles the calls that it gets.
//
// Steps: CallFunctionMany one, which reads the mask and sends the interrupts, and one
// more, if it is to wait and there is anybody to wait for: it is enabled when all have
// acknowledged. The mask is not looked at again. (The kernel reads the mask first and
// then sends; a handler that starts later is the same as an interrupt sent later.) A
// handler is enabled where interrupts are on and no other handler runs; while it runs,
// nothing else does on that CPU. It starts with one step and acknowledges with its
// last.
//
// A caller whose previous call, made without waiting, has not been taken up yet by a CPU that it
// calls again waits for that when it has read the mask, and sends in a second step. That is since
// 5.13: before, a call to one CPU alone (smp_call_function_single()) waits for the previous one
// of that sort, whomever it was to, and for none to several.
//
// Misuse: calling with interrupts off, since two that do may wait for each other for
// ever, or with preemption on, since "the other CPUs" must not change: both are
// [schedule.LockRule].
//
// A CPU may go offline and come back ([SetCPUOnline], one step). Who is offline is not
// called. A call that has been sent is handled before its CPU goes.
//
// Not modelled: the way down and up but for that; stop_machine(), by which a CPU cannot go
// offline while another has preemption off. Several calls that wait at one CPU are
// handled in any order.
package smp

import (
	"math/bits"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/cpumask"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/preempt"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// MaxCPUs is the most CPUs that a program may have.
const MaxCPUs = 4

// A Func is a function that other CPUs can be made to call, as a field of the object
// that it is about. It is one function all its life. arg is for what the caller passes
// besides, 0 to 15.
type Func struct {
	self schedule.Cell // stands for it in traces and hashes; always 0
	run  func(t *schedule.Thread, arg int)
}

// Init belongs in the constructor of the object.
func (f *Func) Init(run func(t *schedule.Thread, arg int)) { f.run = run }

// The bits of a call in its cell. The upper ones name the function and the argument.
const (
	queued   = 1 << iota // not taken up yet
	waits                // the caller waits for the end
	running              // taken up
	argShift = iota
	idShift  = argShift + 4
)

type state struct {
	schedule.Object
	csd   [MaxCPUs][MaxCPUs]schedule.Cell // call_single_data from a CPU to a CPU; 0: free
	fn    [MaxCPUs][MaxCPUs]*Func         // of csd
	n     int
	alive schedule.Cell            // cpu_online_mask
	cpu   [MaxCPUs]*schedule.CPU   // nil: idle
	of    [schedule.MaxThreads]int // CPU of each thread + 1; 0: placed on none
	irq   [MaxCPUs]interrupt
	lock  [MaxCPUs]csdLock
	done  [MaxCPUs]csdWait
	dying [MaxCPUs]dying
	bound bool
}

var facility = schedule.NewFacility[state]()

func (s *state) Reset(e *schedule.Exec) {
	if !s.bound {
		s.bound = true
		s.Bind(s, "smp")
		for i := range MaxCPUs {
			s.irq[i] = interrupt{s, i}
			s.done[i] = csdWait{s, i}
			s.dying[i] = dying{s, i}
		}
	}
	facility.Static(e, &s.Object)
	s.n = 0
	s.cpu = [MaxCPUs]*schedule.CPU{}
	clear(s.of[:e.Width()])
}

// Place says that t runs on the CPU of that number, and nobody else does.
func Place(e *schedule.Exec, t *schedule.Thread, cpu int) {
	s := facility.Of(e)
	s.cpu[cpu] = t.CPU()
	s.of[t.ID] = cpu + 1
}

// names of the interrupts.
var names = [MaxCPUs]string{"ipi0", "ipi1", "ipi2", "ipi3"}

// Boot brings up the first n CPUs. Those that no thread was placed on are idle, and
// take their interrupts all the same.
func Boot(e *schedule.Exec, n int) {
	s := facility.Of(e)
	s.n = n
	s.alive.Set(1<<n - 1)
	for i := range n {
		if s.cpu[i] != nil {
			s.of[e.Handler(names[i], s.cpu[i], &s.irq[i]).ID] = i + 1
		} else {
			s.of[e.Agent(names[i], &s.irq[i]).ID] = i + 1
		}
	}
}

// ProcessorID is smp_processor_id().
func ProcessorID(t *schedule.Thread) int {
	cpu := facility.Of(t.Exec()).of[t.ID] - 1
	if cpu < 0 {
		panic("smp: " + t.Name + " was placed on no CPU")
	}
	return cpu
}

// SetCPUOnline is set_cpu_online() of the CPU that t runs on. One that goes handles first
// what it has been called for. In the kernel it does so after (smpcfd_dying_cpu()), with
// everybody else stopped, which comes to the same.
func SetCPUOnline(t *schedule.Thread, online bool) {
	s := facility.Of(t.Exec())
	self := ProcessorID(t)
	op := schedule.Op{Verb: "set_cpu_online", Cell: &s.alive, Mode: schedule.RMW}
	if online {
		t.Step(op)
		s.alive.Set(s.alive.Value() | cpumask.Of(self))
		return
	}
	op.Mode |= schedule.Blocks
	t.Await(op, &s.dying[self])
	s.alive.Set(s.alive.Value() &^ cpumask.Of(self))
}

// dying is the gate of a CPU that goes offline: nobody has called it.
type dying struct {
	s   *state
	cpu int
}

// Open implements [schedule.Gate].
func (g *dying) Open(t *schedule.Thread) bool { return !g.s.irq[g.cpu].Ready(t) }

// Online returns how many CPUs there are, offline ones included.
func Online(e *schedule.Exec) int { return facility.Of(e).n }

// CallFunctionMany is smp_call_function_many(): have every CPU in the mask that is online,
// but this one, call f, and wait until they have if wait is set.
func CallFunctionMany(t *schedule.Thread, mask *cpumask.Mask, f *Func, arg int, wait bool) {
	s := facility.Of(t.Exec())
	self := ProcessorID(t)
	if t.CPU().IrqsOff() {
		t.Warn(schedule.LockRule, nil, schedule.Party{}, "smp_call_function_many with interrupts off")
	} else if !preempt.Atomic(t) {
		t.Warn(schedule.LockRule, nil, schedule.Party{}, "smp_call_function_many with preemption on")
	}
	t.Step(schedule.Op{Verb: "smp_call_function_many", Cell: mask.Cell(), Mode: schedule.ReadOnce})
	targets := t.Load(mask.Cell()) & s.alive.Value() &^ cpumask.Of(self)
	last := bits.Len64(targets) - 1
	s.lock[self] = csdLock{s, self, targets}
	free := t.ObserveBool(s.lock[self].Open(t))
	if t.Observe(targets); !free {
		t.Await(schedule.Op{Verb: "csd_lock", Cell: &s.csd[self][last],
			Mode: schedule.ReadOnce | schedule.Acquire | schedule.Blocks}, &s.lock[self])
		targets &= s.alive.Value() // who went offline meanwhile; see stop_machine() above
	}
	v := f.self.ID()<<idShift | uint64(arg)<<argShift | queued
	if wait {
		v |= waits
	}
	for i := range s.n {
		if targets>>i&1 != 0 {
			s.csd[self][i].Set(v)
			s.fn[self][i] = f
		}
	}
	if wait && last >= 0 {
		t.Await(schedule.Op{Verb: "csd_lock_wait", Cell: &s.csd[self][last],
			Mode: schedule.ReadOnce | schedule.Acquire | schedule.Blocks}, &s.done[self])
	}
}

// csdLock is the gate of a new call: the previous one has been taken up by whom this one is
// for.
type csdLock struct {
	s       *state
	cpu     int
	targets uint64
}

// Open implements [schedule.Gate].
func (g *csdLock) Open(*schedule.Thread) bool {
	for i := range g.s.n {
		if g.targets>>i&1 != 0 && g.s.csd[g.cpu][i].Value()&queued != 0 {
			return false
		}
	}
	return true
}

// csdWait is the gate of waiting for a call.
type csdWait struct {
	s   *state
	cpu int
}

// Open implements [schedule.Gate].
func (g *csdWait) Open(*schedule.Thread) bool {
	for i := range g.s.n {
		if g.s.csd[g.cpu][i].Value()&waits != 0 {
			return false
		}
	}
	return true
}

// interrupt is the agent that handles the calls to one CPU.
type interrupt struct {
	s   *state
	cpu int
}

// Ready reports whether there is a call.
func (a *interrupt) Ready(*schedule.Thread) bool {
	for i := range a.s.n {
		if a.s.csd[i][a.cpu].Value()&queued != 0 {
			return true
		}
	}
	return false
}

// Run handles one call. The schedule says which.
func (a *interrupt) Run(t *schedule.Thread) {
	s := a.s
	n := 0
	for i := range s.n {
		n += int(s.csd[i][a.cpu].Value() & queued)
	}
	from := a.nth_(t.Choose(n))
	csd := &s.csd[from][a.cpu]
	v := csd.Value()
	f := s.fn[from][a.cpu]
	preempt.IrqEnter(t)
	t.Begin(schedule.Op{Verb: "interrupt", Cell: &f.self, Mode: schedule.Barrier})
	arg := int(v >> argShift & (1<<(idShift-argShift) - 1))
	t.Observe(uint64(from)<<4 | uint64(arg))
	csd.Set(v&^queued | running)
	if v&waits == 0 {
		csd.Set(0) // the caller may use it again
	}
	f.run(t, arg)
	if v&waits != 0 {
		csd.Set(0)
	}
	preempt.IrqExit(t)
}

// nth_ returns the CPU that the nth of the waiting calls comes from.
func (a *interrupt) nth_(n int) int {
	for i := range a.s.n {
		if a.s.csd[i][a.cpu].Value()&queued == 0 {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	panic("smp: no such call")
}
