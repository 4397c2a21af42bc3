package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/fuzz/mutate"
	fuzztarget "github.com/kschedfuzz/kschedfuzz/fuzz/target"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// maxInput is the most bytes of an input that the engines read.
const maxInput = fuzztarget.MaxInput

const (
	// streamEvery is how often an execution is of the stationary stream, 1 in so many.
	streamEvery = 5
	// guidedEvery is how often one is guided, among the rest, where the guided engine is used.
	guidedEvery = 2
	// otherEvery is how often one is of another sampler, among the rest.
	otherEvery = 8
	// crossEvery is how often a mutation is a crossing of two inputs.
	crossEvery = 8
	// newest is how many inputs are the newest. Half of the mutations are of them.
	newest = 32
	// checkEvery is how often an execution is run twice, to see that the model does the
	// same again.
	checkEvery = 1024
)

// stationary is the sampler of the stationary stream: what it draws depends on nothing that
// earlier executions have shown but how many threads they had.
const stationary = "pos"

// inProcess is the engine that runs the program of a target in this process: inputs from
// elsewhere first, then executions of the stationary stream, of the guided engine if the target
// has one, of all samplers in turn, and mutations of the inputs. It belongs to one goroutine.
type inProcess struct {
	target   *target
	left     *allowance // executions
	runner   *schedule.Runner
	instance program.Instance
	order    lockdep.Order // of locks
	learned  int           // what of it the target has been told
	random   *rand.Rand
	stream   sample.Sampler
	others   []sample.Sampler
	guide    *guided.Engine // shares with those of other workers; nil: there is none
	guiding  sample.Sampler // the same, looked at
	n        int            // executions
	known    *filter
	common   *filter

	// Of the execution at hand:
	chooser schedule.Chooser
	bytes   schedule.ByteReader
	tape    schedule.TapeReader
	skip    *filter // species that need not be told
	species []uint64
	word    uint64       // the species that is being put together
	hit     func(uint64) // x.see, bound once
}

// newInProcess returns an engine whose randomness is that of the seed.
func newInProcess(t *target, left *allowance, seed uint64) *inProcess {
	x := &inProcess{
		target: t, left: left, instance: t.program.New(),
		random: rand.New(rand.NewPCG(seed, 1)),
		known:  new(filter), common: new(filter),
	}
	x.hit = x.see
	x.runner = schedule.NewRunner(schedule.Program{
		Name: t.program.Name(),
		New:  func() func(*schedule.Exec) { return x.watched(x.instance.Begin) },
	})
	for i, name := range sample.Names() {
		s, err := sample.New(name, seed+uint64(i)<<32)
		if err != nil {
			panic(err) // the name is one of package sample's own
		}
		s = &sampled{s, x}
		if name == stationary {
			x.stream = s
		} else {
			x.others = append(x.others, s)
		}
	}
	if t.guide != nil {
		x.guide = t.guide.Share(seed)
		x.guiding = &sampled{x.guide, x}
	}
	return x
}

// close gives back what the engine holds.
func (x *inProcess) close() { x.runner.Close() }

// turn runs executions until they have taken so many steps, or there is none to run any more,
// or ctx is done. It returns how many species were new. An error is of the model or the disk,
// and ends everything.
func (x *inProcess) turn(ctx context.Context, steps int) (news int, err error) {
	for spent := 0; spent < steps && ctx.Err() == nil && x.left.take(); {
		o := x.run()
		spent += o.result.Steps + 1
		n, err := x.tell(&o)
		if err != nil {
			return news, err
		}
		news += n
	}
	return news, x.learn()
}

