package schedule_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Tape
		err  string
	}{
		{"", nil, ""},
		{"0", Tape{0}, ""},
		{"00120e", Tape{0, 0, 1, 2, 0, 14}, ""},
		{"f0", Tape{15}, ""},
		{"f2", Tape{17}, ""},
		{"1ff31", Tape{1, 33, 1}, ""},
		{strings.Repeat("f", 16) + "e", Tape{254}, ""},
		{"01g", nil, `tape position 2: 'g' is not a hex digit (0-9, a-f)`},
		{"A", nil, `tape position 0: 'A' is not a hex digit`},
		{"0 1", nil, `tape position 1: ' ' is not a hex digit`},
		{"0f", nil, "tape position 2: ends inside a decision"},
		{strings.Repeat("f", 17), nil, "tape position 16: decision 255 is beyond the limit of 255 alternatives"},
	} {
		got, err := Parse(tt.text)
		if tt.err == "" && (err != nil || !slices.Equal(got, tt.want)) {
			t.Errorf("Parse(%q) = %v, %v, want %v", tt.text, got, err, tt.want)
		}
		if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("Parse(%q): error %v, want %s", tt.text, err, tt.err)
		}
	}
}

func TestFromBytes(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Tape
	}{
		{"", nil},
		{"0129", Tape{0, 1, 2, 9}},
		{"A B.", Tape{1, 0, 2, 14}}, // the low four bits of ASCII
		{"\x7e\x01\x12\x03", Tape{14, 1, 2, 3}},
		{"\x81", nil},
		{"01\xf101", Tape{0, 1}}, // the rest is drawn
		{"\x0f\x82\x01", Tape{15}},
		{"\x0f", Tape{15}}, // the end inside a decision is a 0
		{strings.Repeat("\x0f", 40), Tape{254, 254, 90}},
	} {
		if got := FromBytes([]byte(tt.in)); !slices.Equal(got, tt.want) {
			t.Errorf("FromBytes(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

// Every value of one decision, in both forms, alone and with neighbours.
func TestRoundTrip(t *testing.T) {
	for v := range MaxAlternatives {
		s := Tape{3, uint8(v), 0, 14, uint8(v)}
		if got, err := Parse(s.String()); err != nil || !slices.Equal(got, s) {
			t.Errorf("Parse(%q) = %v, %v, want %v", s.String(), got, err, s)
		}
		if got := FromBytes(s.Bytes()); !slices.Equal(got, s) {
			t.Errorf("FromBytes(%q) = %v, want %v", s.Bytes(), got, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("00100f20e")
	f.Add("ffffffffffffffffff")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err == nil && s.String() != text {
			t.Errorf("Parse(%q).String() = %q", text, s.String())
		}
	})
}

// Any bytes begin with a tape; its canonical bytes are the same tape; a reader takes from the
// digits what it takes from the tape.
func FuzzFromBytes(f *testing.F) {
	f.Add([]byte("00100000001"), 3)
	f.Add([]byte("??\x01 zz"), 20)
	f.Add([]byte("01?\xff"), 20)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		s := FromBytes(in)
		if i := bytes.IndexFunc(in, func(c rune) bool { return c >= utf8.RuneSelf }); i >= 0 {
			in = in[:i]
		}
		if got := FromBytes(s.Bytes()); !slices.Equal(got, s) {
			t.Errorf("FromBytes(%q.Bytes()) = %v", s, got)
		}
		if n < 2 || n > MaxAlternatives {
			return
		}
		var b ByteReader
		var r TapeReader
		b.Reset(in)
		r.Reset(s)
		for i := range len(s) + 3 {
			if x, y := b.Choose(nil, n), r.Choose(nil, n); x != y || x < 0 || x >= n {
				t.Fatalf("decision %d of %q with %d alternatives: %d from the bytes, %d from the tape", i, in, n, x, y)
			}
		}
	})
}

func ExampleTape() {
	s := FromBytes([]byte("0010 A?\x02"))
	fmt.Println(s, bytes.Equal(FromBytes(s.Bytes()), s))
	fmt.Println(Tape{0, 1, 0, 0}.Canonical())
	// Output:
	// 001001f2 true
	// 01
}
