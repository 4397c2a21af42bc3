package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/internal/plural"
	"github.com/kschedfuzz/kschedfuzz/schedule/guided"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

const (
	// turnSteps is how many steps a turn takes: some ten milliseconds, since a stop waits
	// for the turns at hand.
	turnSteps = 1 << 14
	// saveEvery is how often the state is saved, and rates are taken.
	saveEvery = 5 * time.Second
	// measureEvery is how often the disk is measured, in saves.
	measureEvery = 12
)

// A campaign is a run of the command: all targets, the workers that take turns at them, and
// the one that makes reports.
type campaign struct {
	config  config
	store   *store
	targets []*target
	byName  map[string]*target
	share   *share // of the workers
	native  *share // of the Go fuzzer; nil: there is none
	log     *log.Logger
	verbose bool
	now     func() time.Time

	started time.Time
	before  state     // what was remembered
	left    allowance // executions
	bugs    queue     // whose reports are due

	mu    sync.Mutex
	rates map[*target]rate
}

// A rate is how fast a target was executed lately.
type rate struct {
	at         time.Time
	executions int64
	perSecond  float64
}

// newCampaign opens the data directory and makes everything ready. Executions is how many
// may be run, 0: no end.
func newCampaign(
	cfg config, dir string, executions int64, stderr io.Writer,
) (_ *campaign, err error) {
	c := &campaign{
		config: cfg, log: log.New(stderr, "continuous: ", log.Ltime|log.Lmsgprefix),
		now: time.Now, byName: map[string]*target{}, rates: map[*target]rate{},
	}
	c.left.Store(executions)
	if executions == 0 {
		c.left.Store(1 << 62)
	}
	c.bugs.init()
	if c.store, err = openStore(dir, cfg.Disk.bytes, cfg.Memory.bytes/4, c.log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.store.close())
		}
	}()
	c.store.kept = c.kept
	if c.before, err = c.store.loadState(); err != nil {
		return nil, err
	}
	c.started = c.now()
	debug.SetMemoryLimit(cfg.Memory.bytes)
	c.makeTargets()
	if err := c.loadBugs(); err != nil {
		return nil, err
	}
	if err := c.store.loadOrders(c.byName); err != nil {
		return nil, err
	}
	return c, c.loadTapes()
}

// makeTargets makes the targets of the configuration, with what is remembered of them.
func (c *campaign) makeTargets() {
	// Half of the memory is for species, a quarter for inputs, the rest for everything else
	// and what is garbage.
	room := new(allowance)
	room.Store(c.config.Memory.bytes / 2 / bytesPerSpecies)
	for _, n := range c.config.Targets {
		t := &target{
			name: n.name, program: n.program, store: c.store, found: c.bugs.add, now: c.now,
			species: map[uint64]struct{}{}, room: room, stream: newStream(room),
			totals: c.before.Targets[n.name],
			bugs:   map[triage.Signature]*bug{}, looks: map[look]*seen{},
			orders: map[string]*orderReport{}, wrong: c.misordered,
		}
		c.targets, c.byName[n.name] = append(c.targets, t), t
	}
	for _, n := range c.config.Guided {
		for i, t := range c.targets {
			if t.name == n.name {
				t.guide = guided.New(c.seed(i, math.MaxUint16), c.guidedOptions())
			}
		}
	}
	c.share = newShare(c.targets)
}

// guidedOptions returns the limits of each guided engine. Of half of what species and inputs
// leave all of them together take no more than half, for a table that grows is there twice.
func (c *campaign) guidedOptions() guided.Options {
	bytes := int(c.config.Memory.bytes / 8 / int64(len(c.config.Guided)))
	nodes := bytes / 2 / bytesPerNode
	return guided.Options{Nodes: max(1, nodes), Entries: max(1, nodes/16)}
}

