package main

import (
	"context"
	"iter"
	"sync/atomic"
)

// searches does what is to be done with each of the programs, and yields the statements in
// their order; nil for one that was not begun since ctx was done. With -j, of several
// programs so many are searched at the same time, each by one worker: they have nothing to do
// with each other, so n processors take an nth of the time, which within a search they do
// not.
func (c *command) searches(
	ctx context.Context, programs []kernelProgram, pr *progress,
) iter.Seq[*statement] {
	together := min(c.workers, len(programs))
	if together == 1 || c.memory > 0 { // the limit is that of the process
		return func(yield func(*statement) bool) {
			for i, p := range programs {
				var s *statement
				if ctx.Err() == nil {
					pr.program(p.Name(), i, len(programs))
					s = c.search(ctx, p, pr)
				}
				if !yield(s) {
					return
				}
			}
		}
	}
	one := *c
	one.workers = 1
	return func(yield func(*statement) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		done := make([]chan finished, len(programs))
		for i := range done {
			done[i] = make(chan finished, 1)
		}
		var next atomic.Int64
		for range together {
			go func() {
				for i := int(next.Add(1)) - 1; i < len(programs); i = int(next.Add(1)) - 1 {
					done[i] <- one.finish(ctx, programs[i])
				}
			}()
		}
		for i := range programs {
			pr.together(i, len(programs))
			f := <-done[i]
			if f.crash != nil {
				panic(f.crash)
			}
			if !yield(f.statement) {
				return
			}
		}
	}
}

// A finished is how a search has ended: with a statement, or the panic of a model.
type finished struct {
	*statement
	crash any
}

// finish searches a program, without showing progress, unless ctx is done.
func (c *command) finish(ctx context.Context, p kernelProgram) (f finished) {
	defer func() { f.crash = recover() }()
	if ctx.Err() == nil {
		f.statement = c.search(ctx, p, &progress{})
	}
	return f
}
