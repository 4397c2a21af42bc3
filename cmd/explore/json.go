package main

import (
	"encoding/json"
	"io"
	"math/big"
	"strconv"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// A record is a statement as JSON. The command's comment is its schema.
type record struct {
	Program  string `json:"program"`
	Object   string `json:"object"`
	Scenario string `json:"scenario"`
	Variant  string `json:"variant"`
	Versions string `json:"versions,omitempty"`
	Patches  string `json:"patches,omitempty"`
	Workload bool   `json:"workload,omitempty"`

	Expect *[]expectation `json:"expect,omitempty"`

	*outcome
}

type expectation struct {
	Kind        string   `json:"kind"`
	Preemptions int      `json:"preemptions"`
	Mute        []string `json:"mute,omitempty"`
}

// An outcome is the part of a record that an exploration fills in.
type outcome struct {
	Strategy      string   `json:"strategy"`
	Limits        limits   `json:"limits"`
	Stop          string   `json:"stop"`
	Complete      bool     `json:"complete"`
	Covered       string   `json:"covered"`
	Failed        bool     `json:"failed"`
	AsListed      *bool    `json:"as_listed,omitempty"`
	Bound         *int     `json:"bound,omitempty"`
	Nodes         int      `json:"nodes,omitempty"`
	Edges         int      `json:"edges,omitempty"`
	States        int      `json:"states,omitempty"`
	Symmetry      bool     `json:"symmetry,omitempty"`
	Runs          int      `json:"runs"`
	Steps         uint64   `json:"steps"`
	Executions    string   `json:"executions,omitempty"`
	ByPreemptions []string `json:"by_preemptions,omitempty"`
	Cycle         bool     `json:"cycle,omitempty"`
	Classes       uint64   `json:"classes,omitempty"`
	Blocked       int      `json:"blocked,omitempty"`
	Repeated      int      `json:"repeated,omitempty"`
	Distinct      int      `json:"distinct,omitempty"`
	LookedUp      int      `json:"looked_up,omitempty"`

	Estimate *estimation `json:"estimate,omitempty"`
	Guided   *guidance   `json:"guided,omitempty"`

	Lockdep *lockdepReport `json:"lockdep,omitempty"`

	Endings []ending `json:"endings"`
	Seconds float64  `json:"seconds"`
}

type estimation struct {
	Executions string  `json:"executions"`
	Error      float64 `json:"error"`
	Nodes      float64 `json:"nodes"`
	Seen       int     `json:"seen"`
	Bytes      float64 `json:"bytes"`
	Steps      float64 `json:"steps"`
}

type ending struct {
	Outcome       string   `json:"outcome"`
	Kind          string   `json:"kind,omitempty"`
	Text          string   `json:"text"`
	Preemptions   int      `json:"preemptions"`
	Switches      int      `json:"switches"`
	Steps         int      `json:"steps"`
	Tape          string   `json:"tape"`
	Minimal       bool     `json:"minimal"`
	Executions    string   `json:"executions,omitempty"`
	ByPreemptions []string `json:"by_preemptions,omitempty"`
	Classes       uint64   `json:"classes,omitempty"`
}

// describe returns the record of a program, with or without what is expected of it.
func describe(p kernelProgram, expect bool) record {
	r := record{
		Program: p.Name(), Object: p.Object, Scenario: p.Scenario, Variant: p.Variant,
		Versions: p.Versions, Patches: p.Patches, Workload: p.Workload,
	}
	if expect {
		list := []expectation{}
		for _, e := range p.Expect {
			list = append(list, expectation{e.Kind.String(), e.Preemptions, e.Mute.Names()})
		}
		r.Expect = &list
	}
	return r
}

// writeJSON prints the statement as one line.
func (s *statement) writeJSON(w io.Writer) error {
	r := describe(s.program, false)
	r.outcome = &outcome{
		Limits: s.limits, Covered: s.covered, Failed: s.report.Failed(),
		Runs: s.report.Runs, Steps: s.report.Steps, Endings: s.endings(),
		Seconds: s.duration.Seconds(), Lockdep: s.lockdep,
	}
	switch {
	case s.sample != nil:
		s.sample.fill(r.outcome)
	case s.estimate != nil:
		s.fillEstimate(r.outcome)
	default:
		s.fill(r.outcome)
	}
	return json.NewEncoder(w).Encode(r)
}

// fill fills in what an exhaustive search knows.
func (s *statement) fill(o *outcome) {
	r := &s.report
	o.Strategy, o.Stop, o.Complete = "exhaust", r.Stop.String(), r.Complete()
	if r.ByClass {
		o.Strategy = "classes"
		o.Classes, o.Blocked, o.Repeated = r.Classes, r.Blocked, r.Repeated
	} else {
		o.Bound = &r.Bound
	}
	o.Nodes, o.Edges = r.Nodes, r.Edges
	o.States, o.Symmetry = s.states, s.symmetry
	o.Executions, o.ByPreemptions = decimal(r.All), decimals(r.Executions)
	o.Cycle = r.Cycle != explore.Acyclic
	if same, known := s.listed(); known {
		o.AsListed = &same
	}
}

func (s *statement) endings() []ending {
	out := []ending{}
	for _, e := range s.report.Endings {
		x := ending{
			Outcome: e.Outcome.String(), Text: e.Category.String(),
			Preemptions: e.Witness.Preemptions, Switches: e.Witness.Switches,
			Steps: e.Witness.Steps, Tape: e.Witness.Tape.String(), Minimal: e.Witness.Minimal,
			Executions: decimal(e.All), ByPreemptions: decimals(e.Executions),
			Classes: e.Classes,
		}
		if e.Outcome == schedule.Fail {
			x.Kind = e.Kind.String()
		}
		if s.sample != nil {
			x.Executions = strconv.Itoa(s.sample.met[e.Category])
		}
		out = append(out, x)
	}
	return out
}

func decimal(n *big.Int) string {
	if n == nil {
		return ""
	}
	return n.String()
}

func decimals(counts []uint64) (out []string) {
	for _, n := range counts {
		out = append(out, new(big.Int).SetUint64(n).String())
	}
	return out
}
