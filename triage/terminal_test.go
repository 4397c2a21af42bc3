package triage_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestTerminal takes the colours away again: what is left is the text.
func TestTerminal(t *testing.T) {
	colors := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			var text, colored strings.Builder
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if err := r.WriteTerminal(&colored); err != nil {
				t.Fatal(err)
			}
			if got := colors.ReplaceAllString(colored.String(), ""); got != text.String() {
				t.Errorf("without colours\n%s\nwant\n%s", got, text.String())
			}
			for i, line := range strings.Split(colored.String(), "\n") {
				on := colors.FindAllString(line, -1)
				if n := len(on); n > 0 && on[n-1] != "\x1b[m" {
					t.Errorf("line %d leaves its colour on: %q", i+1, line)
				}
			}
			for _, row := range r.Interleaving.Rows {
				if row.Racing && !strings.Contains(colored.String(), "\x1b[1;31m") {
					t.Errorf("nothing is red")
				}
				if row.Step > 0 && !row.Racing {
					found := false
					for _, line := range strings.Split(colored.String(), "\n") {
						found = found || strings.HasPrefix(line, "\x1b[3") && strings.Contains(line, row.Text)
					}
					if !found && !strings.Contains(row.Text, " (") {
						t.Errorf("step %d has no colour", row.Step)
					}
				}
			}
		})
	}
}
