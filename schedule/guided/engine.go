package guided

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// Options are the limits of an [Engine]. The zero value is valid.
type Options struct {
	// Nodes is the most decisions that are kept, of 40 to 90 bytes each, the more the
	// more alternatives they have, and 15 more for each Engine, 7 of them for a 16th as many states
	// that Q-learning has; no more than 1<<23. What comes to others is not guided there. 0 means
	// [DefaultNodes].
	Nodes int
	// Entries is the most memory states that are told apart, of 80 bytes and a way each, and
	// 16 more for each Engine; no more than 1<<23. 0 means [DefaultEntries]. An eighth of it
	// is the most reads-from combinations, of 100 to 600 bytes.
	Entries int
}

// The limits unless [Options] say otherwise: some 100 MiB.
const (
	DefaultNodes   = 1 << 20
	DefaultEntries = 1 << 16
)

// Every is how many executions there are to one that is not guided.
const Every = 16

// together is how many executions all samplers watch at first, to learn which steps there are.
const together = 8

// newest is how many new decisions of an execution of a workload are kept: those that follow
// the first are hardly ever met again, and to keep them takes longer than the execution.
const newest = 4

// Stats are what an [Engine] knows of its executions, and those of all that share with it.
type Stats struct {
	Executions int
	Repeated   int  // of them came to where nothing was left to see
	Decisions  int  // different ones that are kept: states in which there is something to decide
	Memories   int  // different memory states among them
	LastNew    int  // number of the last execution that came to a new one, from 1
	Full       bool // there are more decisions, or memory states, than are kept
	Complete   bool // every alternative of every decision was followed: there is no more

	// Unguided is how many executions were left alone, and Discovery a bound for such
	// executions: with 95% confidence the next ends in a state in which none has
	// ended with no higher probability. A failure of a new kind is such an end. Of
	// Engines that share all are executions of one, so there is one order that they are in.
	Unguided  int
	Discovery float64
}

// An Engine is a sampler that learns from all executions before, which must be of one program.
// The same seed decides the same, until [Revision] goes up, or another Engine shares with it.
type Engine struct {
	*known
	tally       tally
	first       bool // of those that share: it has the stream
	rng         rand.PCG
	samplers    map[string]sample.Sampler
	watchers    []sample.Sampler // the same, in the order of the table, but for QLearning
	alone       *sample.POS      // of the executions that are not guided
	arms        []arm
	stream      stream
	burst       burst // of a workload
	constraints constraints
	words       words
	edited      schedule.Tape   // a way that was changed
	seeds       []schedule.Tape // to be run next
	workload    bool            // executions begin with choices: of threads, and calls
	threads     int             // that an execution had, the most
	stock       stock
	spare       uint32 // an entry

	// The execution under way.
	mode     mode
	arm      *arm
	sampler  sample.Sampler
	way      schedule.Tape // to be repeated
	rest     schedule.Tape // to follow from its end on
	path     []place
	choices  int     // that it began with
	news     []found // entries, in the order in which it came to them
	watched  bool    // by all samplers
	how      how     // plain if it is watched, or not guided
	fresh    int     // decisions that were new
	blank    bool    // what follows is not kept
	repeats  bool
	finished bool // there was nothing left to see when it began
}

// mode says what an execution is for.
type mode uint8

const (
	guidedMode mode = iota
	aloneMode       // it is part of the stream
	seedMode        // it repeats a tape that was added
)

// New returns an Engine.
func New(seed uint64, opt Options) *Engine {
	if opt.Nodes == 0 {
		opt.Nodes = DefaultNodes
	}
	if opt.Entries == 0 {
		opt.Entries = DefaultEntries
	}
	k := &known{}
	k.graph.init(opt.Nodes)
	k.learnt = opt.Nodes / 16
	k.corpus.init(opt.Entries)
	k.combinations.init(opt.Entries / 8)
	en := newEngine(seed, k)
	en.first = true
	en.stream.init(opt.Entries)
	return en
}

func newEngine(seed uint64, k *known) *Engine {
	en := &Engine{
		known: k, samplers: samplers(seed, k.learnt), alone: sample.NewPOS(^seed),
	}
	for _, a := range table {
		s := en.samplers[a.sampler]
		if _, learns := s.(*sample.QLearning); !learns && !slices.Contains(en.watchers, s) {
			en.watchers = append(en.watchers, s)
		}
	}
	en.rng.Seed(seed, 1)
	en.newArms()
	en.words.segments.forget()
	k.join(&en.tally)
	return en
}

// Corpus returns a tape to each memory state, in the order in which they were met. What they
// lead to after that is up to the 0 for ever at their ends. They must not be changed.
func (en *Engine) Corpus() iter.Seq[schedule.Tape] { return en.corpus.all() }

// Add has a tape run before anything else is: one of the corpus of another Engine, or from
// a file. Where it comes to is part of what is known then.
func (en *Engine) Add(tape schedule.Tape) { en.seeds = append(en.seeds, slices.Clone(tape)) }

