package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

type (
	kernelProgram = program.Program
	instance      = program.Instance
)

// find returns the programs that the patterns mean, in the order of the list, and the
// workloads that were left out.
func (c *command) find() (programs, skipped []kernelProgram, err error) {
	all := kmodel.Programs()
	wanted, unlisted, err := match(c.patterns, all)
	if err != nil {
		return nil, nil, err
	}
	listed := map[string]kernelProgram{}
	for _, p := range all {
		listed[p.Name()] = p
	}
	order := c.order()
	for _, p := range all {
		means, named := wanted[p.Name()], slices.Contains(c.patterns, p.Name())
		stronger := false // fails with an order that allows less, and so with this
		switch {
		case order == "":
		case p.Order() == "":
			for _, o := range program.Orders[:slices.Index(program.Orders, order)] {
				stronger = stronger || listed[p.With(o).Name()].Racy()
			}
			p = p.With(order)
			if q, ok := listed[p.Name()]; ok {
				p = q
			}
			means, named = means || wanted[p.Name()], named || slices.Contains(c.patterns, p.Name())
		case p.Order() == order || !named:
			continue // it comes with the one that has none
		}
		switch {
		case len(c.patterns) > 0 && !means:
		case c.classes && order == "" && p.Order() != "" && !named: // too many classes
		case c.clean && (p.Racy() || stronger):
		case p.Workload && !named && !c.list && c.tapeText == "" && c.random+c.guided+c.estimate == 0:
			skipped = append(skipped, p)
		default:
			programs = append(programs, p)
		}
	}
	for _, p := range unlisted {
		if c.clean && p.Racy() {
			continue
		}
		if !slices.ContainsFunc(programs, func(q kernelProgram) bool { return q.Name() == p.Name() }) {
			programs = append(programs, p)
		}
	}
	return programs, skipped, nil
}

// order returns the order of memory that was asked for.
func (c *command) order() program.Order {
	if len(c.orders) == 0 {
		return ""
	}
	return c.orders[0]
}

// match returns the names of the listed programs that the patterns mean, and the programs with
// store buffers that are not listed and that a pattern names in full.
func match(patterns []string, all []kernelProgram) (
	wanted map[string]bool, unlisted []kernelProgram, err error,
) {
	wanted = map[string]bool{}
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, nil, badPattern(pattern)
		}
		found, means := false, meaning(pattern)
		for _, p := range all {
			if matches(means, p) {
				found = true
				wanted[p.Name()] = true
			}
		}
		if found {
			continue
		}
		p, err := kmodel.Find(means)
		if err != nil {
			return nil, nil, unknown(pattern)
		}
		unlisted = append(unlisted, p)
	}
	return wanted, unlisted, nil
}

// badPattern returns the error for a pattern that package path does not know what to do with.
func badPattern(pattern string) error {
	return fmt.Errorf("%s: a bracket [ without its end ], or nothing in it", pattern)
}

// matches reports whether a pattern means p: by its name, with or without the variant, by
// its object, or by the directory that it is below.
func matches(pattern string, p kernelProgram) bool {
	if dir, ok := strings.CutSuffix(pattern, "..."); ok && (dir == "" || strings.HasSuffix(dir, "/")) {
		return strings.HasPrefix(p.Name(), dir)
	}
	for _, name := range []string{p.Name(), p.Object + "/" + p.Scenario, p.Object} {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// meaning returns the pattern that somebody means who writes the directory of a model, as a
// shell completes it, or the name of a fuzz target.
func meaning(pattern string) string {
	if t, err := kmodel.FindTarget(pattern); err == nil {
		return t.Object + "/" + t.Scenario + "@" + t.Variant
	}
	pattern = strings.TrimPrefix(strings.TrimPrefix(pattern, "./"), "kmodel/")
	return strings.TrimRight(pattern, "/")
}

// unknown returns the error for a pattern that nothing matches: the variants, if the program
// exists, else what is near.
func unknown(pattern string) error {
	_, err := kmodel.Find(pattern)
	if _, ok := errors.AsType[*kmodel.NoVariantError](err); ok {
		return err
	}
	var objects []string
	for _, p := range kmodel.Programs() {
		if !slices.Contains(objects, p.Object) {
			objects = append(objects, p.Object)
		}
	}
	name, _, _ := strings.Cut(pattern, "@")
	names := slices.Concat(objects, kmodel.Paths())
	if strings.HasPrefix(pattern, "Fuzz") {
		names = nil
		for _, t := range kmodel.Targets() {
			names = append(names, t.Name)
		}
	}
	return fmt.Errorf("%s: no such program%s", pattern, kmodel.Hint(name, names, "explore -list"))
}

// writeList prints the programs, with their verdicts as documented.
func writeList(w io.Writer, programs []kernelProgram, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		for _, p := range programs {
			if err := enc.Encode(describe(p, true)); err != nil {
				return err
			}
		}
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "program\tkernels\texpected to fail, with the fewest preemptions")
	for _, p := range programs {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", p.Name(), p.Versions, expected(p))
	}
	return tw.Flush()
}

// expected returns the verdict that p is documented to have: kinds of failure, those that
// show only where the kernel goes on after others last.
func expected(p kernelProgram) string {
	var mutes []schedule.Kinds
	parts := map[schedule.Kinds][]string{}
	for _, e := range p.Expect {
		text := e.Kind.String()
		if !p.Workload {
			text += fmt.Sprintf(" (%s)", count(e.Preemptions, "preemption"))
		}
		if parts[e.Mute] == nil {
			mutes = append(mutes, e.Mute)
		}
		parts[e.Mute] = append(parts[e.Mute], text)
	}
	slices.Sort(mutes)
	texts := []string{}
	for _, mute := range mutes {
		text := strings.Join(parts[mute], ", ")
		if mute != 0 {
			text = "with -mute " + triage.KindsText(mute) + ": " + text
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		texts = []string{"no failure"}
	}
	if p.Workload {
		texts[0] = "workload: " + texts[0]
	}
	return strings.Join(texts, "; ")
}
