package schedule_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// chance is a program of threads that also choose, before the first step and later.
var chance = program("chance", func(e *Exec, w *words) {
	for range 2 + e.Choose(3) {
		e.Go("x", func(t *Thread) {
			for range 3 {
				w.store(t, &w.a, w.load(t, &w.a)+uint64(t.Choose(4)))
				w.lock(t, &w.b)
				w.store(t, &w.b, 0)
			}
		})
	}
})

// drawing are programs that draw in every way: few threads and many, choices, agents, locks,
// failures.
func drawing() []Program {
	return []Program{
		chance, crossed, increments(4, 5), masses(20), masses(MaxThreads), ringProgram(twins),
	}
}

// ends are inputs with a drawn end, after no digits, a few, and a mark where it is the last.
func ends(n int) (out [][]byte) {
	r := rand.New(rand.NewPCG(5, 5))
	for range n {
		in := make([]byte, r.IntN(30))
		for i := range in {
			in[i] = '0' + byte(r.IntN(4))
		}
		in = append(in, byte(0x80+r.IntN(0x80)))
		for range r.IntN(10) {
			in = append(in, byte(r.Uint32()))
		}
		out = append(out, in)
	}
	return out
}

// A slowDemote draws as the end of an input does: threads in a list, the highest priority first,
// those that were demoted after the others.
type slowDemote struct {
	head    TapeReader
	digits  int
	seed    uint64
	numbers uint64
	fresh   []int // threads
	demoted []int
	by      [MaxThreads]uint64 // the number with which each was
}

func newSlowDemote(in []byte, mark int) *slowDemote {
	d := &slowDemote{digits: mark, seed: xxhash.Sum64(in[mark:])}
	d.head.Reset(FromBytes(in[:mark]))
	for id := range MaxThreads {
		d.fresh = append(d.fresh, id)
	}
	slices.SortFunc(d.fresh, func(a, b int) int {
		return cmp.Compare(d.word(uint64(b))|1<<63, d.word(uint64(a))|1<<63)
	})
	return d
}

func (d *slowDemote) word(what uint64) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], d.seed)
	binary.LittleEndian.PutUint64(b[8:], what)
	return xxhash.Sum64(b[:])
}

func (d *slowDemote) number() uint64 {
	d.numbers++
	return d.word(MaxThreads + d.numbers)
}

func (d *slowDemote) Choose(e *Exec, n int) int {
	if e.Decisions() < d.digits { // each is one decision here
		return d.head.Choose(e, n)
	}
	if e.Enabled().Empty() {
		hi, _ := bits.Mul64(d.number(), uint64(n))
		return int(hi)
	}
	if e.Last() != nil {
		if x := d.number(); x%8 == 0 {
			d.demote(e.Last().ID, x<<1)
		}
	}
	for _, id := range slices.Concat(d.fresh, d.demoted) {
		if !e.Enabled().Has(id) {
			continue
		}
		for i := range n {
			if e.Alternative(i).ID == id {
				return i
			}
		}
	}
	panic("no thread is enabled")
}

// demote puts a thread among those that have been, the largest number first.
func (d *slowDemote) demote(id int, x uint64) {
	is := func(other int) bool { return other == id }
	d.fresh, d.demoted = slices.DeleteFunc(d.fresh, is), slices.DeleteFunc(d.demoted, is)
	d.by[id] = x
	at := 0
	for at < len(d.demoted) && d.by[d.demoted[at]] > x {
		at++
	}
	d.demoted = slices.Insert(d.demoted, at, id)
}

// inputs is how many inputs a test draws.
func inputs() int {
	if testing.Short() {
		return 60
	}
	return 300
}

// TestDrawn: the end of an input draws as it is said to, with the numbers that are said to be
// part of the format.
func TestDrawn(t *testing.T) {
	for _, p := range drawing() {
		r := NewRunner(p)
		defer r.Close()
		for _, in := range ends(inputs()) {
			mark := bytes.IndexFunc(in, func(c rune) bool { return c >= 0x80 })
			want := r.Run(newSlowDemote(in, mark))
			tape := slices.Clone(r.Taken())
			if got := r.RunBytes(in); got != want || !slices.Equal(r.Taken(), tape) {
				t.Fatalf("%s: %q: %v by %s, want %v by %s", p.Name, in, got, r.Taken(), want, tape)
			}
		}
	}
}

