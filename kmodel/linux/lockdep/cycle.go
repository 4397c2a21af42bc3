package lockdep

import (
	"slices"
	"strings"
)

// The titles of reports, in the words of the kernel's.
const (
	// Circular: each class of the chain was taken while the one before was held.
	Circular = "possible circular locking dependency detected"
	// Recursive: a lock was taken by who held it. A reader may: he does not wait for himself,
	// but for a writer who has come between.
	Recursive = "possible recursive locking detected"
	// Inconsistent: a class is taken by a handler of interrupts, or softirqs, and held elsewhere
	// while these are on.
	Inconsistent = "inconsistent lock state"
	// Inversion: a class that a handler takes leads to one that is held while interrupts, or
	// softirqs, are on. Who has the first may wait for who has the other, who is interrupted by
	// the handler, which waits for the first. The kernel says "HARDIRQ-safe -> HARDIRQ-unsafe
	// lock order detected" if the dependency is the last of this that it learns.
	Inversion = "possible irq lock inversion dependency detected"
)

// A Report is what is wrong with an order of locks: by it, threads could come to wait for each
// other for ever. It may be that something else in the program keeps them from that.
type Report struct {
	Title string
	Chain []string // the classes, each taken while the one before is held
	Facts []Fact   // that make it so
}

// String returns the report in one line.
func (r Report) String() string { return r.Title + ": " + strings.Join(r.Chain, " -> ") }

// Reports returns all that is wrong with o, where the kernel reports the first thing that it
// comes upon, and none after that: for each dependency the shortest cycle that it is part of,
// and for each class that a handler takes that it is inconsistent, or else the shortest
// inversion.
func (o *Order) Reports() []Report {
	g := newLockGraph(o.Facts())
	return slices.Concat(g.cycles(), g.recursions(), g.usage(UsedInHardirq, HardirqsEnabled),
		g.usage(UsedInSoftirq, SoftirqsEnabled))
}

// A lockGraph is what an Order knows, by class.
type lockGraph struct {
	facts []Fact
	after map[string][]Fact // dependencies from a class, by name
}

func newLockGraph(facts []Fact) *lockGraph {
	g := &lockGraph{facts: facts, after: map[string][]Fact{}}
	for _, f := range facts {
		if f.Kind == Dependency {
			g.after[f.From] = append(g.after[f.From], f)
		}
	}
	return g
}

// cycles returns for each dependency the shortest cycle that it is part of.
func (g *lockGraph) cycles() (out []Report) {
	seen := map[string]bool{}
	for _, f := range g.facts {
		if f.Kind != Dependency {
			continue
		}
		back := g.path(f.To, func(to string) bool { return to == f.From })
		if back == nil {
			continue
		}
		r := report(Circular, rotate(append([]Fact{f}, back...)))
		if !seen[r.String()] {
			seen[r.String()] = true
			out = append(out, r)
		}
	}
	return out
}

// rotate returns a cycle such that it begins with the first of its classes by name.
func rotate(cycle []Fact) []Fact {
	first := 0
	for i := range cycle {
		if cycle[i].From < cycle[first].From {
			first = i
		}
	}
	return append(slices.Clone(cycle[first:]), cycle[:first]...)
}

func (g *lockGraph) recursions() (out []Report) {
	for _, f := range g.facts {
		if f.Kind == Recursion {
			out = append(out, report(Recursive, []Fact{f}))
		}
	}
	return out
}

// usage returns what is wrong with how classes are used, in handlers and where these are on.
func (g *lockGraph) usage(used, enabled FactKind) (out []Report) {
	unsafe := map[string]Fact{}
	for _, f := range g.facts {
		if f.Kind == enabled {
			unsafe[f.To] = f
		}
	}
	for _, safe := range g.facts {
		if safe.Kind != used {
			continue
		}
		if f, both := unsafe[safe.To]; both {
			out = append(out, Report{Inconsistent, []string{safe.To}, []Fact{safe, f}})
			continue
		}
		path := g.path(safe.To, func(to string) bool { return unsafe[to].To != "" })
		if path == nil {
			continue
		}
		r := report(Inversion, path)
		last := r.Chain[len(r.Chain)-1]
		r.Facts = slices.Concat([]Fact{safe}, r.Facts, []Fact{unsafe[last]})
		out = append(out, r)
	}
	return out
}

// path returns the shortest way from a class to one that is wanted, nil if there is none.
func (g *lockGraph) path(from string, wanted func(to string) bool) []Fact {
	came := map[string]Fact{}
	queue := []string{from}
	for i := 0; i < len(queue); i++ {
		for _, f := range g.after[queue[i]] {
			if _, seen := came[f.To]; seen {
				continue
			}
			came[f.To] = f
			if wanted(f.To) {
				way := []Fact{f}
				for way[0].From != from {
					way = append([]Fact{came[way[0].From]}, way...)
				}
				return way
			}
			queue = append(queue, f.To)
		}
	}
	return nil
}

// report returns the report of dependencies each of which leads to the next.
func report(title string, deps []Fact) Report {
	chain := []string{deps[0].From}
	for _, f := range deps {
		chain = append(chain, f.To)
	}
	return Report{title, chain, deps}
}
