package pthread

import "github.com/kschedfuzz/kschedfuzz/schedule"

// A Thread is a thread that another one creates. It is part of an object, since it has
// cells. The zero value has not been declared.
type Thread struct {
	created  schedule.Cell // 1: it may take its first step
	finished schedule.Cell // 1: its function has returned

	body  func(t *schedule.Thread)
	run   func(t *schedule.Thread) // start, bound once
	first schedule.Gate            // of its first step
}

// Declare says what the thread runs. It is called once in the life of the Go object.
func (c *Thread) Declare(body func(t *schedule.Thread)) {
	c.body, c.run = body, c.start
}

// Prepare adds the thread to an execution that begins. Its object must be live.
func (c *Thread) Prepare(e *schedule.Exec, name string) { e.Go(name, c.run) }

func (c *Thread) start(t *schedule.Thread) {
	waiting.Of(t.Exec()).first[t.ID] = c
	c.body(t)
	c.finished.Set(1)
}

// Create is pthread_create().
func (c *Thread) Create(t *schedule.Thread) {
	await(t, schedule.Op{Verb: "pthread_create", Cell: &c.created, Mode: schedule.WriteOnce}, nil)
	c.created.Set(1)
}

// Join is pthread_join(). It is enabled when the function of c has returned.
func (c *Thread) Join(t *schedule.Thread) {
	const mode = schedule.ReadOnce | schedule.Acquire | schedule.Blocks
	await(t, schedule.Op{Verb: "pthread_join", Cell: &c.finished, Mode: mode}, (*joined)(c))
}

// joined is the gate of Join.
type joined Thread

// Open implements [schedule.Gate].
func (c *joined) Open(*schedule.Thread) bool { return c.finished.Value() != 0 }

// Open is the gate of the first step of c: it has been created, and the step itself could
// be taken.
func (c *Thread) Open(t *schedule.Thread) bool {
	return c.created.Value() != 0 && (c.first == nil || c.first.Open(t))
}

// waits is what threads wait for, beside what the operations say themselves. It is a
// function of what each thread has done.
type waits struct {
	first [schedule.MaxThreads]*Thread // that has not taken its first step
	woken [schedule.MaxThreads]woken
}

var waiting = schedule.NewFacility[waits]()

// Reset implements [schedule.Resetter].
func (w *waits) Reset(e *schedule.Exec) { clear(w.first[:e.Width()]) }

// await is the scheduling point of all operations.
func await(t *schedule.Thread, op schedule.Op, g schedule.Gate) {
	if c := &waiting.Of(t.Exec()).first[t.ID]; *c != nil {
		(*c).first, g = g, *c
		*c = nil
	}
	t.Await(op, g)
}
