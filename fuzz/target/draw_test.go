//go:build !gofuzz || libfuzzer

package target

import (
	"bytes"
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
	for i, in := range inputs()[:200] {
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
	const draws, setup = 4000, 12 // as many decisions are about threads and calls
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
	if half < draws/4-draws/40 || half > draws/4+draws/40 {
		t.Errorf("%d of %d begin as the first half of %s", half, draws, from)
	}
	if len(setups) < draws/4 {
		t.Errorf("%d beginnings in %d inputs", len(setups), draws)
	}
	// Whatever a head chooses is done, as far as there are so many alternatives.
	for k := range len(from) {
		sample.Once(x.runner, &drawer{PCT: sample.NewPCT(uint64(k), drawDepth), head: from[:k]})
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

// TestDrawCrash: the engine is given the input on which a model panics, and meets it there.
func TestDrawCrash(t *testing.T) {
	x := New(program.Program{Object: "x", Scenario: "y", Variant: "1", New: func() program.Instance {
		return program.Instance{
			Begin: func(e *schedule.Exec) {
				chosen := e.Choose(2)
				e.Go("thread", func(t *schedule.Thread) {
					if t.Step(schedule.Op{Verb: "nop"}); chosen == 1 {
						panic("a bug of the model")
					}
				})
			},
			Abstract: func(*schedule.Exec, func(uint64)) {},
		}
	}})
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
	for seed := range uint64(20) {
		drawn[string(x.Draw(nil, MaxInput, seed))] = true
	}
	if len(drawn) != 2 || !drawn[""] || !drawn["1"] {
		t.Fatalf("drawn: %v", drawn)
	}
	if x.runner.Watch != nil {
		t.Error("the sampler still watches")
	}
	if crash(nil) || !crash([]byte("1")) {
		t.Error("Run crashes elsewhere")
	}
}
