package explore_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	. "github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// checkpointed returns the options of a search with a checkpoint in a new directory.
func checkpointed(t *testing.T, opt Options) Options {
	opt.Checkpoint.File = filepath.Join(t.TempDir(), "ckpt")
	return opt
}

// TestResume interrupts searches again and again, until they are done, each time with
// another number of workers. With one worker throughout, even the effort is that of a
// search that was not interrupted.
func TestResume(t *testing.T) {
	programs := []schedule.Program{
		increments(2, 0, 1), increments(2, 0, 1, 2), workers(0, 1, 2), choices(), again(),
		detour(), stubborn(), forever(), inversion(0, 1),
	}
	seeds := uint64(30)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		programs = append(programs, random(seed, seed%2 == 0))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	resumed := 0
	for _, p := range programs {
		for _, n := range []int{1, 3} {
			opt := Options{Bound: 5, Workers: n}
			want := Last(Exhaust(ctx, p, opt))
			opt = checkpointed(t, opt)
			got := Report{Stop: Cancelled}
			for got.Stop == Cancelled {
				c := doneAfter(1 + rng.IntN(1+want.Runs/3))
				if n > 1 {
					opt.Workers = 1 + rng.IntN(8)
				}
				got = Last(Exhaust(c, p, opt))
				resumed++
			}
			if n > 1 {
				got, want = effortless(got), effortless(want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s, %d workers: resumed\n%+v, want\n%+v", p.Name, n, got, want)
			}
			got = Last(Exhaust(ctx, p, opt))
			if !reflect.DeepEqual(effortless(got), effortless(want)) {
				t.Errorf("%s: begun when it was done\n%+v, want\n%+v", p.Name, got, want)
			}
		}
	}
	if resumed < 4*len(programs) {
		t.Errorf("%d searches for %d programs: too few", resumed, len(programs))
	}
}

// TestResumeFromWithin goes on from what was written while the search was under way,
// as after a kill. Several workers have to rest for each write, which comes as often as it
// may.
func TestResumeFromWithin(t *testing.T) {
	p := increments(2, 0, 1, 2)
	want := exhaust(p, Unbounded)
	for _, n := range []int{1, 4} {
		opt := checkpointed(t, Options{Bound: Unbounded, Workers: n})
		opt.Checkpoint.Every = time.Nanosecond
		var files [][]byte
		opt.Progress = func(Progress) {
			if data, err := os.ReadFile(opt.Checkpoint.File); err == nil {
				files = append(files, data)
			}
		}
		got := Last(Exhaust(ctx, p, opt))
		if len(files) < 3 {
			t.Fatalf("%d workers: %d checkpoints seen, want more", n, len(files))
		}
		if !reflect.DeepEqual(effortless(got), effortless(want)) {
			t.Errorf("%d workers:\n%+v, want\n%+v", n, got, want)
		}
		opt.Progress = nil
		apart := 1
		if testing.Short() {
			apart = 1 + len(files)/5
		}
		for i := 0; i < len(files); i += apart {
			data := files[i]
			if err := os.WriteFile(opt.Checkpoint.File, data, 0o644); err != nil {
				t.Fatal(err)
			}
			got, want := Last(Exhaust(ctx, p, opt)), want
			if n > 1 {
				got, want = effortless(got), effortless(want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d workers: resumed\n%+v, want\n%+v", n, got, want)
			}
		}
	}
}

// TestResumeHigher raises the limit by which a search has ended.
func TestResumeHigher(t *testing.T) {
	p := increments(2, 0, 1, 2)
	want := exhaust(p, Unbounded)
	opt := checkpointed(t, Options{})
	for _, bound := range []int{0, 0, 2, Unbounded} {
		for nodes := 100; ; nodes *= 2 {
			opt.Bound, opt.MaxNodes = bound, nodes
			r := Last(Exhaust(ctx, p, opt))
			if r.Stop == NodeLimit {
				continue
			}
			if whole := exhaust(p, bound); !reflect.DeepEqual(effortless(r), effortless(whole)) {
				t.Errorf("bound %d:\n%+v, want\n%+v", bound, r, whole)
			}
			break
		}
	}
	if r := Last(Exhaust(ctx, p, opt)); !reflect.DeepEqual(r.Executions, want.Executions) {
		t.Errorf("%v executions, want %v", r.Executions, want.Executions)
	}
}

// TestBadCheckpoint reads files that are not what they should be.
func TestBadCheckpoint(t *testing.T) {
	p := increments(1, 0, 1)
	opt := checkpointed(t, all(Unbounded))
	Last(Exhaust(ctx, p, opt))
	good, err := os.ReadFile(opt.Checkpoint.File)
	if err != nil {
		t.Fatal(err)
	}
	try := func(data []byte, p schedule.Program, opt Options, want string) {
		t.Helper()
		if err := os.WriteFile(opt.Checkpoint.File, data, 0o644); err != nil {
			t.Fatal(err)
		}
		r := Last(Exhaust(ctx, p, opt))
		if r.Stop != BadCheckpoint || r.Err == nil || !strings.Contains(r.Err.Error(), want) ||
			!strings.HasPrefix(r.Err.Error(), opt.Checkpoint.File+": ") || r.Complete() {
			t.Errorf("%v: %v, want %s", r.Stop, r.Err, want)
		}
		if kept, _ := os.ReadFile(opt.Checkpoint.File); string(kept) != string(data) {
			t.Error("the file was overwritten")
		}
	}
	apart := 1
	if testing.Short() {
		apart = 7
	}
	for n := 0; n < len(good); n += apart {
		try(good[:n], p, opt, "truncated or damaged")
		flipped := append([]byte{}, good...)
		flipped[n] ^= 0x10
		try(flipped, p, opt, ": ")
	}
	try(append(good, 0), p, opt, "truncated or damaged")
	try([]byte("#!/bin/sh\necho this is something else, and longer\n"), p, opt, "not a checkpoint")
	later := []byte(strings.Replace(string(good), "checkpoint 2", "checkpoint 3", 1))
	try(later, p, opt, `version "3\n", want "2\n"`)
	try(good, locked(0, 1), opt, "a checkpoint of increments, not of locked")
	try(good, increments(2, 0, 1), opt, "another version of increments")
	for _, tt := range []struct {
		change func(o *Options)
		want   string
	}{
		{func(o *Options) { o.Bound = 1 }, "has come to 2 preemptions: ask for as many, or more"},
		{func(o *Options) { o.MaxSteps = 7 }, "at most 0 steps an execution, not 7"},
		{func(o *Options) { o.Mute = schedule.KindSet(schedule.BugOn) }, "goes on after [], not after"},
	} {
		changed := opt
		tt.change(&changed)
		try(good, p, changed, tt.want)
	}
	opt.Checkpoint.File = filepath.Join(opt.Checkpoint.File, "none")
	if r := Last(Exhaust(ctx, p, opt)); r.Stop != BadCheckpoint || r.Err == nil {
		t.Errorf("a checkpoint in a file: %v", r.Err)
	}
}

// TestMemoryLimit ends searches for want of memory, and has them go on with more.
func TestMemoryLimit(t *testing.T) {
	for _, limit := range []int64{1, 100_000} {
		opt := Options{Bound: Unbounded, MaxBytes: limit}
		r := Last(Exhaust(ctx, independent(20, 20, 20), opt))
		if r.Stop != MemoryLimit || r.Complete() {
			t.Errorf("limit %d: %s", limit, r.Coverage())
		}
	}
	p := independent(12, 12, 12)
	want := exhaust(p, Unbounded)
	opt := checkpointed(t, all(Unbounded))
	stops := 0
	for opt.MaxBytes = 100_000; ; opt.MaxBytes += opt.MaxBytes / 2 {
		r := Last(Exhaust(ctx, p, opt))
		if r.Stop == MemoryLimit {
			stops++
			continue
		}
		if !reflect.DeepEqual(effortless(r), effortless(want)) {
			t.Errorf("%+v, want\n%+v", r, want)
		}
		break
	}
	if stops < 3 {
		t.Errorf("%d times at the limit", stops)
	}
}
