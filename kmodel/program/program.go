// Package program holds what is known about a program of the kernel models:
// its name, which upstream patches it has applied, and how it is expected to
// fail.
//
// A model lists its variants, scenarios and verdicts in a [Model], which makes the programs
// of them; the setup of its workload it leaves to a [Workload].
//
// It is apart from package kmodel, which lists all programs, because the
// objects that kmodel lists are written in terms of it.
package program

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Program is one scenario of one kernel object in one historical variant.
type Program struct {
	Object   string // kernel source file without its suffix: "fs/aio"
	Scenario string // "io_getevents-vs-io_destroy", or "workload"
	Variant  string // "1e"; see the object's list of variants
	Versions string // kernels that had this code: "4.16", or "mutant"
	Patches  string // what distinguishes the variant, in one line
	// Workload says that the tape chooses threads and system calls too.
	Workload bool
	// Expect is how exhaustive search finds the program to fail, or a workload how random
	// executions do; empty: it must never fail.
	Expect []Expect
	// Unlisted says that Expect is that of the same code without store buffers: with them it
	// fails so with at most as many preemptions, and may fail in other ways if it does at all.
	Unlisted bool
	// Class, unless nil, says that some threads run the same code and may be exchanged:
	// it returns the lowest number of the threads that a thread may be exchanged with.
	// Instances of the program then have Canonical.
	Class func(thread int) int
	// New builds what the executions of one runner share.
	New func() Instance
}

// An Instance is a program with Go objects of its own, as one runner needs them.
type Instance struct {
	// Begin is what [schedule.Program.New] returns.
	Begin func(*schedule.Exec)
	// Abstract calls hit with a word for each part of the state at hand: two words
	// are equal if a developer would call the parts equal. It is coarser than
	// [schedule.Exec.State] by far, a few hundred words in all. This is what the Go
	// fuzzer is fed, which cannot cope with more (every input that found something
	// new gets the same time again, however many there are).
	Abstract func(e *schedule.Exec, hit func(word uint64))
	// Canonical, where threads may be exchanged, returns the 128-bit hash of the state at
	// hand such that states that differ in the names of such threads only have the same, and
	// for each thread a number that it has in all of them. Last, a thread or nil, is part of
	// the state. See explore.Canonical.
	Canonical func(e *schedule.Exec, last *schedule.Thread) (hash schedule.State, numbers []uint8)
	// Script, in a workload, has it make its choices by choose in place of the tape, for
	// tests of one setup.
	Script func(choose func(e *schedule.Exec, n int) int)
}

// An Expect is a failure that a program is known to have.
type Expect struct {
	Kind        schedule.Kind
	Preemptions int            // the fewest with which it shows
	Mute        schedule.Kinds // after which the kernel is let go on to get there
}

// Name returns the full name, "fs/aio/io_getevents-vs-io_destroy@1e".
func (p Program) Name() string { return p.Object + "/" + p.Scenario + "@" + p.Variant }

// Schedule returns p as package schedule runs it.
func (p Program) Schedule() schedule.Program {
	return schedule.Program{
		Name: p.Name(),
		New:  func() func(*schedule.Exec) { return p.New().Begin },
	}
}

// Racy reports whether any failure is expected.
func (p Program) Racy() bool { return len(p.Expect) > 0 }

// A Table has the verdicts of a model: how its programs are expected to fail, by scenario
// and variant. What is not in it must never fail.
type Table map[string]map[string][]Expect

// Fill sets the Expect of all programs and returns them. It panics if the table has a
// scenario or a variant of none of them: a name that is written wrong would else be a
// claim that something never fails.
func (tb Table) Fill(programs []Program) []Program {
	scenarios := map[string][]string{} // their variants
	for i := range programs {
		p := &programs[i]
		p.Expect = tb[p.Scenario][p.Variant]
		scenarios[p.Scenario] = append(scenarios[p.Scenario], p.Variant)
	}
	for _, scenario := range slices.Sorted(maps.Keys(tb)) {
		variants, ok := scenarios[scenario]
		if !ok {
			panic(fmt.Sprintf("program: the table of verdicts has a scenario %q, the programs have %s",
				scenario, strings.Join(slices.Sorted(maps.Keys(scenarios)), ", ")))
		}
		for _, variant := range slices.Sorted(maps.Keys(tb[scenario])) {
			if !slices.Contains(variants, variant) {
				panic(fmt.Sprintf("program: the table of verdicts has %s in a variant %q, "+
					"the programs have it in %s", scenario, variant, strings.Join(variants, ", ")))
			}
		}
	}
	return programs
}