// loadBugs reads what was reported before, and runs each again.
func (c *campaign) loadBugs() error {
	bugs, err := c.store.loadBugs(c.byName)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(bugs)) {
		b := bugs[name]
		b.Count = c.before.Failures[name]
		b.target.bugs[b.signature] = b
		if b.check(); b.active && b.report == nil {
			c.bugs.add(b)
		}
	}
	return nil
}

// loadTapes gives the targets what they begin with: the corpus, the seeds, and what failed
// and may have been left without a report, or with one that is no longer true.
func (c *campaign) loadTapes() error {
	give := func(p *corpus.Pack, own bool) {
		c.inspect(p)
		for e := range p.All() {
			if t := c.byName[e.Program]; t != nil {
				t.give(given{e.Tape, own})
			}
		}
	}
	give(c.store.corpus.Pack(), true)
	for _, seeds := range c.config.Seeds {
		p, err := corpus.Open(seeds.name)
		if err != nil {
			return err
		}
		give(p, false)
	}
	failing := c.store.failing.Pack()
	c.inspect(failing)
	for e := range failing.All() {
		t := c.byName[e.Program]
		if t == nil {
			continue
		}
		sig, title := signatureOf(t, e.Tape)
		if sig == (triage.Signature{}) {
			continue
		}
		b, err := t.meet(sig, title, e.Tape)
		if err != nil {
			return err
		}
		if b != nil {
			b.Count = c.before.Failures[b.name()]
		}
	}
	return nil
}

// inspect says so if a pack is damaged.
func (c *campaign) inspect(p *corpus.Pack) {
	if len(p.Damage()) > 0 {
		c.log.Printf("%s: damaged, intact entries: %d; to see more: "+
			"go run ./cmd/corpus verify %[1]s", p.Name(), p.Len())
	}
}

// misordered is told of a report of the order of locks that is on the disk now.
func (c *campaign) misordered(r *orderReport) {
	what := "lockdep"
	if r.regression() {
		what = "REGRESSION"
	}
	c.log.Printf("%s in %s: %s: %s", what, r.Target, r.Report,
		filepath.Join(c.store.dir, orderDir, r.name()))
}

// kept is told of an entry that is on the disk now.
func (c *campaign) kept(e corpus.Entry) {
	if c.verbose {
		c.log.Printf("kept %016x %s", e.ID(), e.Program)
	}
}

// run fuzzes until ctx is done, or for as long as given (0: no end), or until the
// executions are spent. Reports that are due by then are made, unless ctx is done.
func (c *campaign) run(ctx context.Context, duration time.Duration) error {
	if err := c.save(); err != nil { // a start that is cut short counts, for its seeds
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if duration == 0 {
		duration = math.MaxInt64
	}
	fuzzing, enough := context.WithTimeout(ctx, duration)
	defer enough()
	var failure error // the first
	var once sync.Once
	fail := func(err error) {
		if err != nil {
			once.Do(func() { failure = err })
			stop()
		}
	}
	var workers, rest sync.WaitGroup
	for i := range int(c.config.Workers) {
		workers.Go(func() { fail(c.work(fuzzing, i)) })
	}
	if c.native != nil {
		rest.Go(func() { c.workNative(fuzzing) })
	}
	rest.Go(func() { fail(c.makeReports(ctx)) })
	c.takeRates()
	rest.Go(func() { fail(c.keepTime(fuzzing)) })
	workers.Wait()
	if n := c.bugs.len(); n > 0 && errors.Is(fuzzing.Err(), context.DeadlineExceeded) {
		c.log.Printf("the time is over; %s to be made, which SIGTERM leaves to the next start",
			plural.Of(n, "report"))
	}
	enough()
	c.bugs.close()
	for range c.config.Workers - 1 { // what the workers did not need any more
		rest.Go(func() { fail(c.makeReports(ctx)) })
	}
	rest.Wait()
	return errors.Join(failure, c.save())
}

// work is a worker: it has a turn at the target whose turn it is, and so on.
func (c *campaign) work(ctx context.Context, worker int) error {
	engines := make([]*inProcess, len(c.targets))
	defer func() {
		for _, e := range engines {
			if e != nil {
				e.close()
			}
		}
	}()
	for ctx.Err() == nil && c.left.Load() > 0 {
		i := c.share.next()
		if engines[i] == nil {
			engines[i] = newInProcess(c.targets[i], &c.left, c.seed(i, worker))
		}
		news, err := engines[i].turn(ctx, turnSteps)
		if err == nil {
			err = c.store.sync()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.targets[i].name, err)
		}
		c.share.done(i, news)
	}
	return nil
}

