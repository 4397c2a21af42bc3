package lockdep_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
)

// A prover is the order of locks once more, and as the kernel has it: programs tell it what they
// do, one thing after the other, and it looks at what each changes at once, with a stack of what
// is held that is taken apart and put together again where a lock is not released last.
type prover struct {
	after map[string]map[string]bool // dependencies
	usage map[string]map[lockdep.FactKind]bool
	found map[string]bool // titles of reports; an inversion is an inconsistent state here
	tasks map[int]*task   // by thread, of the execution under way
}

// A task is a thread, or a handler.
type task struct {
	held       []taken
	irqs, bhs  int // how often they are off
	hard, soft bool
}

// A taken is a lock that is held. The class has a number behind it if it is not the first.
type taken struct {
	id, plain string
	nth       int
	try, off  bool // taken with interrupts off
	item      bool // a work item
}

func (h taken) class() string {
	if h.nth == 0 {
		return h.plain
	}
	return fmt.Sprintf("%s/%d", h.plain, h.nth)
}

func newProver() *prover {
	return &prover{
		after: map[string]map[string]bool{}, usage: map[string]map[lockdep.FactKind]bool{},
		found: map[string]bool{},
	}
}

// begin forgets what was held.
func (p *prover) begin() { p.tasks = map[int]*task{} }

// task returns that of a thread.
func (p *prover) task(thread int) *task {
	if p.tasks[thread] == nil {
		p.tasks[thread] = &task{}
	}
	return p.tasks[thread]
}

// acquire is lock_acquire().
func (p *prover) acquire(t *task, h taken) {
	h.off = h.off || t.irqs > 0
	h.nth = nth(t, h)
	p.mark(t, h)
	again := !h.try && slices.ContainsFunc(t.held, func(o taken) bool {
		return o.id == h.id || h.item && o.plain == h.plain
	})
	if again {
		p.found[lockdep.Recursive] = true
	}
	if !again || !h.item {
		p.depend(t, h)
	}
	t.held = append(t.held, h)
}

// nth returns the number of a lock that is taken by who holds that much.
func nth(t *task, h taken) int {
	n, deepest := 0, 0
	if h.item {
		return 0
	}
	for _, o := range t.held {
		if o.plain == h.plain {
			n++
			deepest = max(deepest, o.nth)
		}
	}
	return max(n, deepest)
}

// release is lock_release(): what was taken later is taken once more.
func (p *prover) release(t *task, id string) {
	i := len(t.held) - 1
	for t.held[i].id != id {
		i--
	}
	later := slices.Clone(t.held[i+1:])
	t.held = t.held[:i]
	for _, h := range later {
		p.mark(t, h)
		p.depend(t, h)
		t.held = append(t.held, h)
	}
}

// depend is check_prevs_add().
func (p *prover) depend(t *task, h taken) {
	if h.try {
		return
	}
	for _, prev := range slices.Backward(t.held) {
		if prev.plain == h.plain && prev.nth >= h.nth {
			continue
		}
		p.add(prev.class(), h.class())
		if !prev.try {
			return
		}
	}
}

// add is check_prev_add().
func (p *prover) add(prev, next string) {
	if p.from(next)[prev] {
		p.found[lockdep.Circular] = true
	}
	for _, k := range irqKinds {
		for safe := range p.to(prev) {
			for unsafe := range p.from(next) {
				if p.usage[safe][k[0]] && p.usage[unsafe][k[1]] {
					p.found[lockdep.Inconsistent] = true
				}
			}
		}
	}
	if p.after[prev] == nil {
		p.after[prev] = map[string]bool{}
	}
	p.after[prev][next] = true
}

// irqKinds are how a class is used by handlers, and where these may come.
var irqKinds = [][2]lockdep.FactKind{
	{lockdep.UsedInHardirq, lockdep.HardirqsEnabled},
	{lockdep.UsedInSoftirq, lockdep.SoftirqsEnabled},
}

// mark is mark_usage().
func (p *prover) mark(t *task, h taken) {
	if t.hard && !h.try {
		p.use(h, lockdep.UsedInHardirq)
	}
	if t.soft && !h.try {
		p.use(h, lockdep.UsedInSoftirq)
	}
	if h.off {
		return
	}
	p.use(h, lockdep.HardirqsEnabled)
	if t.bhs == 0 {
		p.use(h, lockdep.SoftirqsEnabled)
	}
}

// use is mark_lock().
func (p *prover) use(h taken, kind lockdep.FactKind) {
	c := h.class()
	if p.usage[c] == nil {
		p.usage[c] = map[lockdep.FactKind]bool{}
	}
	p.usage[c][kind] = true
	for _, k := range irqKinds {
		var others map[string]bool
		other := k[1]
		switch kind {
		case k[0]:
			others = p.from(c)
		case k[1]:
			others, other = p.to(c), k[0]
		}
		for o := range others {
			if p.usage[o][other] {
				p.found[lockdep.Inconsistent] = true
			}
		}
	}
}

// irqsOn is lockdep_hardirqs_on().
func (p *prover) irqsOn(t *task) {
	if t.irqs--; t.irqs > 0 {
		return
	}
	for _, h := range t.held {
		p.use(h, lockdep.HardirqsEnabled)
		if t.bhs == 0 {
			p.use(h, lockdep.SoftirqsEnabled)
		}
	}
}

// bhsOn is lockdep_softirqs_on().
func (p *prover) bhsOn(t *task) {
	if t.bhs--; t.bhs > 0 || t.irqs > 0 {
		return
	}
	for _, h := range t.held {
		p.use(h, lockdep.SoftirqsEnabled)
	}
}

// from returns a class and all that it leads to.
func (p *prover) from(c string) map[string]bool { return reach(c, p.after) }

// to returns a class and all that lead to it.
func (p *prover) to(c string) map[string]bool {
	before := map[string]map[string]bool{}
	for from, all := range p.after {
		for to := range all {
			if before[to] == nil {
				before[to] = map[string]bool{}
			}
			before[to][from] = true
		}
	}
	return reach(c, before)
}

func reach(c string, next map[string]map[string]bool) map[string]bool {
	seen := map[string]bool{c: true}
	for todo := []string{c}; len(todo) > 0; todo = todo[1:] {
		for n := range next[todo[0]] {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return seen
}

// closure returns all pairs of a class and one that it leads to.
func closure(after map[string]map[string]bool) (pairs []string) {
	for c := range after {
		for first := range after[c] {
			for to := range reach(first, after) {
				pairs = append(pairs, c+" -> "+to)
			}
		}
	}
	slices.Sort(pairs)
	return slices.Compact(pairs)
}

// uses returns what is known of the use of classes.
func (p *prover) uses() (out []string) {
	for c, kinds := range p.usage {
		for k := range kinds {
			out = append(out, c+" "+k.String())
		}
	}
	slices.Sort(out)
	return out
}

// wrong returns the classes that reports are about, looked at when all is known.
func (p *prover) wrong() []string {
	out := map[string]bool{}
	for c := range p.after {
		for next := range p.after[c] {
			if p.from(next)[c] {
				out[c+" is in a circle"] = true
			}
		}
	}
	for c, kinds := range p.usage {
		for _, k := range irqKinds {
			for o := range p.from(c) {
				if kinds[k[0]] && p.usage[o][k[1]] {
					out[c+" "+k[0].String()] = true
				}
			}
		}
	}
	return sorted(out)
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
