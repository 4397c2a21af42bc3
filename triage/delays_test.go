package triage_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// TestDelaysCalls: there is a call for each preemption, to be put in by hand, and a patch that
// git applies, which adds the header and nothing else.
func TestDelaysCalls(t *testing.T) {
	header, err := os.ReadFile(filepath.Join("delays", "kschedfuzz_delay.h"))
	if err != nil {
		t.Fatal(err)
	}
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
			prose, patch, _ := strings.Cut(out.String(), "\n---\n")
			for n := 1; n <= want+1; n++ {
				call := fmt.Sprintf("\n\tkschedfuzz_delay(%d, ", n)
				if got := strings.Contains(prose, call); got != (n <= want) {
					t.Errorf("delay %d of %d: %v", n, want, got)
				}
			}
			if want == 0 {
				if patch != "" {
					t.Errorf("nothing is preempted, and there is a patch: %q", patch)
				}
				return
			}
			dir := t.TempDir()
			apply := exec.Command("git", "apply")
			apply.Dir, apply.Stdin = dir, strings.NewReader(out.String())
			if msg, err := apply.CombinedOutput(); err != nil {
				t.Fatalf("git apply: %v: %s", err, msg)
			}
			got, err := os.ReadFile(filepath.Join(dir, "include", "linux", "kschedfuzz_delay.h"))
			if err != nil || !bytes.Equal(got, header) {
				t.Errorf("git apply made %q, %v", got, err)
			}
		})
	}
}
