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

// ended returns the first later variant in which the orders of the explanation never fail so: they
// cannot be kept, or do no harm. Nil if there is none, or if it is open whether one before it is that.
// Another architecture ends nothing here, nor does memory of another order.
func (r *Report) ended() *Variant {
	_, own, _ := strings.Cut(r.Program, "@")
	plain, order := cutOrder(own)
	variants := slices.DeleteFunc(slices.Clone(r.About.Variants), func(v Variant) bool {
		name, o := cutOrder(v.Name)
		return !later(v.Versions, r.About.Versions) || family(name) != family(plain) || o != order
	})
	slices.SortStableFunc(variants, func(a, b Variant) int {
		first, _ := releases(a.Versions)
		other, _ := releases(b.Versions)
		return slices.Compare(first, other)
	})
	for _, v := range variants {
		switch el := &r.Elsewhere; {
		case slices.Contains(el.Never, v.Name), slices.Contains(el.Harmless, v.Name):
			return r.described(v)
		case slices.Contains(el.Unsettled, v.Name):
			return nil
		}
	}
	return nil
}

// described returns v with what is said of its patches where memory has no order of its own.
func (r *Report) described(v Variant) *Variant {
	name, _ := cutOrder(v.Name)
	for _, plain := range r.About.Variants {
		if plain.Name == name {
			v.Patches = plain.Patches
		}
	}
	return &v
}

// String returns "1e (4.16): a6d7cff472e0: the context is freed after an RCU delay".
func (v *Variant) String() string {
	name := v.Name
	if name != v.Versions {
		name += " (" + v.Versions + ")"
	}
	return name + ": " + v.Patches
}

// cutOrder returns the name of a variant without the end that says its order of memory, and that.
func cutOrder(name string) (plain, order string) {
	for _, order := range []string{"-tso", "-pso", "-rmo"} {
		if plain, ok := strings.CutSuffix(name, order); ok {
			return plain, order
		}
	}
	return name, ""
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
