package litmus

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
)

// exists is the note of the failure that stands for the condition of Program.Exists.
const exists = "exists"

const (
	// stepLimit is for rows, which are short.
	stepLimit = 200
	// A row of more executions than limit is left to explore alone, and of more than
	// limitOrders in any order of the threads but the first, or limitShort with -short, where
	// what has more has no other orders either. It is a matter of time.
	limit       = 20_000
	limitOrders = 3_000
	limitShort  = 500
)

// plain reports whether to run all of so many executions, in an order of the threads.
func plain(executions uint64, first bool) bool {
	switch {
	case testing.Short():
		return first && executions <= limitShort
	case first:
		return executions <= limit
	}
	return executions <= limitOrders
}

// program returns the row's program, its threads created in the given order.
func (row *Test) program(perm []int) schedule.Program {
	return schedule.Program{Name: row.Name, New: func() func(*schedule.Exec) {
		p := new(Program)
		row.Build(p)
		atEnd := func(e *schedule.Exec) {
			if p.exists != nil && p.exists() {
				e.FailAtEnd(schedule.LostUpdate, nil, schedule.Party{}, exists)
			}
		}
		return func(e *schedule.Exec) {
			switch {
			case row.RMO:
				e.ReorderLoads()
			case row.PSO:
				e.ReorderStores()
			case row.TSO:
				e.BufferStores()
			}
			for _, f := range p.begin {
				f(e)
			}
			for _, i := range perm {
				p.units[i](e)
			}
			e.AtEnd(atEnd)
		}
	}}
}

// Schedule returns the program of a row, its threads created as written.
func (row *Test) Schedule() schedule.Program { return row.program(row.orders()[0]) }

// orders returns the orders in which to create the threads: all of up to three, else each
// rotation, and those of the reverse. The first is as written.
func (row *Test) orders() [][]int {
	p := new(Program)
	row.Build(p)
	perm := make([]int, len(p.units))
	for i := range perm {
		perm[i] = i
	}
	var out [][]int
	for range 2 {
		for range perm {
			out = append(out, slices.Clone(perm))
			perm = append(perm[1:], perm[0])
		}
		slices.Reverse(perm)
	}
	// All orders of three are rotations of one or of its reverse.
	slices.SortFunc(out[1:], slices.Compare[[]int])
	return slices.CompactFunc(out, slices.Equal[[]int])
}

// A tally is the executions of each outcome with 0, 1, 2 ... preemptions.
type tally map[outcome][]uint64

// An outcome is all that a row distinguishes. It is the same in every order of the
// threads.
type outcome struct {
	schedule.Outcome
	kind   schedule.Kind
	reason string // "exists", or of Invalid
}

func outcomeOf(r schedule.Result) outcome {
	o := outcome{Outcome: r.Outcome, reason: r.Reason}
	if r.Outcome == schedule.Fail {
		o.kind = r.Failure.Kind
		if r.Failure.Note == exists {
			o.reason = exists
		}
	}
	return o
}

func (o outcome) String() string {
	switch {
	case o.reason != "":
		return o.reason
	case o.Outcome == schedule.Fail:
		return o.kind.String()
	}
	return o.Outcome.String()
}

func (o outcome) is(bad schedule.Kind) bool {
	if bad == schedule.NoFailure {
		return o.reason == exists
	}
	return o.Outcome == schedule.Fail && o.kind == bad && o.reason == ""
}

func (n tally) add(o outcome, preemptions int, executions uint64) {
	counts := n[o]
	for len(counts) <= preemptions {
		counts = append(counts, 0)
	}
	counts[preemptions] += executions
	n[o] = counts
}

// verdict returns how often the bad outcome is in n.
func (n tally) verdict(bad schedule.Kind) Verdict {
	hit, missed := uint64(0), uint64(0)
	for o, counts := range n {
		if o.is(bad) {
			hit += sum(counts)
		} else {
			missed += sum(counts)
		}
	}
	switch {
	case hit == 0:
		return Never
	case missed == 0:
		return Always
	}
	return Sometimes
}

func (n tally) total() (all uint64) {
	for _, counts := range n {
		all += sum(counts)
	}
	return all
}

