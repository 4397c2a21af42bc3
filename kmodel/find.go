package kmodel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

// The commands that print all names.
const (
	listPrograms = "go run ./cmd/explore -list"
	listTargets  = "go test -list=Fuzz ./fuzz"
)

// A NoVariantError says that a program does not have a variant.
type NoVariantError struct {
	Path    string // of the program: "fs/aio/workload"
	Variant string // that was asked for; empty: none was
	Have    []string
}

// Error lists the variants.
func (e *NoVariantError) Error() string {
	have := strings.Join(e.Have, ", ")
	if e.Variant == "" {
		return fmt.Sprintf("%s: no variant given; it has %s: say %s@%s",
			e.Path, have, e.Path, e.Have[0])
	}
	return fmt.Sprintf("%s has no variant %q; it has %s", e.Path, e.Variant, have)
}

// Find returns the program of that full name; with "-tso", "-pso" or "-rmo" behind it, that in weaker
// memory ([program.Order]). The error is a [NoVariantError], or names what is near and how to list
// all.
func Find(name string) (program.Program, error) {
	p, err := find(name)
	if plain, order := program.CutOrder(name); order != "" && err != nil {
		if p, err := find(plain); err == nil {
			return p.With(order), nil
		}
	}
	return p, err
}

func find(name string) (program.Program, error) {
	path, variant, _ := strings.Cut(name, "@")
	var have []string
	for _, p := range Programs() {
		switch {
		case p.Name() == name:
			return p, nil
		case p.Object+"/"+p.Scenario == path:
			have = append(have, p.Variant)
		}
	}
	if have != nil {
		return program.Program{}, &NoVariantError{path, variant, have}
	}
	if t, err := FindTarget(name); err == nil {
		return program.Program{}, fmt.Errorf("program %q: that is a fuzz target; its program is %s",
			name, t.programName())
	}
	return program.Program{}, fmt.Errorf("program %q: no such program%s", name,
		Hint(path, Paths(), listPrograms))
}

// Paths returns every object/scenario once: the names of all programs without variants.
func Paths() []string {
	var out []string
	for _, p := range Programs() {
		if path := p.Object + "/" + p.Scenario; !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	return out
}

// FindTarget returns the target of that name. The error names what is near and how to list
// all.
func FindTarget(name string) (Target, error) {
	var names []string
	for _, t := range Targets() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Target{}, fmt.Errorf("target %q: no such target%s", name, Hint(name, names, listTargets))
}

// ProgramOf returns the program that a name means: that of the target of that name in its own
// variant, or the one that has it for its full name. Names of targets begin with Fuzz.
func ProgramOf(name string) (program.Program, error) {
	if !strings.HasPrefix(name, "Fuzz") {
		return Find(name)
	}
	t, err := FindTarget(name)
	if err != nil {
		return program.Program{}, err
	}
	return t.Program("")
}

// programName returns the full name of what t runs by default.
func (t Target) programName() string { return t.Object + "/" + t.Scenario + "@" + t.Variant }

// Hint returns how an error about an unknown name goes on: what is near among the names
// that there are, and the command that lists all. It begins with a semicolon.
func Hint(name string, names []string, list string) string {
	if near := Nearest(name, names); near != nil {
		return fmt.Sprintf("; near it: %s; all: %s", strings.Join(near, ", "), list)
	}
	return "; to see all: " + list
}

// maxNear is how many names are near enough to be named.
const maxNear = 3

// Nearest returns the names that somebody who wrote name may have meant, at most three,
// the nearest first: those that it is a part of, and those at a small edit distance
// (Levenshtein's). Upper and lower case are the same.
func Nearest(name string, names []string) []string {
	type near struct {
		name string
		far  int
	}
	var found []near
	asked := strings.ToLower(name)
	for _, n := range names {
		have := strings.ToLower(n)
		far := distance(asked, have)
		if len(asked) > 2 && strings.Contains(have, asked) {
			far = min(far, 1)
		}
		if far <= max(2, len(asked)/3) {
			found = append(found, near{n, far})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return cmp.Compare(a.far, b.far) })
	var out []string
	for _, n := range found[:min(len(found), maxNear)] {
		out = append(out, n.name)
	}
	return out
}

// distance returns the fewest bytes to insert, delete or replace to make b of a. Time is
// the product of their lengths.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of a prefix of a to all prefixes of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}
