package explore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Classes runs one execution of each class of p, where a class is all executions that
// differ by the order of independent steps only (a Mazurkiewicz trace). Which steps are
// independent it sees from what they use ([schedule.Footprints]). All executions of a
// class end in the same state and in the same category, so every category of the program
// is met. It remembers no state: what it says rests on footprints where [Exhaust] rests on
// the hash of a state, and the two must agree.
//
// The report has no nodes, edges and counts of executions. A witness is the smallest that
// was run, and none of its numbers is the least. Of the options it takes MaxSteps, Mute,
// Progress and MaxNodes, the most classes to keep in mind in order to count those that
// come twice. There is no bound on preemptions, since with a bound more would have to be
// run than what is done here (Coons, Musuvathi and McKinley, OOPSLA 2013).
//
// The algorithm is source-DPOR with sleep sets (Abdulla, Aronis, Jonsson and Sagonas,
// "Optimal dynamic partial order reduction", POPL 2014, algorithm 1). An execution goes
// on as it likes, but not with threads that are asleep: with those everything was run
// already that could come next. Where it ends, two steps that race, the first of which
// could have come second, make another thread be tried where the first one was taken. It
// differs from the paper in this:
//
//   - Steps use different things in different states, so it is not given that two steps
//     that race still do after a third one that is independent of the first, which the
//     paper asks of happens-before. So races are looked at when the execution has ended,
//     and what is tried is one that can begin the rest of the execution without what
//     depends on the first step; the second is tried only where there is no such rest.
//     See races.go. By the rule of the paper, which is content with the second wherever it
//     could begin, kmodel/protocol with three lookups has 503 classes, and not the 513
//     that it has.
//   - A thread may be blocked: its gate is looked at like a step that only reads, as long
//     as it is closed, and races with who closed it.
//   - A step that fails ends the execution and depends on every other.
//   - When all that are left get a signal, what follows depends on all that came before.
//   - Every outcome of [schedule.Thread.Choose] is tried, as part of its step.
//
// Sleep sets keep a class from being run to its end twice, unless outcomes of a Choose
// differ in what the step uses, since they are asleep together: the report counts those
// that were repeated. Executions that end because all enabled threads are asleep are
// wasted; the report counts them too.
func Classes(ctx context.Context, p schedule.Program, opt Options) Report {
	var r Report
	untilKnown(func(loads *schedule.Loads) { r = newClasses(p, opt, loads).search(ctx, p.Name) })
	return r
}

// untilKnown calls f until it has known of all loads that it has come to: before that the states
// were others.
func untilKnown(f func(*schedule.Loads)) {
	loads := new(schedule.Loads)
	for knew := -1; loads.Len() != knew; {
		knew = loads.Len()
		f(loads)
	}
}

// search looks at all classes.
func (c *classes) search(ctx context.Context, program string) Report {
	defer c.runner.Close()
	loads, opt := c.runner.Loads, &c.opt
	knew := loads.Len()
	c.report = Report{Program: program, Bound: -1, Stop: Exhausted, ByClass: true}
	for more := true; more && loads.Len() == knew; more = c.next() && c.room() {
		if ctx.Err() != nil {
			c.report.Stop = Cancelled
			break
		}
		res := c.run()
		if c.report.Err != nil {
			c.report.Stop = Unsound
			break
		}
		c.account(res)
		if opt.Progress != nil && c.report.Runs%progressEvery == 0 {
			opt.Progress(Progress{
				Runs: c.report.Runs, Steps: c.report.Steps, Classes: len(c.seen),
			})
		}
	}
	slices.SortFunc(c.report.Endings, func(a, b Ending) int { return a.Compare(b.Category) })
	return c.report
}

// A classes is a search of Classes under way.
type classes struct {
	runner *schedule.Runner
	foot   schedule.Footprints
	opt    Options
	report Report
	seen   map[schedule.State]struct{} // hashes of classes

	// The execution under way: a point for each step, the first so many of them; which
	// of them were there before, but for what the last of those does.
	points []point
	length int
	branch int
	setup  []pick // choices before the first step

	step, at int  // the step that chooses, and how many choices it has made
	blocked  bool // all enabled threads are asleep
}

// A point is where a step was taken, and the step.
type point struct {
	enabled schedule.Set
	tried   schedule.Set // that are to be tried here, or have been: the backtrack set
	asleep  []sleeper
	sleep   schedule.Set // those that are asleep

	thread int
	picks  []pick
	others use // what the step has used with earlier picks
	effect
	waits []race // of threads that were blocked before the step
}

// A pick is a choice within a step: which of how many.
type pick struct{ d, n uint8 }

// A use is what one or more steps of a thread have used.
type use struct {
	schedule.Footprint
	fails bool
}

func (u *use) conflicts(v *use) bool {
	return u.fails || v.fails || u.Footprint.Conflicts(v.Footprint)
}

// A sleeper is a thread that need not be run, until something that its step depends on
// has been.
type sleeper struct {
	thread int
	use
}

func newClasses(p schedule.Program, opt Options, loads *schedule.Loads) *classes {
	c := &classes{opt: opt, branch: -1, seen: make(map[schedule.State]struct{})}
	c.runner = opt.runner(p)
	c.runner.Footprints, c.runner.Loads = &c.foot, loads
	return c
}

// run runs the next execution and looks at its races.
func (c *classes) run() schedule.Result {
	c.step, c.blocked = -1, false
	res := c.runner.Run(c)
	if c.report.Err == nil && !c.blocked {
		c.sync(c.foot.Len())
	}
	if c.report.Err == nil {
		c.analyse()
	}
	return res
}

