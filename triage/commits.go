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
// What the program's own variant has cannot have, nor what another architecture has.
func (r *Report) ending() []Variant {
	known := commits(r.About.Patches)
	var out []Variant
	for _, v := range r.About.Variants {
		harmless := slices.Contains(r.Elsewhere.Never, v.Name) ||
			slices.Contains(r.Elsewhere.Passes, v.Name)
		more := slices.DeleteFunc(commits(v.Patches), func(id string) bool {
			return slices.Contains(known, id)
		})
		_, own, _ := strings.Cut(r.Program, "@")
		other := family(v.Name) != family(own)
		if harmless && len(more) > 0 && !other && later(v.Versions, r.About.Versions) {
			known = append(known, more...)
			out = append(out, v)
		}
	}
	return out
}

// family returns what the name of a variant begins with if there are several codes beside each other,
// as of architectures: "sparc" of "sparc-5.9", and "" of "5.9-rt".
func family(name string) string {
	first, _, more := strings.Cut(name, "-")
	if !more || strings.ContainsAny(first, "0123456789") {
		return ""
	}
	return first
}

// later reports whether all releases of a, "4.16", "3.13-4.15" or "4.4.1, 4.5", come after all of
// b. It is false of what is no release: a mutant, or a design that was never merged.
func later(a, b string) bool {
	first, _ := releases(a)
	_, last := releases(b)
	return first != nil && last != nil && slices.Compare(first, last) > 0
}

// releases returns the numbers of the first and the last of some releases, nil if one is none.
func releases(text string) (first, last []int) {
	list := strings.Split(strings.ReplaceAll(text, "-", ", "), ", ")
	return release(list[0]), release(list[len(list)-1])
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
