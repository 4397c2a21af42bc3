package verify

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// TestScript: a script that does not say what its author thinks is refused.
func TestScript(t *testing.T) {
	for _, test := range []struct{ digits, want string }{
		{"12", ""},
		{"1", ""},
		{"13", "digit 2 of the script 13 is 3, and there are 3 alternatives"},
		{"120", "there are 2 choices for the script 120"},
	} {
		s := NewScript(test.digits)
		got := func() (said string) {
			defer func() { said, _ = recover().(string) }()
			s.Before(func(e *schedule.Exec) {
				s.Choose(e, 2)
				s.Choose(e, 3)
			})(nil)
			return ""
		}()
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.digits, got, test.want)
		}
	}
}
