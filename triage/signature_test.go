package triage_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

func TestSignatureRoundTrip(t *testing.T) {
	for _, s := range []triage.Signature{
		{Kind: schedule.UseAfterFree, Func: "lookup_ioctx", Other: "free_ioctx"},
		{Kind: schedule.BugOn, Func: "put_ioctx"},
		{Kind: schedule.Leak, Func: "[ctx]"},
		{Kind: schedule.Deadlock, Func: "mutex_lock:a,synchronize_rcu_ends"},
		{Kind: schedule.LostUpdate},
	} {
		back, err := triage.ParseSignature(s.String())
		if err != nil || back != s {
			t.Errorf("%q: read back as %q, %v", s, back, err)
		}
	}
}

func TestSignatureErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", `version "", want "v2"`},
		{"v0 leak a b", `version "v0", want "v2"`},
		{"v2 use-after-free a", "3 words, want 4: v2 kind function other"},
		{"v2 use-after-free a b c", "5 words, want 4: v2 kind function other"},
		{"v2 use-after a b", `"use-after" is no kind of failure`},
		{"v2 use-after-free  b", `"" is not a word`},
		{"v2 use-after-free a\t b", `"a\t" is not a word`},
	} {
		_, err := triage.ParseSignature(test.text)
		if err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%q: got error %v, want ...%s", test.text, err, test.want)
		}
	}
}

// TestSignatureStable runs many schedules of a program that is known to have two
// bugs, and of one with a single one.
func TestSignatureStable(t *testing.T) {
	for _, test := range []struct {
		program schedule.Program
		want    []string
	}{
		{lookupRace, []string{
			"v2 refcount-resurrect lookup_ctx -",
			"v2 use-after-free lookup_ctx free_ctx",
		}},
		{window, []string{"v2 kernel-bug peek_window -"}},
		// Either thread can be the first: it is one bug.
		{abba, []string{"v2 deadlock acquire:spin_lock:mm->lock,acquire:spin_lock:mm->other -"}},
	} {
		got := map[string]int{}
		r := schedule.NewRunner(test.program)
		defer r.Close()
		for _, s := range failing(t, test.program, 0, 300) {
			tr, err := r.Replay(s)
			if err != nil {
				t.Fatal(err)
			}
			got[triage.Of(tr).String()]++
		}
		for _, s := range test.want {
			if got[s] == 0 {
				t.Errorf("%s: no schedule fails as %q", test.program.Name, s)
			}
			delete(got, s)
		}
		if len(got) > 0 {
			t.Errorf("%s: more signatures than bugs: %v", test.program.Name, got)
		}
	}
}

func TestSignatureCompare(t *testing.T) {
	cause := triage.Signature{Kind: schedule.LockRule, Func: "z"}
	symptom := triage.Signature{Kind: schedule.UseAfterFree, Func: "a"}
	if cause.Compare(symptom) >= 0 || symptom.Compare(cause) <= 0 || cause.Compare(cause) != 0 {
		t.Error("causes must come before symptoms")
	}
}

func FuzzParseSignature(f *testing.F) {
	f.Add("v2 use-after-free lookup_ioctx free_ioctx")
	f.Add("v2 memory-leak [ctx] -")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := triage.ParseSignature(text)
		if err != nil {
			return
		}
		if got := s.String(); got != text {
			t.Errorf("%q is read and written as %q", text, got)
		}
	})
}
