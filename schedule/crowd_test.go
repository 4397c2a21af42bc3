package schedule_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// An item is what a thread of masses allocates.
type item struct {
	Object
	v Cell
}

// A tally is what all of them share.
type tally struct {
	counter
	done [MaxThreads]Cell
}

// masses has that many threads, who allocate an item each, write to it, and free it. All of
// them add 1 to one word, without a lock, and every fourth waits for the one before it.
func masses(threads int) Program {
	return Program{Name: "masses", New: func() func(*Exec) {
		c := new(tally)
		c.Bind(c, "c")
		items := make([]item, threads)
		for i := range items {
			items[i].Bind(&items[i], "item")
		}
		body := func(t *Thread) {
			if t.ID%4 == 3 {
				last := &c.done[t.ID-1]
				t.Await(Op{Verb: "wait", Cell: last, Mode: ReadOnce}, (*notZero)(last))
			}
			it := &items[t.ID]
			t.Alloc(&it.Object, t.ID)
			c.inc(t)
			t.Step(Op{Verb: "write", Cell: &it.v, Mode: PlainWrite})
			it.v.Set(1)
			t.Step(Op{Verb: "free", Cell: it.Self(), Mode: PlainWrite | Frees})
			t.Free(&it.Object)
			c.done[t.ID].Set(1)
		}
		return func(e *Exec) {
			e.Static(&c.Object, 0)
			for range threads {
				e.Go("x", body)
			}
		}
	}}
}

// notZero is the gate that is open while a word is not 0.
type notZero Cell

func (g *notZero) Open(*Thread) bool { return (*Cell)(g).Value() != 0 }

// TestCrowd: there may be MaxThreads threads, all can be the next, and each is written down
// and read back.
func TestCrowd(t *testing.T) {
	r := NewRunner(masses(MaxThreads))
	defer r.Close()
	for first := range 3 * MaxThreads / 4 { // of those that do not wait
		tape := Tape{uint8(first)}
		r.RunTape(tape)
		if got := r.Taken(); !slices.Equal(got, tape.Canonical()) {
			t.Errorf("tape %q taken as %q", tape, got)
		}
		tr, err := r.Replay(tape)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := tr.Events[0].Thread, first+first/3; got != want {
			t.Errorf("tape %q: thread %d is first, want %d", tape, got, want)
		}
	}
	if got := r.Exec().Width(); got != MaxThreads {
		t.Errorf("%d threads wide", got)
	}
}

// TestCrowdTapes: decisions of more than a hundred alternatives are the same in text and in
// bytes.
func TestCrowdTapes(t *testing.T) {
	r := NewRunner(program("crowd", func(e *Exec, w *words) {
		for range MaxThreads {
			e.Go("x", func(t *Thread) { w.store(t, &w.a, uint64(t.ID)) })
		}
	}))
	defer r.Close()
	rng := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		tape := make(Tape, MaxThreads-1) // the last step is forced
		for i := range tape {
			tape[i] = uint8(rng.IntN(MaxThreads - i))
		}
		tape[0] = MaxThreads - 1 // and not 0
		parsed, err := Parse(tape.String())
		if err != nil || !slices.Equal(parsed, tape) || !slices.Equal(FromBytes(tape.Bytes()), tape) {
			t.Fatalf("%v is %v in text (%v), %v in bytes",
				tape, parsed, err, FromBytes(tape.Bytes()))
		}
		res := r.RunTape(tape)
		state := r.Exec().State()
		if res.Decisions != len(tape) || !slices.Equal(r.Taken(), tape.Canonical()) {
			t.Fatalf("%v taken as %v, %d decisions", tape, r.Taken(), res.Decisions)
		}
		if r.RunBytes(tape.Bytes()); r.Exec().State() != state {
			t.Errorf("%q: the bytes end in another state", tape)
		}
		if _, err := r.Replay(tape); err != nil {
			t.Error(err)
		}
	}
	_, err := r.Replay(Tape{MaxThreads})
	want := "80 does not fit, there are 128 alternatives (0-7f)"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// TestCrowdRepeats: of a hundred threads, too, a tape is one execution, with one trace, and any
