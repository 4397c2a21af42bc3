package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
)

// formPrograms returns the programs of package bench, in all forms.
func formPrograms() (out []schedule.Program) {
	for _, p := range bench.Programs() {
		for _, f := range bench.Forms() {
			out = append(out, p.Schedule(f))
		}
	}
	return out
}

// defaultPrograms returns what is measured without a pattern: the programs of package bench, and
// the racy workloads of the fuzz targets.
func defaultPrograms() []schedule.Program {
	out := formPrograms()
	for _, target := range kmodel.Targets() {
		if p, err := target.Program(""); err == nil && p.Racy() {
			out = append(out, p.Schedule())
		}
	}
	return out
}

// findBench returns the programs that the patterns mean, each once, in the order of the patterns.
func (c *command) findBench() ([]schedule.Program, error) {
	if len(c.patterns) == 0 {
		return defaultPrograms(), nil
	}
	var out []schedule.Program
	have := map[string]bool{}
	for _, pattern := range c.patterns {
		programs, err := matchBench(pattern)
		if err != nil {
			return nil, err
		}
		for _, p := range programs {
			if !have[p.Name] {
				have[p.Name] = true
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// matchBench returns the programs that a pattern means: of package bench, by their name or that
// without the form, or else of the kernel models those that are documented to fail.
func matchBench(pattern string) (out []schedule.Program, err error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, badPattern(pattern)
	}
	for _, p := range formPrograms() {
		name, _, _ := strings.Cut(p.Name, "@")
		full, _ := path.Match(pattern, p.Name)
		if short, _ := path.Match(pattern, name); full || short {
			out = append(out, p)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	all := kmodel.Programs()
	wanted, programs, err := match([]string{pattern}, all)
	if err != nil && !strings.Contains(pattern, "/") {
		return nil, fmt.Errorf("%s: no such program of package schedule/bench, nor kernel model", pattern)
	} else if err != nil {
		return nil, err
	}
	for _, p := range all {
		if wanted[p.Name()] {
			programs = append(programs, p)
		}
	}
	for _, p := range programs {
		if p.Racy() {
			out = append(out, p.Schedule())
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: nothing of it is documented to fail", pattern)
	}
	return out, nil
}

// tableOrder returns the names of those programs that there are, in the order of the rows: the
// programs of package bench, and then one kernel object after the other.
func tableOrder(names []string) (out []string) {
	for _, p := range formPrograms() {
		if slices.Contains(names, p.Name) {
			out = append(out, p.Name)
		}
	}
	var objects []string // as they come first
	rows := map[string][]string{}
	add := func(p kernelProgram) {
		if rows[p.Object] == nil {
			objects = append(objects, p.Object)
		}
		rows[p.Object] = append(rows[p.Object], p.Name())
	}
	for _, p := range kmodel.Programs() {
		if slices.Contains(names, p.Name()) {
			add(p)
		}
	}
	for _, name := range names {
		if p, err := kmodel.Find(name); err == nil && !slices.Contains(rows[p.Object], name) {
			add(p) // with store buffers, and not listed
		}
	}
	for _, object := range objects {
		out = append(out, rows[object]...)
	}
	return out
}
