package main

import (
	"context"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// guess estimates how large a search of p would be.
func (c *command) guess(ctx context.Context, p kernelProgram) *statement {
	opt := explore.Options{Bound: explore.Unbounded, Mute: c.mute}
	if c.preemptions != unbounded {
		opt.Bound = c.preemptions
	}
	start := time.Now()
	e := explore.EstimateSize(ctx, p.Schedule(), opt, c.estimate, c.seed)
	return &statement{
		program: p, estimate: &e, limits: c.limits(),
		report:   explore.Report{Runs: e.Probes, Steps: uint64(e.Steps * float64(e.Probes))},
		covered:  "nothing: this is an estimate from " + count(e.Probes, "random execution"),
		duration: time.Since(start),
	}
}

func writeEstimate(row func(label, format string, args ...any), e *explore.Estimate) {
	row("executions", "about %.3g, standard error %.0f%%", e.Executions, 100*e.Error)
	row("states", "at least about %s, of which %s were seen", group(int(e.Nodes)), group(e.Seen))
	row("memory", "at least about %s MiB", group(int(e.Bytes/(1<<20))+1))
}

// fillEstimate fills in what an estimate knows.
func (s *statement) fillEstimate(o *outcome) {
	e := s.estimate
	o.Strategy, o.Stop = "estimate", "done"
	if s.early() {
		o.Stop = explore.Cancelled.String()
	}
	o.Estimate = &estimation{e.Executions.Text('g', 3), e.Error, e.Nodes, e.Seen, e.Bytes, e.Steps}
}
