package sample_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// TestReadsFrom: whether a read comes before a write is drawn as often as the opposite,
// however far the read is; what constraints contradict each other about is a fair draw. Where
// nobody reads it is POS.
func TestReadsFrom(t *testing.T) {
	const n = 20_000
	near(t, "far", count(t, sample.NewReadsFrom(1), 1, n, "s", "ooooooooor")["ba"], n, 1.0/2)
	near(t, "near", count(t, sample.NewReadsFrom(1), 1, n, "s", "r")["ba"], n, 1.0/2)
	near(t, "pos", count(t, sample.NewReadsFrom(1), 1, n, "s", "ooooooooos")["ba"], n, 1.0/11)
}

// with is a ReadsFrom with constraints of our own.
type with struct {
	*sample.ReadsFrom
	list []sample.Constraint
}

func (w with) Begin() { w.BeginWith(w.list) }

// TestConstraints: what is wanted of two threads that need not wait for each other comes true
// in every execution, whoever decides the rest.
func TestConstraints(t *testing.T) {
	t.Run("rf", func(t *testing.T) { comeTrue(t, sample.NewReadsFrom) })
	t.Run("rf-demote", func(t *testing.T) { comeTrue(t, sample.NewReadsFromDemote) })
}

func comeTrue(t *testing.T, readsFrom func(seed uint64) *sample.ReadsFrom) {
	const n = 200
	p, b := program("", "s")
	r := schedule.NewRunner(p)
	defer r.Close()
	r.RunTape(nil)
	write := sample.Access{Mode: schedule.WriteOnce, Thread: sample.Anybody, Nth: sample.AnyTime}
	read := sample.Access{Mode: schedule.ReadOnce, Thread: sample.Anybody, Nth: sample.AnyTime}
	initial := sample.Access{}
	nth := func(a sample.Access, thread, n int) sample.Access {
		a.Thread, a.Nth = thread, n
		return a
	}
	for _, test := range []struct {
		write, read sample.Access
		never       bool
		threads     []string
		want        string // the order of the accesses
	}{
		{write, read, false, []string{"ooos", "r"}, "ab"},
		{write, read, true, []string{"s", "ooor"}, "ba"},
		{initial, read, false, []string{"s", "ooor"}, "ba"},
		{initial, read, true, []string{"ooos", "r"}, "ab"},
		{nth(write, 0, 1), read, false, []string{"oososs", "r"}, "aaba"},
		{write, nth(read, 1, 1), true, []string{"s", "ooorr"}, "bba"},
		{nth(write, 1, 0), read, false, []string{"s", "ooos", "r"}, ""}, // b is the last before c
	} {
		list := []sample.Constraint{{
			Cell: b.shared.ID(), Write: test.write, Read: test.read, Never: test.never,
		}}
		got := count(t, with{readsFrom(1), list}, 0, n, test.threads...)
		if test.want == "" {
			for order, times := range got {
				if i := strings.Index(order, "c"); i == 0 || order[i-1] != 'b' {
					t.Errorf("%v: %s %d times", test.threads, order, times)
				}
			}
			continue
		}
		if got[test.want] != n {
			t.Errorf("%v of %v: %v, want %s only", test, test.threads, got, test.want)
		}
	}
}

// TestReadsFromBench: the pair of words that a thread created last must see half written is
// seen so in one of some ten executions. POS does not come to it in thousands.
func TestReadsFromBench(t *testing.T) {
	p, err := bench.Find("CS.reorder_10")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Main7))
	defer r.Close()
	fails := func(s sample.Sampler, runs int) (n int) {
		for range runs {
			if sample.Once(r, s).Outcome == schedule.Fail {
				n++
			}
		}
		return n
	}
	if n := fails(sample.NewReadsFrom(1), 500); n < 50 {
		t.Errorf("rf: %d of 500 executions fail", n)
	}
	if n := fails(sample.NewPOS(1), 500); n > 0 {
		t.Errorf("pos: %d of 500 executions fail: the program has become easier", n)
	}
}
