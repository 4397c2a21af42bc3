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
// Code that is known to fail so, in whatever order of steps, is not that, nor is what the same
// releases had beside such code: another configuration of it, or other data. If there are variants
// that only other orders keep from being it, alike is true. Another architecture ends nothing here,
// nor does memory of another order.
func (r *Report) ended() (in *Variant, alike bool) {
	_, own, _ := strings.Cut(r.Program, "@")
	plain, order := cutOrder(own)
	variants := slices.DeleteFunc(slices.Clone(r.About.Variants), func(v Variant) bool {
		name, o := cutOrder(v.Name)
		return family(name) != family(plain) || o != order
	})
	slices.SortStableFunc(variants, func(a, b Variant) int {
		first, _ := releases(a.Versions)
		other, _ := releases(b.Versions)
		return slices.Compare(first, other)
	})
	for _, v := range variants {
		beside := func(w Variant) bool { return r.failsSo(&w) && together(v.Versions, w.Versions) }
		el := &r.Elsewhere
		never := slices.Contains(el.Never, v.Name) || slices.Contains(el.Harmless, v.Name)
		switch {
		case !later(v.Versions, r.About.Versions):
		case slices.ContainsFunc(variants, beside):
			alike = alike || never && r.failsSo(&v)
		case never:
			return r.described(v), alike
		case slices.Contains(el.Unsettled, v.Name):
			return nil, false
		}
	}
	return nil, false
}

// failsSo reports whether v is known to have a failure of this kind.
func (r *Report) failsSo(v *Variant) bool {
	el, kind := &r.Elsewhere, r.Signature.Kind.String()
	return slices.Contains(v.Fails, kind) || r.About.Mute != 0 && slices.Contains(v.Then, kind) ||
		slices.Contains(el.Fails, v.Name) ||
		slices.Contains(el.Passes, v.Name) && !slices.Contains(el.Harmless, v.Name)
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

// String returns "1e (4.16): a6d7cff472e0: the context is freed after an RCU delay", and how it
// still fails otherwise.
func (v *Variant) String() string {
	name := v.Name
	if name != v.Versions {
		name += " (" + v.Versions + ")"
	}
	return name + ": " + v.Patches + v.otherwise()
}

// otherwise returns "; it still fails otherwise: refcount-resurrect, then use-after-free".
func (v *Variant) otherwise() string {
	if len(v.Fails) == 0 {
		return ""
	}
	text := "; it still fails otherwise: " + strings.Join(v.Fails, ", ")
	if len(v.Then) > 0 {
		text += ", then " + strings.Join(v.Then, ", ")
	}
	return text
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

// together reports whether some release may be among those of a and of b.
func together(a, b string) bool {
	first, last := releases(a)
	other, end := releases(b)
	if first == nil || other == nil {
		return false
	}
	if last == nil { // "5.16-rc4" is of 5.16
		last = first
	}
	if end == nil {
		end = other
	}
	return slices.Compare(first, end) <= 0 && slices.Compare(other, last) <= 0
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
