package main

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
)

// A job is a cell to measure.
type job struct {
	program  schedule.Program
	strategy string
	limits   compare.Limits
}

// name is what the line of progress calls it.
func (j job) name() string { return j.program.Name + " " + j.strategy }

// An event is that a job has begun, or how it ended.
type event struct {
	job   job
	begun bool
	cell  compare.Cell
	done  bool // and not interrupted
	crash any  // the panic of a program
}

// fill measures the cells, -j of them at the same time, and writes each when it is done. What
// one comes to does not depend on the others. It returns those that were done, which are fewer
// if ctx was, in the order in which they were.
func (c *command) fill(
	ctx context.Context, w io.Writer, jobs []job, pr *progress,
) (cells []compare.Cell, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer pr.clear()
	var running []string
	for e := range work(ctx, jobs, c.workers) {
		if e.begun {
			running = append(running, e.job.name())
			pr.cells(len(cells), len(jobs), running)
			continue
		}
		running = slices.DeleteFunc(running, func(s string) bool { return s == e.job.name() })
		if e.crash != nil {
			panic(e.crash)
		}
		if !e.done || err != nil {
			continue
		}
		if err = compare.WriteCSV(w, false, e.cell); err != nil {
			stop() // the others, which are waited for
			continue
		}
		cells = append(cells, e.cell)
	}
	return cells, err
}

// work begins the workers, and returns what comes of the jobs until all are through.
func work(ctx context.Context, jobs []job, workers int) <-chan event {
	events := make(chan event)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, len(jobs)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(jobs) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				events <- event{job: jobs[i], begun: true}
				events <- jobs[i].do(ctx)
			}
		})
	}
	go func() {
		wg.Wait()
		close(events)
	}()
	return events
}

// do measures the cell.
func (j job) do(ctx context.Context) (e event) {
	e.job = j
	defer func() { e.crash = recover() }()
	r := schedule.NewRunner(j.program)
	defer r.Close()
	if j.strategy != guidedStrategy { // which goes where none has been
		r.Memo = schedule.NewMemo(schedule.DefaultMemo)
	}
	e.cell, e.done = compare.Measure(ctx, r, j.strategy, maker(j.strategy), j.limits)
	e.cell.Revision = revision(j.strategy)
	return e
}
