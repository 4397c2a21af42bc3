package main

import (
	"context"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

// TestQueue: regressions go first, and each sort in its order; a closed queue is emptied.
func TestQueue(t *testing.T) {
	var q queue
	q.init()
	racy := &target{program: program.Program{Expect: make([]program.Expect, 1)}}
	for _, b := range []*bug{
		{Title: "a", target: racy}, {Title: "b", target: racy}, {Title: "C", target: &target{}},
		{Title: "d", target: racy}, {Title: "E", target: &target{}},
	} {
		q.add(b)
	}
	q.close()
	order := ""
	for {
		b, ok := q.next(context.Background())
		if !ok {
			break
		}
		order += b.Title
	}
	if want := "CEabd"; order != want {
		t.Errorf("order %s, want %s", order, want)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	q.add(&bug{target: racy})
	if _, ok := q.next(ctx); ok {
		t.Error("a bug after the end")
	}
}
