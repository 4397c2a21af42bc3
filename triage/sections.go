package triage

import (
	"cmp"
	"slices"
	"strings"
)

// A Section is a stretch of an interleaving: a lock held, a read-side section, a grace
// period, or work that is queued.
type Section struct {
	Sort   string `json:"sort"`             // lock, reader, irqs-off, preempt-off, grace-period, work
	Name   string `json:"name"`             // the lock, or what waits
	Thread int    `json:"thread"`           // that began it
	From   int    `json:"from"`             // step
	To     int    `json:"to,omitempty"`     // step; 0: it was not over at the end
	Atomic bool   `json:"atomic,omitempty"` // its thread may not sleep
}

// The sorts of sections. A task is in the first four; the last two are of nobody.
const (
	lockSection    = "lock"
	readerSection  = "reader"
	irqSection     = "irqs-off"
	preemptSection = "preempt-off"
	graceSection   = "grace-period"
	workSection    = "work"
)

// A bracket is how a section begins and ends, by the kernel's verbs, which package title
// and the rest of the reports go by too.
type bracket struct {
	sort       string
	open, shut string // how the verbs begin
	atomic     bool
	handed     bool // to another thread: it ends where that begins
}

var brackets = []bracket{
	{sort: readerSection, open: "rcu_read_lock", shut: "rcu_read_unlock", atomic: true},
	{sort: lockSection, open: "spin_lock", shut: "spin_unlock", atomic: true},
	{sort: lockSection, open: "spin_trylock", shut: "spin_unlock", atomic: true},
	{sort: lockSection, open: "mutex_lock", shut: "mutex_unlock"},
	{sort: lockSection, open: "mutex_trylock", shut: "mutex_unlock"},
	{sort: lockSection, open: "down_read", shut: "up_read"},
	{sort: lockSection, open: "down_write", shut: "up_write"},
	{sort: lockSection, open: "rwsem_down_read_failed", shut: "up_read"},
	{sort: lockSection, open: "rwsem_down_write_failed", shut: "up_write"},
	{sort: irqSection, open: "local_irq_disable", shut: "local_irq_enable", atomic: true},
	{sort: preemptSection, open: "preempt_disable", shut: "preempt_enable", atomic: true},
	{sort: graceSection, open: "call_rcu", shut: "rcu callback", handed: true},
	{sort: graceSection, open: "synchronize_rcu", shut: "synchronize_rcu ends"},
	{sort: workSection, open: "queue_work", shut: "process_one_work", handed: true},
	{sort: workSection, open: "schedule_work", shut: "process_one_work", handed: true},
}

// findSections returns the sections of an execution by their first step.
func findSections(steps []Step) []Section {
	var out []Section
	for i := range steps {
		s := &steps[i]
		irqsOn(out, s)
		for b := range brackets {
			if brackets[b].shuts(s) {
				if at := lastOpen(out, &brackets[b], s); at >= 0 {
					out[at].To = s.Step
					break
				}
			}
		}
		for b := range brackets {
			if brackets[b].opens(s) {
				out = append(out, brackets[b].section(s))
				break
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Section) int { return cmp.Compare(a.From, b.From) })
	return out
}

// irqsOn ends the sections of the thread of s with interrupts off where they are on after s: of a
// primitive that turns them on that is no step.
func irqsOn(list []Section, s *Step) {
	for i := range list {
		sec := &list[i]
		if sec.Sort == irqSection && sec.Thread == s.Thread && sec.To == 0 && !s.IrqsOff {
			sec.To = s.Step
		}
	}
}

func (b *bracket) opens(s *Step) bool {
	failed := strings.Contains(s.Verb, "try") && s.Value == "0"
	// Who has to queue for a semaphore is told so, and has it from the step that takes it off again.
	queues := strings.HasPrefix(s.Verb, "down_") && s.Value == "1" && !s.Stored
	return strings.HasPrefix(s.Verb, b.open) && !failed && !queues && !b.shuts(s)
}

func (b *bracket) shuts(s *Step) bool { return strings.HasPrefix(s.Verb, b.shut) }

func (b *bracket) section(s *Step) Section {
	name := s.Object
	if name == "" {
		name = s.Verb
	}
	return Section{Sort: b.sort, Name: name, Thread: s.Thread, From: s.Step, Atomic: b.atomic}
}

// lastOpen returns the index of the section that s ends, -1 if there is none.
func lastOpen(list []Section, b *bracket, s *Step) int {
	for i := len(list) - 1; i >= 0; i-- {
		sec := &list[i]
		if sec.To == 0 && sec.Sort == b.sort && (b.handed || sec.Thread == s.Thread) &&
			(s.Object == "" || sec.Name == s.Object) {
			return i
		}
	}
	return -1
}

// ofThread reports whether the thread is in the section itself.
func (s *Section) ofThread() bool { return s.Sort != graceSection && s.Sort != workSection }

// in reports whether a step is in the section: from the step that begins it to the one
// before that which ends it.
func (s *Section) in(step int) bool { return step >= s.From && (s.To == 0 || step < s.To) }

// hold writes into each step in which sections its thread is after it.
func (it *Interleaving) hold() {
	for i := range it.Steps {
		s := &it.Steps[i]
		for j := range it.Sections {
			if sec := &it.Sections[j]; sec.Thread == s.Thread && sec.ofThread() && sec.in(s.Step) {
				s.Held = append(s.Held, sec.Name)
				s.Atomic = s.Atomic || sec.Atomic
			}
		}
	}
}