// bytes are a tape.
func TestCrowdRepeats(t *testing.T) {
	p := masses(100)
	a, b := NewRunner(p), NewRunner(p)
	defer a.Close()
	defer b.Close()
	a.Wide, b.Wide = true, true
	rng := rand.New(rand.NewPCG(3, 3))
	high := 0
	for i := range 20 {
		in := make([]byte, rng.IntN(900))
		for i := range in {
			in[i] = byte(rng.Uint32())
		}
		if i%2 != 0 { // in which large decisions are rare
			for i := range in {
				in[i] %= 100
			}
			in = Tape(in).Bytes()
		}
		res := a.RunBytes(in)
		tape := slices.Clone(a.Taken())
		if res.Outcome != Pass {
			t.Fatalf("tape %q: %v", tape, res)
		}
		if again := b.RunTape(tape); again != res || a.Exec().State() != b.Exec().State() {
			t.Fatalf("tape %q: %+v, and again %+v", tape, res, again)
		}
		if err := a.CheckDeterminism(tape); err != nil {
			t.Fatal(err)
		}
		one, err := a.Replay(tape)
		two, err2 := b.Replay(tape)
		if err != nil || err2 != nil || !reflect.DeepEqual(one, two) {
			t.Fatalf("tape %q: two traces, %v, %v", tape, err, err2)
		}
		var text bytes.Buffer
		if err := one.WriteColumns(&text, 100); err != nil || text.Len() == 0 {
			t.Fatal(err)
		}
		for _, d := range tape {
			if d >= 64 {
				high++
			}
		}
	}
	if high == 0 {
		t.Error("no decision is above 63")
	}
}

// A depot is a facility with an object.
type depot struct {
	Object
	a, b  Cell
	bound bool
}

var depots = NewFacility[depot]()

func (d *depot) Reset(e *Exec) {
	if !d.bound {
		d.bound = true
		d.Bind(d, "depot")
	}
	depots.Static(e, &d.Object)
}

// TestIdentities: no two cells of objects of threads, of facilities and of those that were
// there before are one, and those of the first 64 threads and of facilities are what they
// were when there were no more.
func TestIdentities(t *testing.T) {
	type box struct {
		Object
		a, b Cell
	}
	ids := map[uint64]string{}
	add := func(who string, cells ...*Cell) {
		for _, c := range cells {
			if other, ok := ids[c.ID()]; ok {
				t.Errorf("%s and %s: both %x", who, other, c.ID())
			}
			ids[c.ID()] = who
		}
	}
	var d *depot
	boxes := make([]box, 2*MaxThreads)
	for i := range boxes {
		boxes[i].Bind(&boxes[i], "box")
	}
	r := NewRunner(program("boxes", func(e *Exec, w *words) {
		d = depots.Of(e)
		add("boot", w.Self(), &w.a)
		add("facility", d.Self(), &d.a, &d.b)
		for i := range MaxThreads {
			e.Go("x", func(t *Thread) {
				w.store(t, &w.a, 1)
				for j := range 2 {
					b := &boxes[2*i+j]
					t.Alloc(&b.Object, 2*i+j)
					add("thread", b.Self(), &b.a, &b.b)
				}
			})
		}
	}))
	defer r.Close()
	r.RunTape(nil)
	if want := 2 + 3 + 6*MaxThreads; len(ids) != want {
		t.Errorf("%d cells, want %d", len(ids), want)
	}
	for i := range 64 {
		if got, want := boxes[2*i].Self().ID(), uint64(i+1)<<32|1<<12; got != want {
			t.Errorf("the first box of thread %d is %x, want %x", i, got, want)
		}
	}
	if got := d.Self().ID() >> 32; got != 66 {
		t.Errorf("facilities are at %x", got)
	}
}

// TestBit: a thread has a bit in a cell, or says that it has none.
func TestBit(t *testing.T) {
	var bits uint64
	r := NewRunner(program("bits", func(e *Exec, w *words) {
		for range 65 {
			e.Go("x", func(t *Thread) {
				w.store(t, &w.a, 1)
				bits |= t.Bit()
			})
		}
	}))
	defer r.Close()
	defer func() {
		c, _ := recover().(*Crash)
		if c == nil || !strings.Contains(c.Error(), "thread 64 in a cell that holds a set of threads") {
			t.Errorf("%v", c)
		}
		if bits != 1<<64-1 {
			t.Errorf("the others have %x", bits)
		}
	}()
	r.RunTape(nil)
}
