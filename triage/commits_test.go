package triage

import (
	"cmp"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

func TestCommits(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"36f5588905c1, 4fcc712f5c48: after an RCU delay", []string{"36f5588905c1", "4fcc712f5c48"}},
		{"baf10564fbb6 without baf10564fbb6", []string{"baf10564fbb6"}},
		{"the array comes after 20171005, deadbeef, P5c", nil},
		{"", nil},
	} {
		if got := commits(test.text); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %v, want %v", test.text, got, test.want)
		}
	}
}

func TestLater(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"4.16", "3.13-4.15", true},
		{"3.10-3.11", "3.13-4.15", false},
		{"4.9", "4.16", false},
		{"2.6.38-3.9", "2.6.29-2.6.37", true},
		{"4.4.1, 4.5", "3.6-4.4.0", true},
		{"5.9.1", "5.9, 5.9.1", false},
		{"5.10", "5.9, 5.9.1", true},
		{"4.9", "linux-next of June 2013", false},
		{"mutant", "4.16", false},
		{"4.17", "proposed", false},
		{"", "", false},
	} {
		if got := later(test.a, test.b); got != test.want {
			t.Errorf("%q after %q: %v", test.a, test.b, got)
		}
	}
}

func TestFamily(t *testing.T) {
	for name, want := range map[string]string{
		"sparc-5.9": "sparc", "powerpc-5.9.2": "powerpc", "1e-merged": "", "5.9-rt": "", "P6": "", "": "",
	} {
		if got := family(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestEnded has races end in the first release in which they do, of the same code and memory.
func TestEnded(t *testing.T) {
	const x, y = "the lock is taken first", "smp_mb()"
	variants := []Variant{
		{Name: "4.1", Versions: "4.1"}, {Name: "4.9", Versions: "4.9-4.10"},
		{Name: "4.5", Versions: "4.5", Patches: x}, {Name: "4.5-merged", Versions: "4.5"},
		{Name: "sparc-4.2", Versions: "4.2"}, {Name: "m", Versions: "mutant"},
		{Name: "4.5-tso", Versions: "4.5", Patches: "4.5 with store buffers"},
		{Name: "4.9-tso", Versions: "4.9", Patches: y},
	}
	for _, test := range []struct {
		own     string
		el      Elsewhere
		in, has string
	}{
		{"4.3", Elsewhere{Never: []string{"4.1", "4.9", "4.5", "sparc-4.2", "m", "4.5-tso"}}, "4.5", x},
		{"4.3", Elsewhere{Harmless: []string{"4.9"}, Passes: []string{"4.5", "4.9"}}, "4.9", ""},
		{"4.3", Elsewhere{Fails: []string{"4.5"}, Never: []string{"4.9"}}, "4.9", ""},
		{"4.3", Elsewhere{Fails: []string{"4.5"}, Never: []string{"4.5-merged", "4.9"}}, "4.9", ""},
		{"4.3", Elsewhere{Fails: []string{"4.5"}, Never: []string{"4.5-merged"}}, "", ""},
		{"4.3", Elsewhere{Unsettled: []string{"4.5"}, Never: []string{"4.9"}}, "", ""},
		{"4.3", Elsewhere{Never: []string{"4.5-tso", "4.1", "m"}}, "", ""},
		{"4.3-tso", Elsewhere{Never: []string{"4.9-tso", "4.5-tso", "4.5", "4.9"}}, "4.5-tso", x},
		{"sparc-4.1", Elsewhere{Never: []string{"4.5"}}, "", ""},
	} {
		r := &Report{
			Program: "fs/aio/exit_aio@" + test.own, Elsewhere: test.el,
			About: About{Versions: "4.1-4.3", Variants: variants},
		}
		want := Variant{Name: test.in, Patches: test.has}
		in, _ := r.ended()
		if got := cmp.Or(in, &Variant{}); got.Name != want.Name || got.Patches != want.Patches {
			t.Errorf("%s, %+v: %+v, want %+v", test.own, test.el, got, want)
		}
	}
}

// TestEndedAnew has a variant in which these orders never fail so, and that fails all the same.
func TestEndedAnew(t *testing.T) {
	const so, as, after = "use-after-free", "kernel-bug", "double-release"
	mute := schedule.KindSet(schedule.BugOn)
	for _, test := range []struct {
		fails, then []string
		mute        schedule.Kinds
		alike       bool
		want        string
	}{
		{nil, nil, 0, false, "4.5: smp_mb()"},
		{[]string{as}, nil, 0, false, "4.5: smp_mb(); it still fails otherwise: kernel-bug"},
		{[]string{as}, []string{after, so}, 0, false,
			"4.5: smp_mb(); it still fails otherwise: kernel-bug, then double-release, use-after-free"},
		{[]string{as}, []string{after, so}, mute, true, "4.9: a lock"},
		{[]string{as, so}, nil, 0, true, "4.9: a lock"},
	} {
		r := &Report{
			Program:   "fs/aio/exit_aio@4.1",
			Signature: Signature{Kind: schedule.UseAfterFree},
			About: About{Versions: "4.1-4.3", Mute: test.mute, Variants: []Variant{
				{"4.5", "4.5", "smp_mb()", test.fails, test.then},
				{Name: "4.5-merged", Versions: "4.5"},
				{Name: "4.9", Versions: "4.9", Patches: "a lock"},
			}},
			Elsewhere: Elsewhere{Never: []string{"4.5", "4.5-merged", "4.9"}},
		}
		got, alike := r.ended()
		if got == nil || got.String() != test.want || alike != test.alike {
			t.Errorf("%+v: %v, %v", test, got, alike)
		}
	}
}

func TestTogether(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"4.16", "4.16", true},
		{"4.9-4.18", "3.7-4.18", true},
		{"4.19", "3.7-4.18", false},
		{"5.16-rc4", "5.16", true},
		{"5.16-rc4", "5.12-rc1 to rc3", false},
		{"4.16", "mutant", false},
	} {
		if together(test.a, test.b) != test.want || together(test.b, test.a) != test.want {
			t.Errorf("%q and %q: want %v", test.a, test.b, test.want)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"read mm->ioctx_table":   "read mm->ioctx_table",
		"__flush_tlb_mm *p":      `\_\_flush_tlb_mm \*p`,
		"a <b> `c` d_":           "a \\<b> \\`c\\` d\\_",
		"in the _first_ variant": `in the \_first\_ variant`,
	} {
		if got := escape(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