// TestDrawnGolden holds some executions: an input that was kept is to mean the same for ever.
func TestDrawnGolden(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"\x80", "0130012010030000100022"},
		{"\xff", "00201100000002002"},
		{"\xff0", "0121100110020000000023"},
		{"1201\xff0", "1201022110110020000000010000000100001"},
	} {
		r := NewRunner(chance)
		defer r.Close()
		if got := r.TapeOf([]byte(tt.in)).String(); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestTapeOf: an input and its tape are one execution, before and after others and in another
// runner; and of digits the tape is what they say, as far as the program reads them and beyond.
func TestTapeOf(t *testing.T) {
	for _, p := range drawing() {
		r, fresh := NewRunner(p), NewRunner(p)
		defer r.Close()
		defer fresh.Close()
		for _, in := range ends(inputs()) {
			before := slices.Clone(in)
			tape := r.TapeOf(in)
			if !bytes.Equal(in, before) {
				t.Fatalf("%s: %q has become %q", p.Name, before, in)
			}
			want := fresh.RunBytes(in)
			state := fresh.Exec().State()
			again := r.RunTape(tape)
			if again.Outcome != want.Outcome || again.Steps != want.Steps || r.Exec().State() != state {
				t.Fatalf("%s: %q: %v, tape %s: %v", p.Name, in, want, tape, again)
			}
			if !slices.Equal(r.TapeOf(tape.Bytes()), tape) {
				t.Fatalf("%s: tape %s does not stay as it is", p.Name, tape)
			}
		}
	}
	r := NewRunner(crossed)
	defer r.Close()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"0000", ""},
		{"00900", "009"}, // more than there are alternatives
		{"\x00\x10\x21", "001"},
		{"ABC", "123"},
		{"/", "f0"}, // an escape that nothing follows
		{strings.Repeat("2", 600), strings.Repeat("2", 600)},
		{strings.Repeat("2", MaxInput) + "\xff", strings.Repeat("2", MaxInput)},
	} {
		if got := r.TapeOf([]byte(tt.in)).String(); got != tt.want {
			t.Errorf("%q: tape %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestMaxInput: who cuts an input there sees the same execution as who does not.
func TestMaxInput(t *testing.T) {
	r := NewRunner(increments(4, 200)) // some thousand decisions
	defer r.Close()
	for _, mark := range []int{0, 100, MaxInput - 2, MaxInput - 1, MaxInput} {
		in := bytes.Repeat([]byte("0"), mark)
		in = append(in, 0xff)
		in = append(in, bytes.Repeat([]byte("a longer end than is read "), MaxInput/10)...)
		whole := r.TapeOf(in)
		if cut := r.TapeOf(in[:MaxInput]); !slices.Equal(cut, whole) {
			t.Errorf("drawn from %d: %s, cut %s", mark, whole, cut)
		}
		if drawn := len(whole) > 0; drawn != (mark < MaxInput) {
			t.Errorf("drawn from %d: %s", mark, whole)
		}
	}
}

// TestTapeOfCrash: of a model that panics the tape leads there.
func TestTapeOfCrash(t *testing.T) {
	r := NewRunner(program("crash", func(e *Exec, w *words) {
		chosen := e.Choose(2)
		e.Go("x", func(t *Thread) {
			if w.load(t, &w.a); chosen == 1 {
				panic("a bug of the model")
			}
		})
	}))
	defer r.Close()
	seen := map[string]bool{}
	for seed := range 20 {
		seen[r.TapeOf([]byte{0xff, byte(seed)}).String()] = true
	}
	if len(seen) != 2 || !seen[""] || !seen["1"] {
		t.Errorf("tapes %v", seen)
	}
}

// TestDrawnOrders: without a change every order of the threads is as likely.
func TestDrawnOrders(t *testing.T) {
	counts := map[string]int{}
	var order []byte
	r := NewRunner(program("orders", func(e *Exec, w *words) {
		for range 4 {
			e.Go("x", func(t *Thread) {
				w.store(t, &w.a, 1)
				order = append(order, '0'+byte(t.ID))
			})
		}
	}))
	defer r.Close()
	const draws = 24 * 500
	for i := range draws {
		order = order[:0]
		r.RunBytes([]byte{0x80, byte(i), byte(i >> 8)})
		counts[string(order)]++
	}
	for o, n := range counts {
		if n < 400 || n > 600 { // 500, with a deviation of 22
			t.Errorf("order %s: %d of %d", o, n, draws)
		}
	}
	if len(counts) != 24 {
		t.Errorf("%d orders: %v", len(counts), counts)
	}
}

// TestDrawnAllocs: a warm runner allocates nothing for what it draws.
func TestDrawnAllocs(t *testing.T) {
	r := NewRunner(increments(4, 5))
	defer r.Close()
	in := []byte("01\xffabc")
	r.RunBytes(in)
	if n := testing.AllocsPerRun(100, func() { r.RunBytes(in) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// FuzzTapeOf: any bytes are one execution, however they are read.
func FuzzTapeOf(f *testing.F) {
	for _, in := range ends(5) {
		f.Add(in)
	}
	r := NewRunner(chance)
	f.Cleanup(r.Close)
	f.Fuzz(func(t *testing.T, in []byte) {
		want := r.RunBytes(in)
		state := r.Exec().State()
		tape := r.TapeOf(in)
		if got := r.RunTape(tape); got != want || r.Exec().State() != state {
			t.Errorf("%q: %v, as tape %s: %v", in, want, tape, got)
		}
		if got := r.RunBytes(tape.Bytes()); got != want || r.Exec().State() != state {
			t.Errorf("%q: %v, as bytes of tape %s: %v", in, want, tape, got)
		}
	})
}
