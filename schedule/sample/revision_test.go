package sample_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

var update = flag.Bool("update", false, "write testdata/revisions.txt")

// calls is a workload: the tape chooses what each of three threads does, and how often.
func calls() schedule.Program {
	b := new(board)
	b.Bind(b, "board")
	return schedule.Program{Name: "calls", New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			e.Static(&b.Object, 0)
			for range 3 {
				call, times := e.Choose(3), 1+e.Choose(6)
				e.Go("caller", func(t *schedule.Thread) {
					for range times {
						switch call {
						case 0:
							b.read(t)
						case 1:
							b.write(t, &b.shared)
						default:
							b.write(t, &b.own[t.ID])
						}
					}
				})
			}
		}
	}}
}

// decisions returns a hash of what the sampler of that name decides: 200 executions each of a
// workload and of programs with few and many threads, that are short and long.
func decisions(t *testing.T, name string) string {
	t.Helper()
	programs := []schedule.Program{calls()}
	for _, of := range []struct {
		program string
		form    bench.Form
	}{{"SafeStack", bench.Threads}, {"CS.stack", bench.Main7}, {"CS.twostage_20", bench.Main1}} {
		p, err := bench.Find(of.program)
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, p.Schedule(of.form))
	}
	sum := xxhash.New()
	for _, p := range programs {
		r := schedule.NewRunner(p)
		defer r.Close()
		s, err := sample.New(name, 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			sample.Once(r, s)
			fmt.Fprintln(sum, r.Taken())
		}
	}
	return fmt.Sprintf("%016x", sum.Sum64())
}

// TestRevision: a sampler decides what testdata/revisions.txt has of its revision. -update writes
// the file, but no other decisions of a revision that it has.
func TestRevision(t *testing.T) {
	const file = "testdata/revisions.txt"
	data, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	type entry struct {
		revision int
		hash     string
	}
	have := map[string]entry{}
	for line := range strings.Lines(string(data)) {
		var name string
		var e entry
		if _, err := fmt.Sscan(line, &name, &e.revision, &e.hash); err != nil {
			t.Fatalf("%s: %q: %v", file, line, err)
		}
		have[name] = e
	}
	var got strings.Builder
	for _, name := range sample.Names() {
		now, then := entry{sample.Revision(name), decisions(t, name)}, have[name]
		fmt.Fprintln(&got, name, now.revision, now.hash)
		if now.revision < then.revision {
			t.Errorf("%s: revision %d, in %s %d", name, now.revision, file, then.revision)
		} else if now.revision == then.revision && now.hash != then.hash {
			t.Errorf("%s decides otherwise than its revision %d has: raise it in revision.go, and run "+
				"this test with -update; explore -bench measures its cells anew then. If nothing has "+
				"changed but a program of this test, remove %s before that",
				name, now.revision, file)
		}
	}
	switch {
	case t.Failed() || got.String() == string(data):
	case *update:
		if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what there is; -update writes it:\n%s", file, &got)
	}
	if n := sample.Revision("dice"); n != 0 {
		t.Errorf("there is a revision %d of a sampler called dice", n)
	}
}
