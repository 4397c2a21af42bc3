package main

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// exhaustive runs every execution of p that the limits allow.
func (c *command) exhaustive(ctx context.Context, p kernelProgram, pr *progress) *statement {
	opt := explore.Options{
		Bound: explore.Unbounded, MaxNodes: c.nodes, MaxBytes: int64(c.memory) << 20,
		Workers: c.workers, Checkpoint: c.checkpoint, Mute: c.mute, Progress: pr.exhaust,
	}
	if c.memory > 0 {
		// Have the collector keep close to the limit, instead of waiting until as much
		// again is garbage. Runners and the rest take little.
		debug.SetMemoryLimit(opt.MaxBytes + 32<<20)
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
