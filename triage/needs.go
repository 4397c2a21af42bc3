package triage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

const (
	sends   = "smp_call_function" // how the verbs begin by which a CPU interrupts others
	offline = "set_cpu_online"    // the verb by which one goes, or comes
)

// during returns the first and the last step that others take during a delay.
func (d *delays) during(p *delay) (from, to int) {
	from, to = 1, len(d.Interleaving.Steps)
	if p.last != nil {
		from = p.last.Step + 1
	}
	if p.next != nil {
		to = p.next.Step - 1
	}
	return from, to
}

// kernel says whether the kernel has to be preemptible, or "" if that does not follow from the
// steps. A delay spins, so what waits for its CPU to do something else waits in vain where nobody
// can preempt it. A grace period does, if it begins and ends meanwhile: one that began before may
// have seen to that CPU then. Whether a kworker is of that CPU or of another is not known.
func (d *delays) kernel() string {
	ends := func(s Section) bool { return s.Sort == graceSection && s.To > 0 }
	var waiting []string
	for i := range d.points {
		from, to := d.during(&d.points[i])
		if slices.ContainsFunc(d.Interleaving.Sections, func(s Section) bool {
			return ends(s) && from <= s.From && s.To <= to
		}) {
			waiting = append(waiting, fmt.Sprint(d.points[i].number))
		}
	}
	if len(waiting) > 0 {
		return "The kernel has to be preemptible (CONFIG_PREEMPT): a grace period begins and ends " +
			"during delay " + strings.Join(waiting, ", and one during delay ") + ". In any other, a " +
			"CPU that spins, as in a delay, keeps it from ending."
	}
	if slices.ContainsFunc(d.Interleaving.Sections, ends) || !d.elsewhere() {
		return ""
	}
	text := "The kernel need not be preemptible: what comes during a delay runs on other CPUs"
	if slices.ContainsFunc(d.points, func(p delay) bool { return d.interrupted(&p) }) {
		text += ", or is an interrupt"
	}
	return text + "."
}

// elsewhere reports whether nobody takes a step during a delay but tasks, which have CPUs of their
// own, and who is called by another CPU. Another interrupt may be one after which a task is
// preempted. And before a CPU goes offline, all others have to run what stop_machine() has there.
func (d *delays) elsewhere() bool {
	it := d.Interleaving
	var called [schedule.MaxThreads]bool
	for i := range it.Steps {
		if it.sent(i) != nil {
			called[it.Steps[i].Thread] = true
		}
	}
	for i := range d.points {
		from, to := d.during(&d.points[i])
		for _, s := range it.Steps[from-1 : to] {
			if it.Threads[s.Thread].Agent && !called[s.Thread] || s.Verb == offline {
				return false
			}
		}
	}
	return true
}

// interrupted reports whether a delay is on a CPU that takes an interrupt meanwhile: it must not
// go to another.
func (d *delays) interrupted(p *delay) bool {
	from, to := d.during(p)
	name := d.Interleaving.Threads[p.thread].Name
	return slices.ContainsFunc(d.Interleaving.Steps[from-1:to], func(s Step) bool {
		return d.Interleaving.Threads[s.Thread].Interrupts == name
	})
}

// late says which interrupts come later than a kernel's do: a CPU that is called goes on, with
// interrupts on. They come in time if who sends them is delayed too.
func (d *delays) late() (out []string) {
	it := d.Interleaving
	for i := range it.Steps {
		handler, send := &it.Threads[it.Steps[i].Thread], it.sent(i)
		if handler.Interrupts == "" || send == nil || it.last(send.Thread, send.Step, i) > 0 {
			continue
		}
		owner := slices.IndexFunc(it.Threads, func(t Thread) bool {
			return t.Name == handler.Interrupts
		})
		if !it.goesOn(owner, send.Step, i) {
			continue
		}
		sender := &it.Threads[send.Thread]
		out = append(out, fmt.Sprintf("%s interrupts %s in step %d, and is sent in step %d. A "+
			"kernel's does not take so long: delay %s too, before %s, until %s has taken step %d.",
			bracketed(handler.Name, true), handler.Interrupts, i+1, send.Step,
			bracketed(sender.Name, sender.Agent), send.where(), handler.Interrupts,
			it.last(owner, send.Step, i)))
	}
	return out
}

// sent returns the step by which the interrupt that begins with a step was sent, or nil. They
// change the same word, by which the one tells the other.
func (it *Interleaving) sent(at int) *Step {
	for _, ch := range it.Steps[at].Changes {
		for i := at - 1; i >= 0; i-- {
			s := &it.Steps[i]
			if slices.ContainsFunc(s.Changes, func(c Change) bool {
				return c.Object == ch.Object && c.Cell == ch.Cell
			}) {
				if strings.HasPrefix(s.Verb, sends) {
					return s
				}
				break
			}
		}
	}
	return nil
}

// last returns the last step that a thread takes behind a step and up to another, or 0.
func (it *Interleaving) last(thread, behind, upTo int) int {
	for i := upTo; i > behind; i-- {
		if it.Steps[i-1].Thread == thread {
			return i
		}
	}
	return 0
}

// goesOn reports whether a thread takes one of those steps with interrupts on before it.
func (it *Interleaving) goesOn(thread, behind, upTo int) bool {
	off := false
	for i := 1; i <= upTo; i++ {
		s := &it.Steps[i-1]
		if s.Thread != thread {
			continue
		}
		if i > behind && !off {
			return true
		}
		off = s.IrqsOff
	}
	return false
}
