package triage

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// commitID is what looks like the abbreviated hash of a commit: hex digits, letters and
// numbers among them, so that neither a year nor a word is one.
var commitID = regexp.MustCompile(`\b[0-9a-f]{8,40}\b`)

// commits returns the ids of commits that text names.
func commits(text string) []string {
	var out []string
	for _, id := range commitID.FindAllString(text, -1) {
		mixed := strings.ContainsAny(id, "0123456789") && strings.ContainsAny(id, "abcdef")
		if mixed && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// ending returns the later variants that name a commit and in which the explanation's
// orders cannot be kept, or need not fail: one of the commits may have ended the race.
// What the program's own variant has cannot have.
func (r *Report) ending() []Variant {
	known := commits(r.About.Patches)
	var out []Variant
	for _, v := range r.About.Variants {
		harmless := slices.Contains(r.Elsewhere.Never, v.Name) ||
			slices.Contains(r.Elsewhere.Passes, v.Name)
		more := slices.DeleteFunc(commits(v.Patches), func(id string) bool {
			return slices.Contains(known, id)
		})
		if harmless && len(more) > 0 && later(v.Versions, r.About.Versions) {
			known = append(known, more...)
			out = append(out, v)
		}
	}
	return out
}

// later reports whether all releases of a, "4.16" or "3.13-4.15", come after all of b. It
// is false of what is no release: a mutant, or a design that was never merged.
func later(a, b string) bool {
	first, _, _ := strings.Cut(a, "-")
	last := b[strings.LastIndexByte(b, '-')+1:]
	x, y := release(first), release(last)
	return x != nil && y != nil && slices.Compare(x, y) > 0
}

// release returns the numbers of a release, nil if it is none.
func release(text string) []int {
	var out []int
	for _, s := range strings.Split(text, ".") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil
		}
		out = append(out, n)
	}
	return out
}
