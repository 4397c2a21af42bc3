package corpus

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// entry is a literal for tests: the tape in text.
func entry(t testing.TB, program, tape string) Entry {
	t.Helper()
	s, err := schedule.Parse(tape)
	if err != nil {
		t.Fatal(err)
	}
	return Entry{Program: program, Tape: s}
}

// TestFrame writes and reads every sort of tape.
func TestFrame(t *testing.T) {
	most := slices.Repeat(schedule.Tape{1}, MaxDigits)
	for name, tape := range map[string]schedule.Tape{
		"empty":          nil,
		"one":            {1},
		"odd":            {0, 0, 7},
		"even":           {0, 1},
		"escape":         {15, 30, 254, 3},
		"long":           slices.Repeat(schedule.Tape{0, 0, 0, 1, 2}, 1000),
		"incompressible": {1, 7, 3, 14, 9, 2, 11, 5, 8, 4, 13, 6, 10, 12},
		"most":           most,
	} {
		t.Run(name, func(t *testing.T) {
			e := Entry{Program: "fs/aio/workload@1e", Label: "two-threads", Tape: tape}
			b, err := appendFrame([]byte("before"), version, e)
			if err != nil {
				t.Fatal(err)
			}
			got, h, err := parseFrame(append(b[len("before"):], "after"...))
			if err != nil {
				t.Fatal(err)
			}
			if got.Program != e.Program || got.Label != e.Label || !slices.Equal(got.Tape, tape) {
				t.Errorf("got %v", got)
			}
			if size := h.size + h.payload; size != len(b)-len("before") {
				t.Errorf("%d bytes, read as %d", len(b)-len("before"), size)
			}
		})
	}
}

// TestSameExecution runs random bytes, digits and a drawn end, cut as an engine may cut them,
// and what is kept of them as a tape and as bytes: all three take the same decisions.
func TestSameExecution(t *testing.T) {
	p, err := kmodel.Find("fs/aio/workload@1e")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	taken := func(schedule.Result) string { return r.Taken().String() }
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		input := make([]byte, rng.IntN(200))
		for i := range input {
			input[i] = byte(rng.Uint32())
			if rng.IntN(50) > 0 {
				input[i] &= 0x7f
			}
			if rng.IntN(2) == 0 {
				input[i] |= 0xf // escapes, to their limit
			}
		}
		input = input[:rng.IntN(len(input)+1)]
		e := Entry{Program: "F", Tape: r.TapeOf(input)}
		want := taken(r.RunBytes(input))
		if got := taken(r.RunTape(e.Tape)); got != want {
			t.Fatalf("%q: the tape takes %s, want %s", input, got, want)
		}
		if got := taken(r.RunBytes(e.Tape.Bytes())); got != want {
			t.Fatalf("%q: what comes out takes %s, want %s", input, got, want)
		}
	}
}

// TestID holds the numbers by which entries are known, in other files too.
func TestID(t *testing.T) {
	for _, test := range []struct {
		program, tape string
		want          uint64
	}{
		{"FuzzLookupIoctx", "", 0xe3c04dd4e0c1afc4},
		{"FuzzLookupIoctx", "001", 0x148547e6212caf17},
		{"FuzzLookupIoctx", "00100", 0x148547e6212caf17},
		{"fs/aio/workload@1e", "001", 0xe4fd103983e6f4a8},
	} {
		if got := entry(t, test.program, test.tape).ID(); got != test.want {
			t.Errorf("%s %s: %#x, want %#x", test.program, test.tape, got, test.want)
		}
	}
}

// TestRefused has the entries that cannot be in a corpus.
func TestRefused(t *testing.T) {
	const want = ": want up to 255 letters, digits, '.', '_', '-'"
	long := strings.Repeat("x", MaxName+1)
	for _, test := range []struct {
		e    Entry
		want string
	}{
		{Entry{}, "no program: an entry says what its tape is for"},
		{Entry{Program: long}, "program: 256 bytes are beyond the limit of 255"},
		{Entry{Program: "a\nb"},
			`program "a\nb": not a name: want letters, digits and punctuation`},
		{Entry{Program: "F", Label: "../x"}, `label "../x"` + want},
		{Entry{Program: "F", Label: ".."}, `label ".."` + want},
		{Entry{Program: "F", Label: long}, `label "` + long + `"` + want},
		{Entry{Program: "F", Tape: schedule.Tape{1, 255}},
			"decision 1: 255 is beyond the limit of 255 alternatives"},
		{Entry{Program: "F", Tape: slices.Repeat(schedule.Tape{1}, MaxDigits+1)},
			"tape: 1048577 digits are beyond the limit of 1048576"},
	} {
		_, err := appendFrame(nil, version, test.e)
		if err == nil || err.Error() != test.want {
			t.Errorf("%v\nwant %s", err, test.want)
		}
	}
}

// TestCompare: zeros at the end are nothing, shorter is simpler, programs are apart.
func TestCompare(t *testing.T) {
	sorted := []Entry{
		entry(t, "A", ""), entry(t, "A", "2"), entry(t, "A", "01"), entry(t, "A", "1100"),
		entry(t, "B", "1"),
	}
	for i, e := range sorted {
		for j, f := range sorted {
			if got, want := e.Compare(f), min(1, max(-1, i-j)); got != want {
				t.Errorf("%v, %v: %d, want %d", e, f, got, want)
			}
		}
	}
}
