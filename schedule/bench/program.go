package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench/pthread"
)

// A Program is one row of the table.
type Program struct {
	Name    string        // as in the source: "CS.account"
	Threads int           // with the main thread
	Kind    schedule.Kind // of the bug
	// Also are the kinds that the same bug shows as in other interleavings.
	Also schedule.Kinds
	// Preemptions is the fewest with which Kind shows in the form [Threads].
	Preemptions int
	What        string // in one line
	Source      string // where the program is from

	build func(s *scene, fixed bool)
}

// A Form says whether the main thread is part of a program.
type Form int

// The forms. Any Form(e) is a main thread that takes e steps to create a thread: e-1 reads
// of a variable of its own, and then the creation.
const (
	Threads Form = 0 // there is none: all threads can take their first step at once
	Main1   Form = 1 // it creates, and joins at the end
	Main7   Form = 7 // it takes its time
)

// Forms returns the forms that are compared.
func Forms() []Form { return []Form{Threads, Main1, Main7} }

// String returns "threads", "main(1)" and so on.
func (f Form) String() string {
	if f == Threads {
		return "threads"
	}
	return fmt.Sprintf("main(%d)", int(f))
}

// Find returns the program of that name. The error lists what there is.
func Find(name string) (Program, error) {
	var names []string
	for _, p := range Programs() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Program{}, fmt.Errorf("program %q: no such program; there are: %s", name, strings.Join(names, ", "))
}

// Kinds returns all kinds that the bug shows as.
func (p Program) Kinds() schedule.Kinds { return p.Also | schedule.KindSet(p.Kind) }

// Schedule returns the program with its bug.
func (p Program) Schedule(f Form) schedule.Program { return p.schedule(f, false) }

// Fixed returns the program without its bug. It never fails.
func (p Program) Fixed(f Form) schedule.Program { return p.schedule(f, true) }

func (p Program) schedule(f Form, fixed bool) schedule.Program {
	name := p.Name + "@" + f.String()
	if fixed {
		name = p.Name + "-fixed@" + f.String()
	}
	return schedule.Program{Name: name, New: func() func(*schedule.Exec) {
		s := &scene{form: f}
		p.build(s, fixed)
		return s.ready()
	}}
}

// A scene is what the executions of one runner share. The program's build function fills
// it.
type scene struct {
	form    Form
	objects []*schedule.Object // there from the beginning, and never leaked
	nth     []int
	inits   []func(e *schedule.Exec)
	threads []thread
	ends    []func(e *schedule.Exec)

	mainRuns bool // the main thread does what the last thread would
	main     *mainThread
}

type thread struct {
	name string
	body func(t *schedule.Thread)
}

// static adds an object that is there from the beginning. Its owner embeds it.
func (s *scene) static(o schedule.Header, kind string) {
	h := o.Header()
	h.Bind(o, kind)
	n := 0
	for _, other := range s.objects {
		if other.Kind() == kind {
			n++
		}
	}
	s.objects, s.nth = append(s.objects, h), append(s.nth, n)
}

// thread adds a thread. The main thread creates them in this order.
func (s *scene) thread(name string, body func(t *schedule.Thread)) {
	s.threads = append(s.threads, thread{name, body})
}

// init has f called when an execution begins, before the first step.
func (s *scene) init(f func(e *schedule.Exec)) { s.inits = append(s.inits, f) }

// end has f called when all threads have finished.
func (s *scene) end(f func(e *schedule.Exec)) { s.ends = append(s.ends, f) }

// ready returns the function that begins an execution.
func (s *scene) ready() func(*schedule.Exec) {
	if s.form != Threads {
		s.main = new(mainThread)
		s.main.employ(s)
	}
	return s.begin
}

func (s *scene) begin(e *schedule.Exec) {
	for i, o := range s.objects {
		e.Static(o, s.nth[i])
	}
	for _, f := range s.inits {
		f(e)
	}
	for _, f := range s.ends {
		e.AtEnd(f)
	}
	if s.main != nil {
		s.main.begin(e)
		return
	}
	for _, th := range s.threads {
		e.Go(th.name, th.body)
	}
}

// A child is a thread that the main thread creates.
type child struct {
	schedule.Object
	pthread.Thread
	name string
}

// A mainThread creates the other threads one after the other, does its own part if it has
// one, and joins them.
type mainThread struct {
	schedule.Object
	own      pthread.Int // nobody else looks at it
	children []*child
	part     func(t *schedule.Thread)
	steps    int // to create a thread
	run      func(t *schedule.Thread)
}

func (m *mainThread) employ(s *scene) {
	m.steps = int(s.form)
	m.run = m.main
	list := slices.Clone(s.threads)
	if s.mainRuns {
		last := len(list) - 1
		m.part, list = list[last].body, list[:last]
	}
	s.static(m, "main")
	for _, th := range list {
		c := &child{name: th.name}
		c.Declare(th.body)
		s.static(c, "thread")
		m.children = append(m.children, c)
	}
}

func (m *mainThread) begin(e *schedule.Exec) {
	e.Go("main", m.run)
	for _, c := range m.children {
		c.Prepare(e, c.name)
	}
}

func (m *mainThread) main(t *schedule.Thread) {
	for _, c := range m.children {
		for range m.steps - 1 {
			m.own.Read(t)
		}
		c.Create(t)
	}
	if m.part != nil {
		m.part(t)
	}
	for _, c := range m.children {
		c.Join(t)
	}
}

// set is the gate that is open while a variable is not 0.
type set pthread.Int

// Open implements [schedule.Gate].
func (x *set) Open(*schedule.Thread) bool { return (*pthread.Int)(x).Peek() != 0 }

// unset is the gate that is open while a variable is 0.
type unset pthread.Int

// Open implements [schedule.Gate].
func (x *unset) Open(*schedule.Thread) bool { return (*pthread.Int)(x).Peek() == 0 }
