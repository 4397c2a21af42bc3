package triage_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDelays compares patches of one delay in the middle, of one whose thread never goes
// on, of none, and of ones with store buffers and with loads that pass loads.
func TestDelays(t *testing.T) {
	for _, name := range []string{"use-after-free", "deadlock", "leak", "buffered", "old-value"} {
		var out bytes.Buffer
		if err := reports(t)[name].WriteDelays(&out); err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join("testdata", "report", name+".patch"), out.Bytes())
	}
}

// TestDelaysHunks: a delay for each preemption, in hunks that are as long as they say, and
// nothing of a file that is there already.
func TestDelaysHunks(t *testing.T) {
	heading := regexp.MustCompile(`^@@ -(?:0|LINE),0 \+(?:1|LINE),(\d+) @@`)
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := r.WriteDelays(&out); err != nil {
				t.Fatal(err)
			}
			want := 0
			for _, s := range r.Interleaving.Steps {
				if s.Preempted >= 0 {
					want++
				}
			}
			for n := 1; n <= want+1; n++ {
				call := fmt.Sprintf("+\tkschedfuzz_delay(%d, ", n)
				if got := strings.Contains(out.String(), call); got != (n <= want) {
					t.Errorf("delay %d of %d: %v", n, want, got)
				}
			}
			prose, patch, _ := strings.Cut(out.String(), "\n---\n")
			if strings.Contains(prose, "@@") || (patch == "") != (want == 0) {
				t.Errorf("%d preemptions, patch %q", want, patch)
			}
			left := 0
			for _, line := range strings.Split(patch, "\n") {
				m := heading.FindStringSubmatch(line)
				switch {
				case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
				case strings.HasPrefix(line, "+"):
					left--
				case strings.HasPrefix(line, "-"), strings.HasPrefix(line, " "):
					t.Errorf("a line of somebody else: %q", line)
				case left != 0:
					t.Errorf("before %q: a hunk is %d lines longer than it is", line, left)
				}
				if m != nil {
					fmt.Sscan(m[1], &left)
				}
			}
		})
	}
}