// seed returns a seed that no other worker, target or start has.
func (c *campaign) seed(target, worker int) uint64 {
	return uint64(c.before.Starts)<<32 + uint64(target)<<16 + uint64(worker)
}

// makeReports makes reports of bugs as they come, one after the other. While it makes one,
// another may find the queue closed and empty, and end; what the one has met it adds after that
// and makes itself.
func (c *campaign) makeReports(ctx context.Context) error {
	for {
		b, ok := c.bugs.next(ctx)
		if !ok {
			return nil
		}
		start := c.now()
		slips, err := c.store.reportOn(ctx, b)
		c.bugs.spend(b.target, c.now().Sub(start))
		if err != nil && ctx.Err() != nil {
			return nil // it is made at the next start
		}
		if err != nil {
			return fmt.Errorf("%s: %s: tape %s: %w", b.Target, b.Title, b.Tape, err)
		}
		what := "failure"
		if b.regression() {
			what = "REGRESSION"
		}
		c.log.Printf("%s in %s: %s: %s", what, b.Target, b.Title,
			filepath.Join(c.store.dir, failuresDir, b.name()))
		for _, s := range slips {
			if _, err := b.target.meet(s.Signature, s.Title, s.Tape); err != nil {
				return err
			}
		}
	}
}

// keepTime takes rates and saves the state now and then.
func (c *campaign) keepTime(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		c.takeRates()
		if err := c.save(); err != nil {
			return err
		}
		if n%measureEvery == 0 {
			c.store.measure()
		}
	}
}

// takeRates notes how fast each target was since the last time.
func (c *campaign) takeRates() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for _, t := range c.targets {
		t.mu.Lock()
		n := t.totals.Executions + t.totals.Native
		t.mu.Unlock()
		last, known := c.rates[t]
		next := rate{at: now, executions: n}
		if d := now.Sub(last.at).Seconds(); known && d > 0 {
			next.perSecond = float64(n-last.executions) / d
		}
		c.rates[t] = next
	}
}

// seconds returns how long this and all earlier instances have run.
func (c *campaign) seconds() float64 {
	return c.before.Seconds + c.now().Sub(c.started).Seconds()
}

// save adds to the histories and saves the state.
func (c *campaign) save() error {
	st := state{
		Schema: stateVersion, Starts: c.before.Starts + 1, Seconds: c.seconds(),
		Targets: map[string]Totals{}, Failures: map[string]int64{},
	}
	maps.Copy(st.Targets, c.before.Targets) // also of targets that are not fuzzed now
	maps.Copy(st.Failures, c.before.Failures)
	for _, t := range c.targets {
		t.mu.Lock()
		if len(t.totals.History.Points) == 0 {
			t.totals.History.add(point{Seconds: c.before.Seconds})
		}
		if len(t.todo) == 0 { // else the species of the last instance are not all back
			t.totals.History.add(point{st.Seconds, t.totals.Executions + t.totals.Native, len(t.species)})
		}
		totals := t.totals
		totals.History.Points = slices.Clone(totals.History.Points)
		st.Targets[t.name] = totals
		for _, b := range t.bugs {
			st.Failures[b.name()] = b.Count
		}
		t.mu.Unlock()
	}
	return c.store.saveState(st)
}
