package triage

import (
	"slices"
	"strings"
	"testing"
)

// TestNeeds has a task that is delayed after its first step, and who comes meanwhile.
func TestNeeds(t *testing.T) {
	const own, other, softirq, ipi, tick = 0, 1, 2, 3, 4
	threads := []Thread{{Name: "own"}, {Name: "other"}, {Name: "softirq", Agent: true},
		{Name: "ipi0", Agent: true, Interrupts: "own"}, {Name: "tick", Agent: true, Interrupts: "own"}}
	csd := []Change{{Object: 1, Cell: 2}}
	read, reads, ticks := Step{Thread: own}, Step{Thread: other}, Step{Thread: tick}
	off := Step{Thread: own, IrqsOff: true}
	send := Step{Thread: other, Verb: "smp_call_function_many", Changes: csd}
	interrupt := Step{Thread: ipi, Verb: "interrupt", Changes: csd}
	call := Step{Thread: other, Verb: "call_rcu", Object: "ctx"}
	callback := Step{Thread: softirq, Verb: "rcu callback", Object: "ctx"}
	const (
		need = "has to be preemptible (CONFIG_PREEMPT): a grace period begins and ends " +
			"during delay 1."
		needNot     = "need not be preemptible: what comes during a delay runs on other CPUs"
		orInterrupt = needNot + ", or is an interrupt."
	)
	for _, test := range []struct {
		name   string
		before []Step // the last of them of the task that is delayed then
		during []Step
		kernel string // what is said, without its first words
		late   string
		atomic string // what the call ends with
	}{
		{"a task", []Step{read}, []Step{reads}, needNot + ".", "", "false"},
		{"a grace period", []Step{read}, []Step{call, callback}, need, "", "false"},
		{"half of one", []Step{call, read}, []Step{callback}, "", "", "false"},
		{"one before", []Step{call, callback, read}, []Step{reads}, "", "", "false"},
		{"a softirq", []Step{read}, []Step{{Thread: softirq}}, "", "", "false"},
		{"a CPU that goes", []Step{read}, []Step{{Thread: other, Verb: "set_cpu_online"}}, "", "", "false"},
		{"a tick", []Step{read}, []Step{ticks}, "", "", "true"},
		{"a call", []Step{read}, []Step{send, interrupt}, orInterrupt, "", "true"},
		{"a late call", []Step{send, read}, []Step{interrupt}, orInterrupt,
			"[ipi0] interrupts own in step 3, and is sent in step 1. A kernel's does not take so " +
				"long: delay other too, before smp_call_function_many (step 1), until own has taken " +
				"step 2.", "true"},
		{"with interrupts off", []Step{off, send, off, read}, []Step{interrupt}, orInterrupt, "", "true"},
		{"and on again", []Step{off, send, read, read}, []Step{interrupt}, orInterrupt,
			"until own has taken step 4.", "true"},
		{"whose sender goes on", []Step{send, reads, read}, []Step{interrupt}, orInterrupt, "", "true"},
	} {
		it := &Interleaving{Threads: threads}
		for i, s := range slices.Concat(test.before, test.during, []Step{read}) {
			if s.Step, s.Preempted = i+1, -1; i == len(test.before) {
				s.Preempted = own
			}
			it.Steps = append(it.Steps, s)
		}
		it.Sections = findSections(it.Steps)
		d := &delays{Report: &Report{Interleaving: it}}
		d.find()
		if len(d.points) != 1 {
			t.Errorf("%s: %d delays", test.name, len(d.points))
			continue
		}
		if got := d.kernel(); !strings.HasPrefix(strings.TrimPrefix(got, "The kernel "), test.kernel) ||
			got != "" && test.kernel == "" {
			t.Errorf("%s: %q, want %q", test.name, got, test.kernel)
		}
		if got := strings.Join(d.late(), "; "); !strings.HasSuffix(got, test.late) ||
			got != "" && test.late == "" {
			t.Errorf("%s: %q, want %q", test.name, got, test.late)
		}
		if got := d.call(&d.points[0]); !strings.HasSuffix(got, ", "+test.atomic+");") {
			t.Errorf("%s: %s, want %s", test.name, got, test.atomic)
		}
	}
}

// TestSleeping checks that a stretch which ends where a thread waits for a grace period says so, and
// one that ends with call_rcu(), which does not wait, does not.
func TestSleeping(t *testing.T) {
	const text = "; it sleeps for a grace period, mostly some milliseconds"
	for verb, want := range map[string]bool{"synchronize_rcu": true, "call_rcu": false} {
		it := &Interleaving{Threads: []Thread{{Name: "own"}, {Name: "other"}}}
		for i, s := range []Step{{Verb: verb}, {Thread: 1, Verb: "read"}, {Verb: verb + " ends"}} {
			s.Step, s.Preempted = i+1, -1
			it.Steps = append(it.Steps, s)
		}
		it.Sections = findSections(it.Steps)
		d := &delays{Report: &Report{Interleaving: it}}
		got := d.stretches()
		if len(got) != 3 || strings.HasSuffix(got[0], text) != want {
			t.Errorf("%s: stretches %q, want the first to end with %q: %t", verb, got, text, want)
		}
		if strings.Contains(strings.Join(got[1:], " "), text) {
			t.Errorf("%s: %q: somebody sleeps who does not wait", verb, got[1:])
		}
	}
}
