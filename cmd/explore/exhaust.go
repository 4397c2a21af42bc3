package main

import (
	"context"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// exhaustive runs every execution of p that the limits allow.
func (c *command) exhaustive(ctx context.Context, p kernelProgram, pr *progress) *statement {
	opt := explore.Options{
		Bound: explore.Unbounded, MaxNodes: c.nodes, Mute: c.mute, Progress: pr.exhaust,
	}
	if c.preemptions != unbounded {
		opt.Bound = c.preemptions
	}
	start := time.Now()
	r := explore.Last(explore.Exhaust(ctx, p.Schedule(), opt))
	return &statement{
		program: p, report: r, limits: c.limits(), covered: r.Coverage(),
		duration: time.Since(start),
	}
}
