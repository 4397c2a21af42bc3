package triage_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/triage"
)

// facts are the texts that every format has, each in one piece if line ends are spaces.
func facts(r *triage.Report) []string {
	out := []string{r.Title, r.Program, r.Signature.String(), triage.TapeText(r.Tape), r.Note}
	out = append(out, r.About.Versions, r.About.Patches)
	out = append(out, r.Splat...)
	for _, a := range r.Accesses {
		out = append(append(out, a.Role, a.Text, a.Task), a.Stack...)
	}
	for _, w := range r.Waits {
		out = append(out, w.Task, w.Verb, w.Object)
		if w.Last != nil {
			out = append(append(out, w.Last.Text), w.Last.Stack...)
		}
	}
	for _, row := range r.Interleaving.Rows {
		out = append(out, row.Text)
	}
	if r.Certificate != nil {
		out = append(out, strings.Split(r.Certificate.String(), "\n")...)
	}
	if r.Explanation != nil && r.Explanation.Found {
		for _, reason := range r.Explanation.Because {
			out = append(out, reason.Before.Verb, reason.After.Verb, triage.TapeText(reason.Without))
		}
		out = append(append(out, r.Elsewhere.Never...), r.Elsewhere.Passes...)
	}
	if r.Chance != nil {
		out = append(out, strings.Split(r.Chance.String(), "\n")...)
	}
	for _, s := range r.Slips {
		out = append(out, s.Title, triage.TapeText(s.Tape))
	}
	return out
}

// missing reports which facts are not in text.
func missing(t *testing.T, r *triage.Report, text string) {
	t.Helper()
	text = strings.Join(strings.Fields(text), " ")
	for _, fact := range facts(r) {
		if f := strings.Join(strings.Fields(fact), " "); !strings.Contains(text, f) {
			t.Errorf("%q is missing", f)
		}
	}
}

func TestTextFacts(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := r.WriteText(&out); err != nil {
				t.Fatal(err)
			}
			missing(t, r, out.String())
		})
	}
}

func TestJSONFacts(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := r.WriteJSON(&out); err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(out.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			var all []string
			collect(v, &all)
			missing(t, r, strings.Join(all, "\n"))
		})
	}
}

// collect appends all strings in v.
func collect(v any, out *[]string) {
	switch v := v.(type) {
	case string:
		*out = append(*out, v)
	case []any:
		for _, e := range v {
			collect(e, out)
		}
	case map[string]any:
		for _, e := range v {
			collect(e, out)
		}
	}
}

// TestInterleaving follows the toy's memory: who holds what, and what became of the context.
func TestInterleaving(t *testing.T) {
	it := reports(t)["use-after-free"].Interleaving
	var ctx *triage.Object
	for i := range it.Objects {
		if it.Objects[i].Name == "ctx" {
			ctx = &it.Objects[i]
		}
	}
	if ctx == nil {
		t.Fatal("no ctx")
	}
	step := func(verb, object string) int {
		for _, s := range it.Steps {
			if s.Verb == verb && s.Object == object {
				return s.Step
			}
		}
		t.Fatalf("no step %s %s", verb, object)
		return 0
	}
	if want := step("kfree", "ctx"); ctx.Freed != want {
		t.Errorf("freed in step %d, want %d", ctx.Freed, want)
	}
	if ctx.Unlinked == 0 || ctx.Unlinked >= ctx.Freed {
		t.Errorf("unlinked in step %d, freed in %d", ctx.Unlinked, ctx.Freed)
	}
	for _, sec := range it.Sections {
		if sec.Sort == "lock" && sec.To > 0 && it.Steps[sec.To-1].Verb != "spin_unlock" {
			t.Errorf("%+v ends with %s", sec, it.Steps[sec.To-1].Verb)
		}
	}
}
