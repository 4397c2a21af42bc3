package corpus

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The test binary runs itself as the process that is killed: with these arguments.
const (
	childAppend  = "-child-append"
	childCompact = "-child-compact"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && strings.HasPrefix(os.Args[1], "-child-") {
		if err := child(os.Args[1], os.Args[2]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// numbered is an entry that only i has.
func numbered(i int) Entry {
	e := Entry{Program: "FuzzLookupIoctx"}
	for n := i + 1; n > 0; n /= 10 {
		e.Tape = append(e.Tape, uint8(n%10), 1)
	}
	return e
}

// child appends to a pack for ever, from where it is on, and says so of every entry.
// Compacting, it does that too after every third.
func child(what, name string) error {
	for {
		w, err := OpenWriter(name)
		if err != nil {
			return err
		}
		if d := w.Pack().Damage(); len(d) > 0 {
			return fmt.Errorf("%v", d)
		}
		for i := w.Pack().Len(); ; i++ {
			if _, err := w.Append(numbered(i)); err != nil {
				return err
			}
			fmt.Println("has", i)
			if what == childCompact && i%3 == 0 {
				break
			}
		}
		if err := w.Close(); err != nil {
			return err
		}
		fmt.Println("compacts")
		if err := Compact(name); err != nil {
			return err
		}
	}
}

// TestKill kills a writer with SIGKILL again and again, after ever more lines, wherever it
// is then. Whatever it had said to have is there, and the next writer can go on.
func TestKill(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	for _, what := range []string{childAppend, childCompact} {
		t.Run(what[len("-child-"):], func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "x.pack")
			for round := range rounds {
				last := killAfter(t, round, what, name)
				p := open(t, name)
				has := map[uint64]bool{}
				for e := range p.All() {
					has[e.ID()] = true
				}
				for i := range last + 1 {
					if !has[numbered(i).ID()] {
						t.Fatalf("round %d: entry %d of %d is lost; damage %v", round, i, last, p.Damage())
					}
				}
				for _, d := range p.Damage() { // at most an append that was cut, not acknowledged
					if !d.atEnd(len(p.data)) {
						t.Fatalf("round %d: %v", round, d)
					}
				}
			}
		})
	}
}

// TestOtherProcess: the error names the process that has the pack.
func TestOtherProcess(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.pack")
	cmd := exec.Command(os.Args[0], childAppend, name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(out).ReadString('\n') // it has appended: it has the lock
	_, err = OpenWriter(name)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf(": process %d (", cmd.Process.Pid)) {
		t.Errorf("the writer is process %d: %v", cmd.Process.Pid, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// killAfter runs the child until it has said that many lines, kills it, and returns the
// last entry that it said to have.
func killAfter(t *testing.T, lines int, what, name string) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], what, name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last = -1
	said := bufio.NewScanner(out)
	for n := 0; said.Scan(); n++ { // also what it says until it is dead
		if n == lines {
			cmd.Process.Kill()
		}
		if line := said.Text(); strings.HasPrefix(line, "error:") {
			t.Error(line)
		} else if rest, ok := strings.CutPrefix(line, "has "); ok {
			fmt.Sscan(rest, &last)
		}
	}
	cmd.Wait()
	return last
}
