package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/internal/plural"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// distil makes a pack of the entries that keep all states, and of all whose program is gone.
func (c *command) distil(names []string) error {
	if c.out == "" {
		return errors.New("-o is missing: the new pack to write")
	}
	if _, err := os.Lstat(c.out); err == nil { // said before the work, not after it
		return fmt.Errorf("-o %s: there is such a file; no file is overwritten", c.out)
	}
	packs, err := c.openAll(names)
	if err != nil {
		return err
	}
	groups := map[string][]corpus.Entry{}
	for _, p := range packs {
		for e := range p.All() {
			groups[e.Program] = append(groups[e.Program], e)
		}
	}
	for name, list := range groups {
		slices.SortFunc(list, corpus.Entry.Compare)
		groups[name] = slices.CompactFunc(list, func(a, b corpus.Entry) bool { // of several packs
			return slices.Equal(a.Tape.Canonical(), b.Tape.Canonical())
		})
	}
	var kept []corpus.Entry
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		p, err := kmodel.ProgramOf(name)
		if err != nil { // what it would reach, nobody knows
			kept = append(kept, groups[name]...)
			fmt.Fprintf(c.stderr, "corpus: %v; all kept: %s\n", err, plural.Of(len(groups[name]), "entry"))
			continue
		}
		kept = append(kept, c.distilOne(p, name, groups[name])...)
	}
	return create(c.out, kept)
}

// distilOne distils the entries of one program.
func (c *command) distilOne(p program.Program, name string, list []corpus.Entry) []corpus.Entry {
	bar := c.progress("distil "+name, len(list))
	cov := newCoverage(p, c.abstract)
	defer cov.runner.Close()
	all := map[uint64]bool{}
	keep := corpus.Distil(len(list), func(i int) []uint64 {
		bar.step()
		words := cov.of(list[i].Tape)
		for _, w := range words {
			all[w] = true
		}
		return words
	})
	bar.done()
	var kept []corpus.Entry
	for _, i := range keep {
		kept = append(kept, list[i])
	}
	reach := "reach"
	if len(kept) == 1 {
		reach = "reaches"
	}
	fmt.Fprintf(c.stdout, "%s: %d of %s %s all of %s\n",
		name, len(kept), plural.Of(len(list), "entry"), reach, plural.Of(len(all), "state"))
	return kept
}

// A coverage runs the tapes of one program and collects the states they reach.
type coverage struct {
	schedule.TapeReader
	runner   *schedule.Runner
	instance program.Instance
	abstract bool
	words    []uint64
}

func newCoverage(p program.Program, abstract bool) *coverage {
	cov := &coverage{instance: p.New(), abstract: abstract}
	cov.runner = schedule.NewRunner(schedule.Program{
		Name: p.Name(),
		New:  func() func(*schedule.Exec) { return cov.instance.Begin },
	})
	return cov
}

// of returns what s reaches, until the next call.
func (cov *coverage) of(s schedule.Tape) []uint64 {
	cov.words = cov.words[:0]
	cov.Reset(s)
	res := cov.runner.Run(cov)
	if !cov.abstract {
		cov.hit(cov.runner.Exec().State().Lo)
	}
	if res.Outcome == schedule.Fail {
		cov.Reset(s)
		found := triage.Of(cov.runner.Record(&cov.TapeReader))
		cov.hit(xxhash.Sum64String(found.String()))
	}
	return cov.words
}

// Choose implements schedule.Chooser.
func (cov *coverage) Choose(e *schedule.Exec, n int) int {
	switch {
	case e.Enabled().Empty(): // no scheduling decision
	case cov.abstract:
		cov.instance.Abstract(e, cov.hit)
	default:
		cov.hit(e.State().Lo)
	}
	return cov.TapeReader.Choose(e, n)
}

func (cov *coverage) hit(word uint64) { cov.words = append(cov.words, word) }
