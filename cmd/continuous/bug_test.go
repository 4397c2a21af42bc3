package main

import (
	"context"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// TestQueue: regressions go first, of each sort those of the targets that have had less time, and
// of these each in its turn; a closed queue is emptied.
func TestQueue(t *testing.T) {
	var q queue
	q.init()
	racy := &target{program: program.Program{Expect: make([]program.Expect, 1)}}
	quick := &target{program: racy.program}
	slow, fixed := &target{}, &target{}
	for _, b := range []*bug{
		{Title: "a", target: racy}, {Title: "b", target: racy}, {Title: "C", target: slow},
		{Title: "d", target: quick}, {Title: "E", target: fixed}, {Title: "f", target: quick},
		{Title: "G", target: fixed},
	} {
		q.add(b)
	}
	q.spend(slow, 5*time.Second)
	q.close()
	order := ""
	for {
		b, ok := q.next(context.Background())
		if !ok {
			break
		}
		order += b.Title
		q.spend(b.target, map[*target]time.Duration{racy: 10, quick: 4}[b.target])
	}
	if want := "EGCadfb"; order != want {
		t.Errorf("order %s, want %s", order, want)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	q.add(&bug{target: racy})
	if _, ok := q.next(ctx); ok {
		t.Error("a bug after the end")
	}
}

// TestUnlisted: a kind that the table of a racy program does not have is marked.
func TestUnlisted(t *testing.T) {
	uaf := []program.Expect{{Kind: schedule.UseAfterFree}}
	for _, test := range []struct {
		expect []program.Expect
		kind   schedule.Kind
		want   bool
	}{
		{uaf, schedule.UseAfterFree, false}, {uaf, schedule.Leak, true}, {nil, schedule.Leak, false},
	} {
		b := &bug{
			target:    &target{program: program.Program{Expect: test.expect}},
			signature: triage.Signature{Kind: test.kind},
		}
		if got := b.unlisted(); got != test.want {
			t.Errorf("%v of %v: %v", test.kind, test.expect, got)
		}
	}
}
