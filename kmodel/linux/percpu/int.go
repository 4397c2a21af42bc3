package percpu

import "github.com/kschedfuzz/kschedfuzz/schedule"

// MaxCPUs is how many CPUs an [Int] has.
const MaxCPUs = 3

// An Int is an int for each CPU, as alloc_percpu() returns (include/linux/percpu.h). The
// caller says on which CPU he runs: a thread may be on another the next time.
type Int struct{ cpu [MaxCPUs]schedule.Cell }

// ThisCPUAdd is this_cpu_add() on that CPU. It orders nothing.
func (x *Int) ThisCPUAdd(t *schedule.Thread, cpu, n int) {
	c := &x.cpu[cpu]
	t.Step(schedule.Op{Verb: "this_cpu_add", Cell: c, Mode: schedule.PlainRead | schedule.PlainWrite})
	t.RunsOn(cpu)
	t.Store(c, uint64(int(c.Value())+n))
}

// Read is *per_cpu_ptr() of that CPU, from any: a plain load.
func (x *Int) Read(t *schedule.Thread, cpu int) int {
	t.Step(schedule.Op{Verb: "read", Cell: &x.cpu[cpu], Mode: schedule.PlainRead})
	return int(t.Observe(t.Load(&x.cpu[cpu])))
}

// Init sets that of one CPU where nobody else can see it yet: no step.
func (x *Int) Init(cpu, n int) { x.cpu[cpu].Set(uint64(n)) }

// Sum returns the sum over all CPUs without a step, for fingerprints and final checks. A
// thread would have to read one after the other, and might read what never was.
func (x *Int) Sum() int {
	sum := 0
	for i := range x.cpu {
		sum += int(x.cpu[i].Value())
	}
	return sum
}
