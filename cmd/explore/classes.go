package main

import (
	"context"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// byClass runs one execution of each class of p.
func (c *command) byClass(ctx context.Context, p kernelProgram, pr *progress) *statement {
	opt := explore.Options{MaxNodes: c.nodes, Mute: c.mute, Progress: pr.classes}
	watched, order := c.watch(p)
	start := time.Now()
	r := explore.Classes(ctx, watched.Schedule(), opt)
	return &statement{
		program: p, limits: c.limits(), report: r, covered: r.Coverage(),
		duration: time.Since(start), lockdep: c.lockdepOf(p, order),
	}
}

// writeClasses prints the numbers of a search by class.
func (s *statement) writeClasses(row func(label, format string, args ...any)) {
	r := &s.report
	row("classes", "%s of executions", group(r.Classes))
	row("executions", "%s run, of which %s ended early, since what follows had been run",
		group(r.Runs), group(r.Blocked))
	if r.Repeated > 0 {
		row("", "%s of a class that had been run", group(r.Repeated))
	}
}
