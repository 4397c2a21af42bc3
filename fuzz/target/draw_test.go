//go:build !gofuzz || libfuzzer

package target

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// TestDraw checks the promises for any bytes: the same arguments, the same input, whatever
// was run before; within the limit; the argument as it was; and, with room, an input that
// repeats the execution that was drawn.
func TestDraw(t *testing.T) {
	x, fresh := start(t, "FuzzFixedLookupIoctx"), start(t, "FuzzFixedLookupIoctx")
	for i, in := range inputs()[:100] {
		before, seed := slices.Clone(in), uint64(i)
		for _, limit := range []int{0, 1, 40, MaxInput} {
			got := x.Draw(in, limit, seed)
			if _, err := x.Run(in); err != nil {
				t.Fatal(err)
			}
			if again := fresh.Draw(in, limit, seed); !bytes.Equal(got, again) {
				t.Fatalf("Draw(%q, %d, %d) = %q, then %q", in, limit, seed, got, again)
			}
			if !bytes.Equal(in, before) {
				t.Fatalf("Draw(%q, %d, %d) changed its input to %q", before, limit, seed, in)
			}
			if len(got) > limit {
				t.Fatalf("Draw(%q, %d, %d) = %q, %d bytes", in, limit, seed, got, len(got))
			}
			x.runner.RunBytes(got)
			if want := x.runner.Taken().Bytes(); limit == MaxInput && !bytes.Equal(got, want) {
				t.Fatalf("Draw(%q, %d, %d) = %q, which takes %q", in, limit, seed, got, want)
			}
		}
	}
}

// TestDrawBegins checks that half of what is drawn begins as the input does, up to a
// decision of which each is as likely, and that the rest have calls of their own.
func TestDrawBegins(t *testing.T) {
	x := start(t, "FuzzFixedLookupIoctx")
	sample.Once(x.runner, sample.NewSURW(1))
	from := slices.Clone(x.runner.Taken())
	draws, setup := 2000, 12 // as many decisions are about threads and calls
	if testing.Short() {
		draws = 600
	}
	half, setups := 0, map[string]bool{}
	for seed := range uint64(draws) {
		out := schedule.FromBytes(x.Draw(from.Bytes(), MaxInput, seed))
		same := 0
		for same < min(len(out), len(from)) && out[same] == from[same] {
			same++
		}
		if same >= len(from)/2 {
			half++
		}
		setups[out[:min(len(out), setup)].String()] = true
	}
	// Some of the others go on as it does: it takes the calm alternative for long.
	if half < draws/4-draws/40 || half > draws/4+draws/20 {
		t.Errorf("%d of %d begin as the first half of %s", half, draws, from)
	}
	if len(setups) < draws/4 {
		t.Errorf("%d beginnings in %d inputs", len(setups), draws)
	}
	// Whatever a head chooses is done, as far as there are so many alternatives.
	for k := range len(from) {
		sample.Once(x.runner, &drawer{Demote: sample.NewDemote(uint64(k)), head: from[:k]})
		if taken := x.runner.Exec().Decisions(); taken < k {
			t.Fatalf("%d decisions after a head of %d", taken, k)
		}
		got := append(x.runner.Taken(), make(schedule.Tape, k)...) // canonical: without its calm end
		if !slices.Equal(got[:k], from[:k]) {
			t.Fatalf("%s does not begin with %s", got, from[:k])
		}
	}
}

// TestDrawFails: what is drawn finds the bug of a racy target, and shows it again.
func TestDrawFails(t *testing.T) {
	x := start(t, "FuzzPutSuper")
	for seed := range uint64(1000) {
		in := x.Draw(nil, MaxInput, seed)
		drawn := x.runner.Exec().State()
		failed, err := x.Run(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := x.runner.Exec().State(); got != drawn {
			t.Fatalf("seed %d: %s comes to another state than what was drawn", seed, in)
		}
		if failed {
			return
		}
	}
	t.Error("no input failed")
}

// lottery is a program whose every execution chooses one of 16, and then does what body does
// of that.
func lottery(begin func(), body func(t *schedule.Thread, chosen int)) program.Program {
	return program.Program{Object: "x", Scenario: "y", Variant: "1", New: func() program.Instance {
		return program.Instance{
			Begin: func(e *schedule.Exec) {
				begin()
				chosen := e.Choose(16)
				e.Go("thread", func(t *schedule.Thread) {
					t.Step(schedule.Op{Verb: "nop"})
					body(t, chosen)
				})
			},
			Abstract: func(*schedule.Exec, func(uint64)) {},
		}
	}}
}

// TestDrawTries: schedules are drawn until one fails, eight at most. One in 16 fails.
func TestDrawTries(t *testing.T) {
	const draws = 2000
	begun, failures := 0, 0
	x := New(lottery(func() { begun++ }, func(t *schedule.Thread, chosen int) {
		if chosen == 1 {
			t.Fail(schedule.LockRule, nil, schedule.Party{}, "")
		}
	}))
	defer x.Close()
	for seed := range uint64(draws) {
		begun = 0
		in := x.Draw([]byte("2"), MaxInput, seed)
		failed := string(in) == "1"
		if begun < 1 || begun > 8 || begun < 8 && !failed {
			t.Fatalf("seed %d: %q after %d executions", seed, in, begun)
		}
		if failed {
			failures++
		}
	}
	// Every second one begins as the input, of one decision, and every second of these with
	// nothing of it. So three in four choose.
	miss := math.Pow(1-3.0/64, 8)
	want, sd := draws*(1-miss), math.Sqrt(draws*miss*(1-miss))
	if math.Abs(float64(failures)-want) > 5*sd {
		t.Errorf("%d of %d fail, want about %.0f", failures, draws, want)
	}
}

// TestDrawCrash: the engine is given the input on which a model panics, and meets it there.
func TestDrawCrash(t *testing.T) {
	x := New(lottery(func() {}, func(_ *schedule.Thread, chosen int) {
		if chosen == 1 {
			panic("a bug of the model")
		}
	}))
	defer x.Close()
	crash := func(in []byte) (crashed bool) {
		defer func() { _, crashed = recover().(*schedule.Crash) }()
		_, err := x.Run(in)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	drawn := map[string]bool{}
	for seed := range uint64(50) {
		drawn[string(x.Draw(nil, MaxInput, seed))] = true
	}
	if !drawn["1"] || len(drawn) < 8 {
		t.Fatalf("drawn: %v", drawn)
	}
	if x.runner.Watch != nil {
		t.Error("the sampler still watches")
	}
	if crash(nil) || !crash([]byte("1")) {
		t.Error("Run crashes elsewhere")
	}
}
