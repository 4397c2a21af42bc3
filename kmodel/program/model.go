package program

import "github.com/kschedfuzz/kschedfuzz/schedule"

// Changes is a set of patches, each a bit that the model names. A system embeds those of its
// variant, and its functions ask for them.
type Changes uint

// Has reports whether any of p is applied.
func (c Changes) Has(p Changes) bool { return c&p != 0 }

// A Variant is the code of an object as some kernels had it, or as it might have been. All
// variants are one code, which differs where it asks for changes. Of each there are three more, whose
// names end with an [Order]; listed are those whose verdict is another, and their fixes.
type Variant struct {
	Name     string // "4.14"; see Order for what it may end with
	Versions string // kernels that had this code: "4.14-4.16", "mutant", "proposal"
	About    string // what distinguishes it, in one line
	Changes  Changes
}

// A Scenario is what the threads of a program do. S is what they share.
type Scenario[S any] struct {
	Name string // "newlink-vs-exit"
	New  func(s S) Instance
}

// A Model is the programs of one object: each scenario in each variant.
type Model[S any] struct {
	Object    string        // kernel source file without its suffix
	Variants  []Variant     // in historical order
	Scenarios []Scenario[S] // those that are fixed
	Workloads []Scenario[S] // those in which the tape chooses the calls: see [Workload]
	// Expected is the table of verdicts: every kind of failure with the fewest preemptions
	// that it takes. What is not in it never fails. A workload is too large to be exhausted: its
	// row has the kinds that a sample finds, and a rarer one may be missing where it has any.
	Expected Table
	// System makes what the threads of a program share, in a variant with these changes.
	System func(c Changes) S
}

// Programs returns the programs, by scenario, workloads last. It panics if the table of
// verdicts has a name that they have not.
func (m Model[S]) Programs() []Program {
	var out []Program
	for _, sc := range m.Scenarios {
		out = m.add(out, sc, false)
	}
	for _, sc := range m.Workloads {
		out = m.add(out, sc, true)
	}
	return m.Expected.Fill(out)
}

func (m Model[S]) add(out []Program, sc Scenario[S], workload bool) []Program {
	for _, v := range m.Variants {
		p := Program{
			Object: m.Object, Scenario: sc.Name, Variant: v.Name,
			Versions: v.Versions, Patches: v.About, Workload: workload,
			New: func() Instance { return sc.New(m.System(v.Changes)) },
		}
		if p.Order() != "" {
			p = p.buffered()
		}
		out = append(out, p)
	}
	return out
}

// Fails is a row of a table of verdicts: a kind with the fewest preemptions that it takes.
func Fails(k schedule.Kind, preemptions int) Expect {
	return Expect{Kind: k, Preemptions: preemptions}
}

// Word makes a word for [Instance.Abstract]: a number, and behind it a bit for each truth.
func Word(n int, truths ...bool) uint64 {
	word := uint64(n)
	for _, b := range truths {
		word <<= 1
		if b {
			word |= 1
		}
	}
	return word
}

// Globals are the objects that are there in the whole of every execution: global variables,
// and what nobody allocates or frees. A system embeds them.
type Globals struct{ objs []*schedule.Object }

// Global gives an object the name that reports call it by. It belongs in the constructor of
// the system.
func (g *Globals) Global(o schedule.Header, name string) {
	h := o.Header()
	h.Bind(o, name)
	h.SetGlobal()
	g.objs = append(g.objs, h)
}

// BootGlobals begins an execution: all cells of the globals are 0.
func (g *Globals) BootGlobals(e *schedule.Exec) {
	for _, o := range g.objs {
		e.Static(o, 0)
	}
}