func sum(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (n tally) String() string {
	keys := slices.SortedFunc(maps.Keys(n), func(a, b outcome) int {
		if a.Outcome != b.Outcome {
			return int(a.Outcome) - int(b.Outcome)
		}
		return int(a.kind) - int(b.kind)
	})
	var parts []string
	for _, o := range keys {
		parts = append(parts, fmt.Sprintf("%d %v", sum(n[o]), o))
	}
	return strings.Join(parts, ", ")
}

// An odometer is the chooser that enumerates. It is not explore's.
type odometer struct {
	digits, sizes []int
	pos           int
}

// Choose implements [schedule.Chooser].
func (o *odometer) Choose(_ *schedule.Exec, n int) int {
	if o.pos == len(o.digits) {
		o.digits, o.sizes = append(o.digits, 0), append(o.sizes, n)
	}
	if o.sizes[o.pos] != n {
		panic("litmus: the program is not deterministic")
	}
	o.pos++
	return o.digits[o.pos-1]
}

// next turns to the next execution. It reports false after the last.
func (o *odometer) next() bool {
	o.pos = 0
	for i := len(o.digits) - 1; i >= 0; i-- {
		if o.digits[i]+1 < o.sizes[i] {
			o.digits[i]++
			o.digits, o.sizes = o.digits[:i+1], o.sizes[:i+1]
			return true
		}
	}
	return false
}

// enumerate runs every execution of p.
func (row *Test) enumerate(p schedule.Program) tally {
	r := schedule.NewRunner(p)
	defer r.Close()
	r.Mute, r.MaxSteps = row.Mute, stepLimit
	n := make(tally)
	o := new(odometer)
	for more := true; more; more = o.next() {
		res := r.Run(o)
		n.add(outcomeOf(res), res.Preemptions, 1)
	}
	return n
}

func (row *Test) options() explore.Options {
	return explore.Options{Bound: explore.Unbounded, Mute: row.Mute, MaxSteps: stepLimit}
}

// exhaust has package explore say the same.
func (row *Test) exhaust(t *testing.T, p schedule.Program) (tally, explore.Report) {
	rep := explore.Last(explore.Exhaust(context.Background(), p, row.options()))
	if _, ok := rep.Total(); !ok {
		t.Fatalf("explore.Exhaust: %s", rep.Coverage())
	}
	n := make(tally)
	for _, end := range rep.Endings {
		c := end.Category
		o := outcome{c.Outcome, c.Kind, c.Reason}
		if c.Note == exists {
			o.reason = exists
		}
		for j, executions := range end.Executions {
			if executions > 0 {
				n.add(o, j, executions)
			}
		}
	}
	return n, rep
}

// Run runs a table, each row as a subtest.
func Run(t *testing.T, rows []Test) {
	names := make(map[string]bool)
	for i := range rows {
		row := &rows[i]
		if names[row.Name] {
			t.Errorf("two rows are called %s", row.Name)
		}
		names[row.Name] = true
		t.Run(row.Name, func(t *testing.T) {
			defer crashed(t)
			row.run(t)
		})
	}
}

// crashed makes an error of one row of a panic in a model, so that the others are run.
func crashed(t *testing.T) {
	if v := recover(); v != nil {
		t.Errorf("panic: %v", v)
	}
}

func (row *Test) run(t *testing.T) {
	var want tally
	for _, perm := range row.orders() {
		if testing.Short() && want.total() > limitShort {
			break
		}
		p := row.program(perm)
		merged, rep := row.exhaust(t, p)
		got := merged
		if plain(merged.total(), want == nil) {
			got = row.enumerate(p)
		}
		if !reflect.DeepEqual(got, merged) {
			t.Errorf("order %v: %v, but explore.Exhaust says %v:\n%v\n%v",
				perm, got, merged, map[outcome][]uint64(got), map[outcome][]uint64(merged))
		}
		if want != nil {
			if !reflect.DeepEqual(got, want) {
				t.Errorf("order %v: %v, as written %v", perm, got, want)
			}
			continue
		}
		want = got
		row.compare(t, p, rep)
	}
	if v := want.verdict(row.Bad); v != row.Verdict {
		t.Errorf("%v, want %v", v, row.Verdict)
	}
	if want.String() != row.Counts {
		t.Errorf("%q, want %q", want, row.Counts)
	}
}

// compare holds Exhaust against Unreduced in everything a report says about
// endings, which is more than a row distinguishes, and replays the witnesses.
func (row *Test) compare(t *testing.T, p schedule.Program, rep explore.Report) {
	if n, _ := rep.Total(); plain(n, true) {
		want := explore.Unreduced(context.Background(), p, row.options())
		if !reflect.DeepEqual(rep.Endings, want.Endings) {
			t.Errorf("explore.Exhaust and explore.Unreduced differ:\n%+v\n%+v",
				rep.Endings, want.Endings)
		}
	}
	r := schedule.NewRunner(p)
	defer r.Close()
	r.Mute, r.MaxSteps = row.Mute, stepLimit
	for _, end := range rep.Endings {
		tr, err := r.Replay(end.Witness.Tape)
		if err != nil {
			t.Errorf("replay: %v", err)
		} else if c := explore.CategoryOf(tr.Result); c != end.Category {
			t.Errorf("replay of %q: %v, want %v", end.Witness.Tape.String(), c, end.Category)
		}
	}
}

// Contract tests what exploring rests on, for the programs of the rows: that they
// are deterministic, the contracts of [schedule.Exec.State] and [schedule.Footprints], and,
// where there are not too many executions, [explore.Classes].
func Contract(t *testing.T, tables ...[]Test) {
	tapes, pairs := 100, 100
	if testing.Short() {
		tapes, pairs = 10, 10
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	compared := 0
	for _, row := range slices.Concat(tables...) {
		t.Run(row.Name, func(t *testing.T) {
			defer crashed(t)
			p := row.Schedule()
			r := schedule.NewRunner(p)
			defer r.Close()
			r.Mute, r.MaxSteps = row.Mute, stepLimit
			tape := make(schedule.Tape, 64)
			for range tapes {
				for i := range tape {
					tape[i] = uint8(rnd.IntN(4) * rnd.IntN(2))
				}
				if err := r.CheckDeterminism(tape[:rnd.IntN(len(tape))]); err != nil {
					t.Fatal(err)
				}
			}
			n, err := explore.CheckStates(p, pairs, rnd.Uint64())
			if err != nil {
				t.Error(err)
			}
			compared += n
			if _, err := explore.CheckSwaps(p, pairs, rnd.Uint64()); err != nil {
				t.Error(err)
			}
			opt := explore.Options{Mute: row.Mute, MaxSteps: stepLimit}
			if _, err := explore.CheckClasses(p, opt, 20*pairs); err != nil {
				t.Error(err)
			}
		})
	}
	t.Logf("%d pairs of prefixes compared", compared)
	if compared == 0 {
		t.Error("no state of any row is reached in two ways")
	}
}
