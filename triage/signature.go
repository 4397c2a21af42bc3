package triage

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Signature says which bug a failure is: two failures are taken to be the same exactly if their
// signatures are equal. (One cause may show as several, as it has several reports in a kernel:
// docs/signatures.md has a table of such cases.) It has the kind and the racing pair of kernel
// functions, because these survive what varies from one schedule to the next (threads, step
// numbers, objects) and what varies from one release to the next (message text). The zero value is
// no failure.
type Signature struct {
	Kind schedule.Kind

	// Func is the kernel function in which the failure was raised. Where none
	// was, it is, for a deadlock, the sorted list of "function:verb:object"
	// that the threads of its cycle are blocked in, or if there is none all that are
	// blocked; for a leak, the function that allocated; and for what was there from the
	// start, the kind of the object in brackets, "[ctx]".
	Func string
	// Other is the kernel function of the step that made it a failure: the
	// free, the lock taken. Empty if there is none, and for the kinds that are
	// about a reference count: who happens to drop the last reference is up to
	// the schedule, and the bug is the same whoever does. Where either of the two can be
	// the one that notices, Func is the one that comes first by name.
	Other string
}

// version is the first word of a written signature. It changes when the same
// failure would get another signature than before.
const version = "v2"

// nobody stands for an empty field in a written signature.
const nobody = "-"

// counts are the kinds that are about a reference count.
var counts = schedule.KindSet(schedule.DoubleKill, schedule.RefResurrect,
	schedule.RefUnderflow, schedule.DoubleRelease)

// pairs are the kinds in which either of two steps can be the second: two frees, or a mask
// that loses a CPU and the CPU that has to be in it.
var pairs = schedule.KindSet(schedule.DoubleFree, schedule.CpumaskLost)

// Of returns the signature of the failure that tr shows, the zero Signature if
// it shows none.
func Of(tr *schedule.Trace) Signature {
	if tr.Result.Outcome != schedule.Fail {
		return Signature{}
	}
	f := &tr.Result.Failure
	s := Signature{Kind: f.Kind}
	switch {
	case f.Kind == schedule.Deadlock:
		s.Func = stuck(tr)
	case f.Thread != nil && counts.Has(f.Kind):
		s.Func = failSite(tr)
	case pairs.Has(f.Kind) && site(tr, f.Party) != "" && site(tr, f.Other) != "":
		s.Func, s.Other = site(tr, f.Party), site(tr, f.Other)
		if s.Other < s.Func {
			s.Func, s.Other = s.Other, s.Func
		}
	case f.Thread != nil:
		s.Func, s.Other = failSite(tr), site(tr, f.Other)
	default:
		s.Func = word(kernelFunc(tr.AllocStack))
	}
	if s.Func == "" && f.Obj != nil {
		s.Func = "[" + word(f.Obj.Kind()) + "]"
	}
	return s
}

// String returns the signature as one line of four words that [ParseSignature]
// reads again: "v2 use-after-free lookup_ioctx free_ioctx".
func (s Signature) String() string {
	fields := []string{version, word(s.Kind.String()), s.Func, s.Other}
	for i, f := range fields {
		if f == "" {
			fields[i] = nobody
		}
	}
	return strings.Join(fields, " ")
}

// ParseSignature reads what [Signature.String] writes, strictly.
func ParseSignature(text string) (Signature, error) {
	fields := strings.Split(text, " ")
	if fields[0] != version {
		return Signature{}, fmt.Errorf("signature %q: version %q, want %q",
			text, fields[0], version)
	}
	if len(fields) != 4 {
		return Signature{}, fmt.Errorf("signature %q: %s, want 4: %s kind function other",
			text, count(len(fields), "word"), version)
	}
	kind, ok := schedule.ParseKind(fields[1])
	if !ok {
		return Signature{}, fmt.Errorf("signature %q: %q is no kind of failure", text, fields[1])
	}
	s := Signature{Kind: kind, Func: fields[2], Other: fields[3]}
	for _, f := range []*string{&s.Func, &s.Other} {
		if *f != word(*f) || *f == "" {
			return Signature{}, fmt.Errorf("signature %q: %q is not a word", text, *f)
		}
		if *f == nobody {
			*f = ""
		}
	}
	return s, nil
}

// Compare orders signatures from cause to symptom, then by name, for lists that
// must not depend on the order of discovery.
func (s Signature) Compare(o Signature) int {
	if s.Kind != o.Kind {
		return int(s.Kind) - int(o.Kind)
	}
	return strings.Compare(s.String(), o.String())
}

