package corpus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// three are the entries of most tests: one compressed, one not, one empty.
func three(t testing.TB) []Entry {
	return []Entry{
		entry(t, "FuzzLookupIoctx", strings.Repeat("0010020001", 20)+"1"),
		entry(t, "fs/aio/workload@1e", "0123456789abcdef1"),
		{Program: "FuzzPutSuper", Label: "sequential"},
	}
}

// image is the pack of entries.
func image(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	b := []byte(header)
	for _, e := range entries {
		var err error
		if b, err = appendFrame(b, version, e); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func decode(t testing.TB, b []byte) *Pack {
	t.Helper()
	p, err := Decode("x.pack", b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// starts returns where the frames of an intact pack begin, and where the last ends.
func starts(t testing.TB, b []byte) []int {
	t.Helper()
	var at []int
	for _, pos := range decode(t, b).entries {
		at = append(at, int(pos))
	}
	return append(at, len(b))
}

// wantEntries compares what is intact in p.
func wantEntries(t *testing.T, p *Pack, want ...Entry) {
	t.Helper()
	got := slices.Collect(p.All())
	if !slices.EqualFunc(got, want, func(e, f Entry) bool { return e.Compare(f) == 0 }) {
		t.Errorf("entries %v, want %v\ndamage %v", got, want, p.Damage())
	}
}

// TestCut cuts a pack after every byte: what was whole before the cut is there.
func TestCut(t *testing.T) {
	all := three(t)
	b := image(t, all...)
	at := starts(t, b)
	for n := range len(b) {
		whole := 0
		for whole < len(all) && at[whole+1] <= n {
			whole++
		}
		p := decode(t, b[:n:n])
		wantEntries(t, p, all[:whole]...)
		if clean := n == 0 || slices.Contains(at, n); clean != (len(p.Damage()) == 0) {
			t.Errorf("cut at %d: damage %v", n, p.Damage())
		}
	}
}

// TestFlip flips every bit of a pack: it costs the entry it is in, or none if it is in
// the first line, and the damage says which.
func TestFlip(t *testing.T) {
	all := three(t)
	b := image(t, all...)
	at := starts(t, b)
	for i := range b {
		hit := slices.IndexFunc(at, func(start int) bool { return start > i }) - 1
		for bit := range 8 {
			flipped := slices.Clone(b)
			flipped[i] ^= 1 << bit
			p := decode(t, flipped)
			if hit < 0 {
				wantEntries(t, p, all...)
			} else {
				wantEntries(t, p, slices.Delete(slices.Clone(all), hit, hit+1)...)
			}
			d := p.Damage()
			if len(d) != 1 {
				t.Fatalf("byte %d, bit %d: damage %v", i, bit, d)
			}
			start, end := 0, at[0]
			if hit >= 0 {
				start, end = at[hit], at[hit+1]
			}
			if int(d[0].Offset) != start || int(d[0].Offset+d[0].Size) != end {
				t.Errorf("byte %d, bit %d: damage %v, want %d to %d", i, bit, d[0], start, end)
			}
			if d[0].Program != "" && d[0].ID != all[hit].ID() {
				t.Errorf("byte %d, bit %d: damage %v names another entry", i, bit, d[0])
			}
		}
	}
}

// TestHole overwrites every part of a pack with zeros, and drops it: no entry that is
// outside is lost, none is made up.
func TestHole(t *testing.T) {
	all := three(t)
	b := image(t, all...)
	at := starts(t, b)
	for from := 0; from < len(b); from += 3 {
		for to := from + 1; to <= len(b); to += 5 {
			var outside []Entry
			for i, e := range all {
				if at[i+1] <= from || at[i] >= to {
					outside = append(outside, e)
				}
			}
			zeros := slices.Clone(b)
			clear(zeros[from:to])
			dropped := slices.Delete(slices.Clone(b), from, to)
			for _, broken := range [][]byte{zeros, dropped} {
				p, err := Decode("x.pack", broken)
				if err != nil && len(outside) == 0 {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				got := slices.Collect(p.All())
				if !contains(got, outside) || !contains(all, got) {
					t.Errorf("%d to %d: got %v, want %v", from, to, got, outside)
				}
			}
		}
	}
}

// contains reports whether every one of some is in all.
func contains(all, some []Entry) bool {
	return !slices.ContainsFunc(some, func(e Entry) bool {
		return !slices.ContainsFunc(all, func(f Entry) bool { return e.Compare(f) == 0 })
	})
}

// TestDamageNames shows what verify will say.
func TestDamageNames(t *testing.T) {
	all := three(t)
	b := image(t, all...)
	at := starts(t, b)
	b[at[1]-1] ^= 1 // payload of the first
	b[at[1]] ^= 1   // marker of the second
	b[2] ^= 1
	p := decode(t, b)
	var got []string
	for _, d := range p.Damage() {
		got = append(got, d.String())
	}
	want := []string{
		"offset 0, 38 bytes: no entry is lost: the first line of the file is damaged",
		fmt.Sprintf("offset 38, %d bytes: lost entry %016x of FuzzLookupIoctx, 201 digits: "+
			"its payload has another checksum",
			at[1]-at[0], all[0].ID()),
		fmt.Sprintf("offset %d, %d bytes: lost an entry, or what was left of one: "+
			"no entry begins here", at[1], at[2]-at[1]),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestNotAPack has what is refused.
func TestNotAPack(t *testing.T) {
	newer := image(t, three(t)...)
	newer = append([]byte(headerOf(3)), newer[len(header):]...)
	spec := frameSpec{digits: 4, dictionary: 2, payload: []byte("xy")}
	otherDictionary := append([]byte(header), frameWith(t, spec)...)
	for _, test := range []struct {
		data []byte
		want string
	}{
		{[]byte("something else\n"), "x.pack: not a pack of kschedfuzz"},
		{[]byte("PK\x03\x04"), "x.pack: not a pack of kschedfuzz"},
		{newer, "x.pack: a pack of version 3, this version of kschedfuzz reads 1 to 2"},
		{[]byte(headerOf(0)), "x.pack: a pack of version 0, this version of kschedfuzz reads 1 to 2"},
		{otherDictionary,
			"x.pack: offset 38: compressed with dictionary 2, this version has 1; update kschedfuzz"},
	} {
		_, err := Decode("x.pack", test.data)
		if err == nil || err.Error() != test.want {
			t.Errorf("%v\nwant %s", err, test.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A frameSpec is a frame as an enemy would write it, with a valid checksum.
type frameSpec struct {
	digits, size, dictionary int // size 0: that of payload
	payload                  []byte
}

func frameWith(t testing.TB, spec frameSpec) []byte {
	t.Helper()
	if spec.size == 0 {
		spec.size = len(spec.payload)
	}
	b := append([]byte(markers[version]), make([]byte, 12)...)
	b = binary.LittleEndian.AppendUint32(b, checksum(spec.payload))
	for _, n := range []int{spec.digits, spec.size, spec.dictionary, 1, 0} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = append(b, 'F')
	binary.LittleEndian.PutUint32(b[4:], checksum(b[8:]))
	return append(b, spec.payload...)
}

// TestBombs has entries that claim, or decompress to, more than they may. None makes the
// reader allocate more than the longest tape, all are damage, and what follows is read.
func TestBombs(t *testing.T) {
	zeros := func(n int) []byte { return encoder().EncodeAll(make([]byte, n), nil) }
	const one = MaxDigits + 1
	for name, spec := range map[string]frameSpec{
		"digits beyond the limit":  {digits: one, dictionary: 1, payload: zeros(maxPayload + 1)},
		"digits far beyond":        {digits: 1 << 50, dictionary: 1, payload: zeros(100)},
		"payload beyond the limit": {digits: 8, size: maxPayload + 1, payload: []byte("abcd")},
		"payload beyond the file":  {digits: 8, size: maxPayload, payload: []byte("abcd")},
		"more than claimed":        {digits: 8, dictionary: 1, payload: zeros(64 << 20)},
		"less than claimed":        {digits: MaxDigits, dictionary: 1, payload: zeros(100)},
		"stored, too short":        {digits: MaxDigits, payload: []byte("abcd")},
		"no zstd":                  {digits: 8, dictionary: 1, payload: []byte("abcd")},
		"a window of 4 GiB": {digits: 8, dictionary: 1,
			payload: []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xb0, 0x01, 0x00, 0x00}},
		// A frame of 4 bytes, it says, with a block of 64 KiB of one byte.
		"more than it says": {digits: 8, dictionary: 1,
			payload: []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x04, 0x03, 0x00, 0x08, 0x00}},
	} {
		t.Run(name, func(t *testing.T) {
			last := entry(t, "FuzzLookupIoctx", "001")
			b := append(append([]byte(header), frameWith(t, spec)...), image(t, last)[len(header):]...)
			decode(t, b) // what is made once
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p := decode(t, b)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 4*MaxDigits {
				t.Errorf("%d bytes allocated", n)
			}
			wantEntries(t, p, last)
			if len(p.Damage()) != 1 {
				t.Errorf("damage %v", p.Damage())
			}
		})
	}
}

// TestNotCanonical: a tape that no Append would write is damage, though its hash is right.
func TestNotCanonical(t *testing.T) {
	text := []byte("0100")
	b := frameWith(t, frameSpec{digits: 4, payload: join(text)})
	binary.LittleEndian.PutUint64(b[8:], Entry{Program: "F"}.id(text))
	binary.LittleEndian.PutUint32(b[4:], checksum(b[8:len(b)-2]))
	if _, _, err := parseFrame(b); err == nil {
		t.Error("a tape with zeros at its end was read")
	}
}

// FuzzOpen reads anything: no panic, and what can be read can be written and read again.
func FuzzOpen(f *testing.F) {
	b := image(f, three(f)...)
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add(b[len(header):])
	f.Add([]byte(nil))
	f.Add([]byte(header[:10]))
	f.Add([]byte(headerOf(3)))
	f.Add(slices.Concat(b, b[3:]))
	zeros := encoder().EncodeAll(make([]byte, MaxDigits/2), nil)
	f.Add(frameWith(f, frameSpec{digits: MaxDigits, dictionary: 1, payload: zeros}))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode("x.pack", data)
		if err != nil {
			return
		}
		covered := int64(0)
		for _, d := range p.Damage() {
			covered += d.Size
			_ = d.String()
		}
		intact := p.intact()
		if _, whole := writtenVersion(data); !whole {
			covered -= int64(len(header))
		}
		if int64(len(intact))+covered != int64(len(data)) && len(data) > 0 {
			t.Errorf("%d bytes: %d are intact entries and %d damage", len(data), len(intact), covered)
		}
		again := decode(t, intact)
		wantEntries(t, again, slices.Collect(p.All())...)
		image, err := compacted(slices.SortedFunc(p.All(), Entry.Compare))
		if err != nil || len(decode(t, image).Damage()) > 0 {
			t.Errorf("compacted: %v", err)
		}
	})
}