// Begin implements [sample.Sampler].
func (en *Engine) Begin() {
	en.path, en.news, en.blank = en.path[:0], en.news[:0], false
	en.way, en.rest, en.repeats, en.fresh, en.choices = nil, nil, false, 0, 0
	en.finished = en.complete.Load()
	en.arm = en.spendOn()
	en.how = plain
	switch {
	case len(en.seeds) > 0:
		en.mode, en.sampler = seedMode, en.samplers[en.arm.sampler]
		en.way, en.seeds = en.seeds[0], en.seeds[1:]
	case en.first && en.leaveAlone():
		en.mode, en.sampler = aloneMode, en.alone
	default:
		en.mode, en.sampler, en.how = guidedMode, en.samplers[en.arm.sampler], en.arm.how
		if en.workload {
			en.beginBurst()
		}
		en.goBack()
	}
	en.beginSampler()
}

// beginSampler tells the sampler, or all that watch, that an execution begins.
func (en *Engine) beginSampler() {
	if en.watched = en.together(); en.watched {
		en.how = plain
		for _, s := range en.watchers {
			s.Begin()
		}
		return
	}
	switch en.how {
	case constrained:
		rf := en.sampler.(*sample.ReadsFrom)
		en.constraints.pairs.begin()
		rf.BeginWith(en.nextConstraints(rf))
	case numbered:
		en.words.segments.begin()
		en.sampler.(*sample.POS).BeginWith(en.nextWords())
	default:
		en.sampler.Begin()
	}
}

// leaveAlone reports whether the first Engine is not to guide this execution. The others
// guide all of theirs, so it does more of that.
func (en *Engine) leaveAlone() bool {
	every := int64(max(1, Every/len(en.members())))
	return en.tally.executions.Load()%every == every-1
}

// goBack chooses the entries that the arm goes back to.
func (en *Engine) goBack() {
	if en.arm.how < back || en.way != nil || en.corpus.len() == 0 {
		return
	}
	en.way = en.choose()
	switch en.arm.how {
	case edited:
		en.editWay()
	case splice:
		en.rest = en.corpus.any(en.below)
	}
}

// contest is how many entries are compared to choose one.
const contest = 8

// choose returns the way to the entry that promises most, of some drawn at random: few
// states known, and seldom chosen. It is nil if none of them is kept.
func (en *Engine) choose() schedule.Tape {
	n := en.corpus.len()
	best, least := uint32(0), uint64(0)
	for range contest {
		id := uint32(1 + en.below(n))
		if en.corpus.kept(id) == nil {
			continue
		}
		if cost := en.cost(id); best == 0 || cost < least {
			best, least = id, cost
		}
	}
	if best == 0 {
		return nil
	}
	en.tally.chosen.add(best)
	return en.corpus.kept(best).tape
}

// cost returns how little an entry promises.
func (en *Engine) cost(id uint32) uint64 {
	states, chosen := uint64(0), uint64(1)
	for _, t := range en.members() {
		states += uint64(t.states.of(id))
		chosen += uint64(t.chosen.of(id))
	}
	return states * chosen
}

// together reports whether all samplers are to watch the execution that begins: it is one of
// the first, or the first of a burst. None watches one that is left alone, nor is one of them
// the sampler of it.
func (en *Engine) together() bool {
	first := en.tally.executions.Load() < together
	return en.mode != aloneMode && (first || en.bursting() && en.burst.n == 0)
}

// below returns a random number below n, at most 2^32. It favours small ones by n/2^32.
func (en *Engine) below(n int) int { return int((en.rng.Uint64() >> 32) * uint64(n) >> 32) }

// Looks implements [sample.Looker]. Where constraints are mutated the sampler is ReadsFrom, which
// looks.
func (en *Engine) Looks() bool { return en.watched || sample.Looks(en.sampler) }

// Step implements [sample.Sampler].
func (en *Engine) Step(t *schedule.Thread) bool {
	switch en.how {
	case constrained:
		en.constraints.pairs.step(t)
	case numbered:
		en.words.segments.step(t)
	}
	if en.watched {
		for _, s := range en.watchers {
			s.Step(t)
		}
		return true
	}
	return en.sampler.Step(t)
}

// End implements [sample.Sampler].
func (en *Engine) End(e *schedule.Exec, res schedule.Result) {
	if en.watched {
		for _, s := range en.watchers {
			s.End(e, res)
		}
	} else if !en.repeats {
		en.sampler.End(e, res)
	}
	en.tally.executions.Add(1)
	en.threads = max(en.threads, len(e.Threads()))
	if en.bursting() {
		en.endBurst(e)
	}
	if en.mode == aloneMode {
		en.stream.add(e.State().Lo)
		en.tally.unguided.Store(int64(en.stream.n))
		en.tally.discovery.Store(math.Float64bits(en.stream.bound))
	}
	if en.finished {
		return
	}
	if en.repeats {
		en.tally.repeated.Add(1)
	}
	// What a limit of steps has ended might have gone on elsewhere; and where a state is not
	// always told from others by the same (see schedule.Loads), nobody knows that nothing is left.
	ended := (res.Outcome == schedule.Pass || res.Outcome == schedule.Fail) && !e.ReordersLoads()
	if en.graph.learn(en.path, en.repeats || ended && !en.blank) {
		en.complete.Store(true)
	}
	en.corpus.keep(en.news, e.Tape())
	fresh := len(en.news) > 0
	en.keepMutated()
	if en.fresh > 0 {
		en.tally.decisions.Add(int64(en.fresh))
	}
	if fresh {
		en.tally.memories.Add(int64(len(en.news)))
		en.tally.lastNew.Store(en.executions())
	}
	if en.mode == guidedMode {
		en.arm.pay(fresh)
	}
}
