package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// checkCheckpoint says early why a checkpoint could not be written at the end.
func checkCheckpoint(file string) error {
	if file == "" {
		return nil
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("%s: a directory, want the name of a file", file)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: there is no directory %s", file, filepath.Dir(file))
	}
	return nil
}

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
	watched, order := c.watch(p)
	if c.symmetry {
		opt.Symmetry = symmetry(watched)
	}
	s := &statement{program: p, limits: c.limits(), symmetry: c.symmetry}
	start := time.Now()
	if c.states {
		s.states, s.report = explore.CountStates(ctx, watched.Schedule(), opt)
	} else {
		s.report = explore.Last(explore.Exhaust(ctx, watched.Schedule(), opt))
	}
	s.duration, s.covered = time.Since(start), s.report.Coverage()
	s.lockdep = c.lockdepOf(p, order)
	return s
}

func symmetry(p kernelProgram) *explore.Symmetry {
	return &explore.Symmetry{
		Class: p.Class,
		New: func() (func(*schedule.Exec), explore.Canonical) {
			in := p.New()
			return in.Begin, in.Canonical
		},
	}
}
