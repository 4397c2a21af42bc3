package explore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// plain is a program of so many threads, which share nothing, of so many steps each.
func plain(threads, steps int) schedule.Program {
	return schedule.Program{Name: "plain", New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			for i := range threads {
				e.Go(string(rune('a'+i)), func(t *schedule.Thread) {
					for range steps {
						step(t)
					}
				})
			}
		}
	}}
}

// TestKilledAhead goes on from what workers have written in a bound while the end of the
// one before was computed, as after a kill.
func TestKilledAhead(t *testing.T) {
	p := plain(3, 6)
	want := Last(Exhaust(context.Background(), p, Options{Bound: Unbounded}))
	for bound := range want.Bound {
		for _, many := range []int{2, 4} {
			opt := Options{Bound: Unbounded, Workers: many}
			opt.Checkpoint = Checkpoint{File: filepath.Join(t.TempDir(), "ckpt"), Every: time.Hour}
			writeAhead(t, p, opt, bound)
			got := Last(Exhaust(context.Background(), p, opt))
			got.Runs, got.Steps = want.Runs, want.Steps
			if !reflect.DeepEqual(got, want) {
				t.Errorf("bound %d, %d workers: resumed\n%+v, want\n%+v", bound, many, got, want)
			}
		}
	}
}

// writeAhead searches until the given bound is finished, and then has the workers write a
// checkpoint in the next, once, while the end of that bound is computed.
func writeAhead(t *testing.T, p schedule.Program, opt Options, bound int) {
	s := newSearch(context.Background(), p, opt, new(schedule.Loads))
	defer s.close()
	if err := s.resume(); err != nil {
		t.Fatal(err)
	}
	s.expand()
	for level := range bound + 1 {
		s.join()
		if level == bound {
			s.saved = time.Time{} // it is due
		}
		s.advance()
		s.finishLevel(level, true)
	}
	s.running.Wait()
	data, err := os.ReadFile(opt.Checkpoint.File)
	if where := fmt.Sprintf(`"Bound":%d,`, bound+1); err != nil ||
		!bytes.Contains(data, []byte(where)) {
		t.Fatalf("no checkpoint with %s was written: %v", where, err)
	}
}
