package corpus

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVersions reads the packs that each version of the format has written. They stay for
// ever.
func TestVersions(t *testing.T) {
	for v := 1; v <= version; v++ {
		p := open(t, filepath.Join("testdata", fmt.Sprintf("v%d.pack", v)))
		want := three(t)
		want[0].Label = "kept-for-ever"
		wantEntries(t, p, want...)
		if len(p.Damage()) > 0 || p.version != v {
			t.Errorf("version %d of %d, damage %v", p.version, v, p.Damage())
		}
	}
}

// oldImage is the pack of entries in version 1.
func oldImage(t *testing.T, entries ...Entry) []byte {
	t.Helper()
	b := []byte(headerOf(1))
	for _, e := range entries {
		var err error
		if b, err = appendFrame(b, 1, e); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// TestOldPack: a pack of version 1 stays one, so that who wrote it can read it, until it is
// compacted. Then it is what a pack with these entries always is.
func TestOldPack(t *testing.T) {
	all := three(t)
	name := filepath.Join(t.TempDir(), "x.pack")
	write(t, name, oldImage(t, all[0]))
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, all[0], all[1], all[2])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, name), oldImage(t, all...); !bytes.Equal(got, want) {
		t.Errorf("appended: %q, want %q", got, want)
	}
	broken := read(t, name)
	broken[starts(t, broken)[1]] ^= 1
	write(t, name, broken)
	if _, err := Repair(name); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, name), oldImage(t, all[0], all[2]); !bytes.Equal(got, want) {
		t.Errorf("repaired: %q, want %q", got, want)
	}
	if err := Compact(name); err != nil {
		t.Fatal(err)
	}
	sorted := slices.SortedFunc(slices.Values([]Entry{all[0], all[2]}), Entry.Compare)
	if got, want := read(t, name), image(t, sorted...); !bytes.Equal(got, want) {
		t.Errorf("compacted: %q, want %q", got, want)
	}
}

// TestOldFirstLine: without its first line a pack is of the version of its entries, and what
// is appended to it as well.
func TestOldFirstLine(t *testing.T) {
	all := three(t)
	name := filepath.Join(t.TempDir(), "x.pack")
	b := oldImage(t, all[0])
	b[3] ^= 1
	write(t, name, b)
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, all[1])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, name)); strings.Count(got, markers[1]) != 2 {
		t.Errorf("%q", got)
	}
	wantEntries(t, open(t, name), all[0], all[1])
}

// TestMixed: an entry of either version is read in a pack of the other, as a concatenation
// of files leaves them.
func TestMixed(t *testing.T) {
	all := three(t)
	old, recent := oldImage(t, all[0]), image(t, all[1], all[2])
	for _, b := range [][]byte{
		slices.Concat(old, recent[len(header):]), slices.Concat(recent, old[len(headerOf(1)):]),
	} {
		p := decode(t, b)
		if p.Len() != 3 || len(p.Damage()) > 0 {
			t.Errorf("%d entries, damage %v", p.Len(), p.Damage())
		}
	}
}

// TestFlipOld flips every bit of a pack of version 1. What is returned is what was appended;
// some flips of a compressed payload are not noticed, for which there is version 2.
func TestFlipOld(t *testing.T) {
	all := three(t)
	b := oldImage(t, all...)
	unnoticed := 0
	for i := range b {
		for bit := range 8 {
			flipped := slices.Clone(b)
			flipped[i] ^= 1 << bit
			p := decode(t, flipped)
			if !contains(all, slices.Collect(p.All())) {
				t.Errorf("byte %d, bit %d: made up %v", i, bit, slices.Collect(p.All()))
			}
			if len(p.Damage()) == 0 {
				unnoticed++
			}
		}
	}
	if unnoticed == 0 || unnoticed > 10 {
		t.Errorf("%d flips were not noticed", unnoticed)
	}
}
