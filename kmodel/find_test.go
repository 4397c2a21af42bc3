package kmodel_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
)

func TestNearest(t *testing.T) {
	names := []string{"alpha/one", "alpha/two", "beta", "gamma"}
	for _, test := range []struct {
		name, want string
	}{
		{"alpha/one", "alpha/one alpha/two"}, // three letters of nine may be others
		{"alpha/tow", "alpha/two alpha/one"},
		{"ALPHA", "alpha/one alpha/two"}, // a part
		{"bta", "beta"},
		{"game", "gamma"},
		{"", ""},
		{"no such thing", ""},
	} {
		if got := strings.Join(kmodel.Nearest(test.name, names), " "); got != test.want {
			t.Errorf("%q: got %q, want %q", test.name, got, test.want)
		}
	}
	if got := kmodel.Nearest("xxxx", []string{"xxx1", "xxx2", "xxx3", "xxxx"}); len(got) != 3 || got[0] != "xxxx" {
		t.Errorf("of four that are near: %q", got)
	}
}

// distance is the definition, by recursion.
func distance(a, b string) int {
	switch {
	case a == "" || b == "":
		return len(a) + len(b)
	case a[0] == b[0]:
		return distance(a[1:], b[1:])
	}
	return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))
}

// TestNearestByDefinition: what is named has the distance that the definition gives, and
// what is not named is farther.
func TestNearestByDefinition(t *testing.T) {
	words := []string{"a", "ab", "ba", "abba", "baab", "aabb", "bbb", "ababa"}
	for _, a := range words {
		for _, b := range words {
			want := distance(a, b) <= 2 || len(a) > 2 && strings.Contains(b, a)
			if got := kmodel.Nearest(a, []string{b}) != nil; got != want {
				t.Errorf("%q near %q: %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestFind(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{
			"fs/aio/worklaod@1e",
			`program "fs/aio/worklaod@1e": no such program; near it: fs/aio/workload, `,
		},
		{"nothing at all", `program "nothing at all": no such program; to see all: go run ./cmd/explore -list`},
		{"fs/super/umount@9", `fs/super/umount has no variant "9"; it has real, m1, m2`},
		{
			"fs/super/umount",
			`fs/super/umount: no variant given; it has real, m1, m2: say fs/super/umount@real`,
		},
		{
			"FuzzPutSuper",
			`program "FuzzPutSuper": that is a fuzz target; its program is fs/super/workload@m1`,
		},
	} {
		_, err := kmodel.Find(test.name)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
	for _, p := range kmodel.Programs() {
		if got, err := kmodel.Find(p.Name()); err != nil || got.Name() != p.Name() {
			t.Errorf("%s: %q, %v", p.Name(), got.Name(), err)
		}
	}
	_, err := kmodel.FindTarget("FuzzLookupIoctxs")
	if err == nil || !strings.Contains(err.Error(), "no such target; near it: FuzzLookupIoctx;") ||
		!strings.HasSuffix(err.Error(), "; all: go test -list=Fuzz ./fuzz") {
		t.Errorf("target: %v", err)
	}
	target, err := kmodel.FindTarget("FuzzPutSuper")
	if err != nil {
		t.Fatal(err)
	}
	_, err = target.Program("9")
	no := (*kmodel.NoVariantError)(nil)
	if !errors.As(err, &no) || no.Variant != "9" || !slices.Contains(no.Have, "real") {
		t.Errorf("variant: %v", err)
	}
}