// run runs the next execution.
func (x *inProcess) run() (o outcome) {
	x.n++
	x.species, x.skip = x.species[:0], x.known
	if g, ok := x.target.take(); ok {
		o.own = g.own
		o.result = x.repeat(g.tape)
	} else if x.n%streamEvery == 0 {
		x.skip, o.streamed = x.common, true
		o.result = sample.Once(x.runner, x.stream)
	} else if x.guide != nil && x.n%guidedEvery == 1 && !x.guide.Complete() {
		o.result = sample.Once(x.runner, x.guiding)
	} else if inputs := x.target.kept(); len(inputs) == 0 || x.n%otherEvery == 0 {
		o.result = sample.Once(x.runner, x.others[x.n/otherEvery%len(x.others)])
	} else {
		x.bytes.Reset(x.mutate(inputs))
		o.result = x.runOne(&x.bytes)
	}
	slices.Sort(x.species)
	o.species = slices.Compact(x.species)
	o.tape = x.runner.Taken()
	return o
}

// repeat runs an execution with the decisions of a tape. The guided engine is told of it.
func (x *inProcess) repeat(tape schedule.Tape) schedule.Result {
	if x.guide != nil {
		x.guide.Add(tape)
		return sample.Once(x.runner, x.guiding)
	}
	x.tape.Reset(tape)
	return x.runOne(&x.tape)
}

// mutate returns a mutation of one of the inputs.
func (x *inProcess) mutate(inputs []schedule.Tape) []byte {
	parent := func() []byte {
		from := 0
		if x.random.IntN(2) == 0 {
			from = max(0, len(inputs)-newest)
		}
		return inputs[from+x.random.IntN(len(inputs)-from)].Bytes()
	}
	if x.random.IntN(crossEvery) == 0 {
		return mutate.CrossOver(parent(), parent(), maxInput, x.random.Uint64())
	}
	return mutate.Bytes(parent(), maxInput, x.random.Uint64())
}

// runOne runs an execution with the decisions of c.
func (x *inProcess) runOne(c schedule.Chooser) schedule.Result {
	x.chooser = c
	return x.runner.Run(x)
}

// sampled is a sampler whose executions are looked at on the way.
type sampled struct {
	sample.Sampler
	x *inProcess
}

// Choose implements [schedule.Chooser].
func (s *sampled) Choose(e *schedule.Exec, n int) int {
	s.x.watch(e)
	return s.Sampler.Choose(e, n)
}

// Choose implements [schedule.Chooser].
func (x *inProcess) Choose(e *schedule.Exec, n int) int {
	x.watch(e)
	return x.chooser.Choose(e, n)
}

// watch takes down the species of a decision between threads: the words of the program's
// Abstract, all in one.
func (x *inProcess) watch(e *schedule.Exec) {
	if e.Enabled().Empty() {
		return
	}
	x.word = 1
	x.instance.Abstract(e, x.hit)
	if !x.skip.has(x.word) {
		x.species = append(x.species, x.word)
	}
}

// see adds a word to the species.
func (x *inProcess) see(word uint64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], x.word)
	binary.LittleEndian.PutUint64(b[8:], word)
	x.word = xxhash.Sum64(b[:])
}

// tell tells the target of an execution, and looks at it closer where the target wants
// that.
func (x *inProcess) tell(o *outcome) (news int, err error) {
	if o.result.Outcome == schedule.Fail {
		l := lookOf(o.result.Failure)
		if x.target.failed(o, l) {
			err = x.look(l, slices.Clone(o.tape))
		}
	} else if o.result.Outcome == schedule.Pass {
		news, err = x.target.passed(o, x.known, x.common)
	} else {
		x.target.invalid(o)
	}
	if err == nil && x.n%checkEvery == 0 {
		err = x.runner.CheckDeterminism(slices.Clone(x.runner.Taken()))
	}
	return news, err
}

// look records a failing execution to see which bug it is.
func (x *inProcess) look(l look, tape schedule.Tape) error {
	x.tape.Reset(tape)
	tr := x.runner.Record(&x.tape)
	return x.target.looked(l, triage.Of(tr), triage.Title(tr), tape)
}

// A filter has some of the words that were put into it, and no others.
type filter [1 << 13]uint64

func (f *filter) has(w uint64) bool { return f[w%uint64(len(f))] == w }
func (f *filter) put(w uint64)      { f[w%uint64(len(f))] = w }