// account counts the execution.
func (c *classes) account(res schedule.Result) {
	r := &c.report
	r.Runs++
	r.Steps += uint64(res.Steps)
	if c.blocked {
		r.Blocked++
		return
	}
	cat := CategoryOf(res)
	i := slices.IndexFunc(r.Endings, func(e Ending) bool { return e.Category == cat })
	w := WitnessOf(c.runner.Taken(), res)
	if i < 0 {
		i = len(r.Endings)
		r.Endings = append(r.Endings, Ending{Category: cat})
	}
	if end := &r.Endings[i]; end.Classes == 0 || w.Compare(end.Witness) < 0 {
		w.Tape = slices.Clone(w.Tape)
		end.Witness = w
	}
	name := c.name()
	if _, again := c.seen[name]; again {
		r.Repeated++
		return
	}
	c.seen[name] = struct{}{}
	r.Classes++
	r.Endings[i].Classes++
}

// room reports whether another class can be kept.
func (c *classes) room() bool {
	if len(c.seen) < cmp.Or(c.opt.MaxNodes, DefaultMaxNodes) {
		return true
	}
	c.report.Stop = NodeLimit
	return false
}

// Choose implements [schedule.Chooser].
func (c *classes) Choose(e *schedule.Exec, n int) int {
	steps := c.foot.Len()
	if !c.sync(steps) {
		return -1
	}
	if e.Enabled().Empty() {
		return c.pick(steps, n)
	}
	if steps == c.length {
		c.open(e.Enabled())
		free := e.Enabled().Minus(c.points[steps].sleep)
		if free.Empty() {
			c.blocked = true
			return -1
		}
		c.begin(first(free, e.Running()))
	}
	d := alternative(e, c.points[steps].thread)
	if d < 0 {
		c.diverged()
	}
	return d
}

// pick takes a choice that is not about threads: what was picked here, or 0.
func (c *classes) pick(steps, n int) int {
	picks := &c.setup
	if steps > 0 {
		picks = &c.points[steps-1].picks
	}
	if steps != c.step {
		c.step, c.at = steps, 0
	}
	if c.at == len(*picks) {
		*picks = append(*picks, pick{0, uint8(n)})
	}
	c.at++
	p := (*picks)[c.at-1]
	if int(p.n) != n {
		c.diverged()
		return -1
	}
	return int(p.d)
}

// sync makes points for steps that were not decided, since one thread only was enabled.
// It reports false if that one was asleep.
func (c *classes) sync(steps int) bool {
	for c.length < steps {
		s := c.foot.Step(c.length)
		c.open(s.Enabled)
		if c.points[c.length].sleep.Has(s.Thread) {
			c.blocked = true
			return false
		}
		c.begin(s.Thread)
	}
	return true
}

// open makes a point behind the last one. Asleep are those that were asleep there, and
// those whose turn it was, unless what was taken conflicts with them.
func (c *classes) open(enabled schedule.Set) {
	k := c.length
	for len(c.points) < k+2 { // one more, for what is blocked at the end
		c.points = append(c.points, point{})
	}
	p := &c.points[k]
	p.enabled, p.tried, p.sleep = enabled, schedule.Set{}, schedule.Set{}
	p.asleep = p.asleep[:0]
	if k == 0 {
		return
	}
	s := c.foot.Step(k - 1)
	u := use{s.Footprint, s.Fails}
	for _, a := range c.points[k-1].asleep {
		if !u.conflicts(&a.use) {
			p.asleep = append(p.asleep, a)
			p.sleep = p.sleep.With(a.thread)
		}
	}
}

// begin says which thread takes the step of the point just opened.
func (c *classes) begin(thread int) {
	c.points[c.length].try(thread)
	c.length++
}

// try has a thread take the step of p.
func (p *point) try(thread int) {
	p.tried = p.tried.With(thread)
	p.thread, p.picks = thread, p.picks[:0]
	p.others = use{Footprint: p.others.Footprint[:0]}
}

// next changes the last thing in the execution that is still to be done another way. It
// reports false if there is none.
func (c *classes) next() bool {
	for c.length > 0 {
		c.branch = c.length - 1
		p := &c.points[c.branch]
		p.others.Footprint = p.others.Add(p.Footprint)
		p.others.fails = p.others.fails || p.fails
		if turn(&p.picks) {
			return true
		}
		u := use{slices.Clone(p.others.Footprint), p.others.fails}
		p.asleep = append(p.asleep, sleeper{p.thread, u})
		p.sleep = p.sleep.With(p.thread)
		if rest := p.tried.Minus(p.sleep); !rest.Empty() {
			p.try(first(rest, nil))
			return true
		}
		c.length--
	}
	c.branch = -1
	return turn(&c.setup)
}

// turn turns the odometer of picks by one, and reports false after the last.
func turn(picks *[]pick) bool {
	p := *picks
	for len(p) > 0 && p[len(p)-1].d+1 == p[len(p)-1].n {
		p = p[:len(p)-1]
	}
	if *picks = p; len(p) == 0 {
		return false
	}
	p[len(p)-1].d++
	return true
}

// diverged ends the search because an execution does not go as it did before.
func (c *classes) diverged() {
	c.report.Err = fmt.Errorf("tape %q led to two places in two executions: "+
		"the program is not deterministic, see Runner.CheckDeterminism",
		c.runner.Taken().String())
}
