package triage_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestMarkdown compares the reports that have something of their own.
func TestMarkdown(t *testing.T) {
	for _, name := range []string{
		"use-after-free", "behind-warning", "deadlock", "old-value", "choice",
	} {
		var out bytes.Buffer
		if err := reports(t)[name].WriteMarkdown(&out); err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join("testdata", "report", name+".md"), out.Bytes())
	}
}

// TestMarkdownFacts looks for all that the text has, and for prose that fits a mail.
func TestMarkdownFacts(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := r.WriteMarkdown(&out); err != nil {
				t.Fatal(err)
			}
			missing(t, r, strings.ReplaceAll(out.String(), `\`, ""))
			said := [...]string{"in brackets. ```", "step that fails has a *", "racing steps have a *"}
			if want := said[strings.Count(r.Columns, " * ")]; !strings.Contains(
				strings.Join(strings.Fields(out.String()), " "), want) {
				t.Errorf("no %q above\n%s", want, r.Columns)
			}
			block := false
			for i, line := range strings.Split(out.String(), "\n") {
				if strings.HasPrefix(line, "```") {
					block = !block
				}
				one := !strings.Contains(strings.TrimPrefix(line, "- "), " ")
				if !block && !one && len(line) > 72 && !strings.HasPrefix(line, "- tape") {
					t.Errorf("line %d is %d columns wide: %s", i+1, len(line), line)
				}
			}
			if block {
				t.Error("a block is not closed")
			}
		})
	}
}