// site returns the kernel function of the step of p, empty if p is nobody. What
// an agent does outside all kernel functions (a grace period ends) goes by
// its verb.
func site(tr *schedule.Trace, p schedule.Party) string {
	ev := event(tr, p)
	if ev == nil {
		return ""
	}
	return function(ev)
}

func function(ev *schedule.Event) string {
	if fn := kernelFunc(ev.Stack); fn != "" {
		return word(fn)
	}
	// "percpu_ref_put: mode" and "mutex_unlock (tail)" are steps of one call.
	verb, _, _ := strings.Cut(ev.Verb, ":")
	verb, _, _ = strings.Cut(verb, " (")
	return word(verb)
}

// event returns the step of p. A failure can be raised before its thread has
// taken any step: the step of that number is then another thread's, or none.
func event(tr *schedule.Trace, p schedule.Party) *schedule.Event {
	ev := tr.Event(p)
	if ev == nil || ev.Thread != p.Thread.ID {
		return nil
	}
	return ev
}

// failSite returns the kernel function in which the failure was raised. Some checks are
// made after a step and before the next (may this sleep, is a lock still held): the
// stack of the failure knows better where than the step.
func failSite(tr *schedule.Trace) string {
	if fn := kernelFunc(tr.FailStack); fn != "" {
		return word(fn)
	}
	return site(tr, tr.Result.Failure.Party)
}

// kernelFunc returns the innermost kernel function of a stack, empty if there are only
// primitives.
func kernelFunc(stack []schedule.Frame) string {
	for _, f := range stack {
		if !f.Primitive() {
			return f.String()
		}
	}
	return ""
}

// stuck lists what the threads of a deadlock wait for and in which function, without
// saying which thread it is: who came first is a matter of the schedule, and so is who else
// came by and was blocked too.
func stuck(tr *schedule.Trace) string {
	all := blockedThreads(tr)
	list := cycle(tr, all)
	if len(list) == 0 {
		list = all // they wait for what no lock is: a completion, a grace period
	}
	var places []string
	for _, b := range list {
		places = append(places, word(strings.Trim(b.fn+":"+b.verb+":"+b.object, ":")))
	}
	slices.Sort(places)
	return strings.Join(places, ",")
}

// cycle returns those of the blocked threads that wait, one for the other, for locks that
// they hold.
func cycle(tr *schedule.Trace, all []blocked) []blocked {
	steps := make([]Step, len(tr.Events))
	for i := range tr.Events {
		steps[i] = newStep(&tr.Events[i])
	}
	sections := findSections(steps)
	var holders func(b *blocked, seen map[int]bool)
	holders = func(b *blocked, seen map[int]bool) {
		for i := range sections {
			s := &sections[i]
			if s.Sort != lockSection || s.To != 0 || s.Name != b.name || seen[s.Thread] {
				continue
			}
			seen[s.Thread] = true
			for j := range all {
				if all[j].thread == s.Thread {
					holders(&all[j], seen)
				}
			}
		}
	}
	var out []blocked
	for i := range all {
		seen := map[int]bool{}
		if holders(&all[i], seen); seen[all[i].thread] {
			out = append(out, all[i])
		}
	}
	return out
}

// A blocked thread is one that a deadlock left waiting.
type blocked struct {
	thread int
	fn     string // the kernel function that waits
	verb   string // what it waits to do
	object string // and on what, without the number of the object
	name   string // with it
	irqs   bool   // whether its CPU takes interrupts
}

func blockedThreads(tr *schedule.Trace) []blocked {
	var out []blocked
	for i, info := range tr.Threads {
		if info.State != "blocked" {
			continue
		}
		// spin_lock_irq() spins with interrupts off, which the model turns off with the lock.
		irqs := !info.IrqsOff && info.Verb != "spin_lock_irq"
		b := blocked{thread: i, verb: info.Verb, name: info.Object, irqs: irqs}
		if b.fn = kernelFunc(info.Stack); b.fn == "" {
			b.fn = info.Plain()
		}
		// The second ctx is ctx2: what is the same bug in either is named alike.
		object, field, ok := strings.Cut(b.name, "->")
		b.object = strings.TrimRight(object, "0123456789")
		if ok {
			b.object += "->" + field
		}
		out = append(out, b)
	}
	return out
}

// word makes one word of a name, such that it is itself when made one again.
func word(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return '_'
		}
		return r
	}, name)
}
