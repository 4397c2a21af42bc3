package sample_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// A board is what the threads of the tests write on.
type board struct {
	schedule.Object
	shared schedule.Cell
	own    [4]schedule.Cell
	order  []byte // of the steps on shared, by thread
}

func (b *board) write(t *schedule.Thread, c *schedule.Cell) {
	t.Step(schedule.Op{Verb: "write", Cell: c, Mode: schedule.WriteOnce})
	c.Set(uint64(t.ID) + 1)
	if c == &b.shared {
		b.order = append(b.order, byte('a'+t.ID))
	}
}

// writeAfter writes the shared word once there were n accesses to it.
func (b *board) writeAfter(t *schedule.Thread, n int) {
	t.Await(schedule.Op{Verb: "write", Cell: &b.shared, Mode: schedule.WriteOnce}, after{b, n})
	b.shared.Set(uint64(t.ID) + 1)
	b.order = append(b.order, byte('a'+t.ID))
}

// after is the gate that opens at so many accesses to the shared word.
type after struct {
	b *board
	n int
}

// Open implements [schedule.Gate].
func (a after) Open(*schedule.Thread) bool { return len(a.b.order) >= a.n }

func (b *board) read(t *schedule.Thread) {
	t.Step(schedule.Op{Verb: "read", Cell: &b.shared, Mode: schedule.ReadOnce})
	t.Observe(b.shared.Value())
	b.order = append(b.order, byte('a'+t.ID))
}

// program has a thread for each string: s writes the shared word, r reads it, o writes the
// thread's own, and a digit writes the shared word after so many accesses to it. It fails if
// the order of the accesses to the shared word is bad.
func program(bad string, threads ...string) (schedule.Program, *board) {
	b := new(board)
	b.Bind(b, "board")
	return schedule.Program{Name: fmt.Sprint(threads), New: func() func(*schedule.Exec) {
		end := func(e *schedule.Exec) {
			if string(b.order) == bad {
				e.FailAtEnd(schedule.LostUpdate, &b.Object, schedule.Party{}, "")
			}
		}
		var bodies []func(*schedule.Thread)
		for _, steps := range threads {
			bodies = append(bodies, func(t *schedule.Thread) {
				for _, s := range []byte(steps) {
					switch s {
					case 's':
						b.write(t, &b.shared)
					case 'r':
						b.read(t)
					case 'o':
						b.write(t, &b.own[t.ID])
					default:
						b.writeAfter(t, int(s-'0'))
					}
				}
			})
		}
		return func(e *schedule.Exec) {
			b.order = b.order[:0]
			e.Static(&b.Object, 0)
			for i := range bodies {
				e.Go("abcd"[i:i+1], bodies[i])
			}
			e.AtEnd(end)
		}
	}}, b
}

// count runs s so often, after so many runs that do not count, and returns how often each
// order of the writes to the shared word came up.
func count(t *testing.T, s sample.Sampler, warm, runs int, threads ...string) map[string]int {
	t.Helper()
	p, b := program("", threads...)
	r := schedule.NewRunner(p)
	defer r.Close()
	out := map[string]int{}
	i := 0
	for _, res := range sample.Run(t.Context(), r, s) {
		if res.Outcome != schedule.Pass {
			t.Fatalf("%+v", res)
		}
		if i++; i > warm {
			out[string(b.order)]++
		}
		if i == warm+runs {
			break
		}
	}
	return out
}

// near fails unless got of n is what probability p gives, within five standard deviations.
// Seeds are fixed: it fails always or never.
func near(t *testing.T, what string, got, n int, p float64) {
	t.Helper()
	sd := math.Sqrt(float64(n) * p * (1 - p))
	if math.Abs(float64(got)-float64(n)*p) > 5*sd {
		t.Errorf("%s: %d of %d, want about %.0f (%.4f)", what, got, n, float64(n)*p, p)
	}
}

// TestPOS: a write that comes after nine steps of its own comes before another thread's
// only write if the one priority of that is the lowest of eleven. A random walk needs ten
// heads in a row.
func TestPOS(t *testing.T) {
	const n = 20_000
	near(t, "pos", count(t, sample.NewPOS(1), 0, n, "s", "ooooooooos")["ba"], n, 1.0/11)
	near(t, "walk", count(t, sample.NewWalk(1), 0, n, "s", "ooooooooos")["ba"], n, 1.0/1024)
}

// TestPOSConflict: whoever writes first draws anew, and so does the other, since the
// writes conflict: all orders of two writes and one are equally probable but for the first
// draw. By hand: b first 1/2, then aa; a first, then a fair draw between a and b.
func TestPOSConflict(t *testing.T) {
	const n = 20_000
	got := count(t, sample.NewPOS(1), 0, n, "ss", "s")
	near(t, "baa", got["baa"], n, 1.0/2)
	near(t, "aba", got["aba"], n, 1.0/4)
	near(t, "aab", got["aab"], n, 1.0/4)
}

// TestSURW: all interleavings of the steps on the shared word are equally probable,
// whatever else the threads do, and however the rest is drawn; by chi-square.
func TestSURW(t *testing.T) {
	t.Run("surw", func(t *testing.T) { uniform(t, sample.NewSURW) })
	t.Run("surw-demote", func(t *testing.T) { uniform(t, sample.NewSURWDemote) })
}

func uniform(t *testing.T, surw func(seed uint64) *sample.SURW) {
	for _, threads := range [][]string{
		{"ssss", "ssss"}, {"ooosssso", "soooooosss"}, {"sss", "ooooooooooos"}, {"sos", "oss", "sso"},
	} {
		orders, each := choose(threads), 400
		if testing.Short() {
			each = 100
		}
		got := count(t, surw(1), 1, each*orders, threads...)
		chi := 0.0
		for _, k := range got {
			d := float64(k - each)
			chi += d * d / float64(each)
		}
		chi += float64((orders - len(got)) * each)
		free := float64(orders - 1)
		if limit := free + 5*math.Sqrt(2*free); chi > limit || len(got) > orders {
			t.Errorf("%v: chi-square %.0f with %.0f degrees of freedom, %d of %d orders",
				threads, chi, free, len(got), orders)
		}
	}
}

// choose returns how many orders the steps on the shared word have.
func choose(threads []string) int {
	out, sum := 1, 0
	for _, s := range threads {
		for k := 1; k <= countByte(s, 's'); k++ {
			sum++
			out = out * sum / k // out stays a product of binomials
		}
	}
	return out
}

func countByte(s string, c byte) int {
	n := 0
	for i := range len(s) {
		if s[i] == c {
			n++
		}
	}
	return n
}

// TestQLearning: after one execution of a program with one decision the alternative taken
// is worth 0.3 times -1 and the other 0, so it is taken again with probability
// exp(-0.3)/(exp(-0.3)+1).
func TestQLearning(t *testing.T) {
	const n = 20_000
	p, b := program("", "s", "s")
	r := schedule.NewRunner(p)
	defer r.Close()
	again := 0
	for seed := range uint64(n) {
		q := sample.NewQLearning(seed)
		sample.Once(r, q)
		first := b.order[0]
		sample.Once(r, q)
		if b.order[0] == first {
			again++
		}
	}
	near(t, "again", again, n, math.Exp(-0.3)/(math.Exp(-0.3)+1))
}

// TestQLearningFailure: an execution that fails ends in a state in which another went on. It
// is another state to learn of, without alternatives.
func TestQLearningFailure(t *testing.T) {
	fails := false
	r := schedule.NewRunner(schedule.Program{New: func() func(*schedule.Exec) {
		return func(e *schedule.Exec) {
			for range 2 {
				e.Go("t", func(t *schedule.Thread) {
					t.Step(schedule.Op{Verb: "nop"})
					if fails {
						t.Fail(schedule.BugOn, nil, schedule.Party{}, "")
					}
					t.Step(schedule.Op{Verb: "nop"})
				})
			}
		}
	}})
	defer r.Close()
	q := sample.NewQLearning(1)
	for i := range 100 {
		fails = i%2 == 0
		if res := sample.Once(r, q); (res.Outcome == schedule.Fail) != fails {
			t.Fatalf("execution %d: %v", i, res.Outcome)
		}
	}
}

// TestQLearningSpreads: a write after eight steps of the thread's own comes first in 1 of
// 512 walks. Who learns that few executions have been there goes there more often.
func TestQLearningSpreads(t *testing.T) {
	const n = 5000
	first := func(s sample.Sampler) int {
		return count(t, s, 0, n, "oooooooos", "ssssssss")["abbbbbbbb"]
	}
	near(t, "walk", first(sample.NewWalk(1)), n, 1.0/512)
	if got := first(sample.NewQLearning(1)); got < 5*n/512 {
		t.Errorf("%d of %d, not five times as many as walks", got, n)
	}
}

// TestPCTConfidence: by hand, and measured: of a hundred times so many executions as find
// the bug with 52% confidence, after one that shows how long they are, no fewer than half do.
func TestPCTConfidence(t *testing.T) {
	for _, test := range []struct {
		threads, steps, depth, runs int
		want                        float64
	}{
		{2, 100, 1, 1, 0.5}, {2, 100, 1, 3, 0.875}, {4, 100, 2, 1, 0.0025},
		{2, 10, 2, 1, 0.05}, {3, 60, 3, 0, 0}, {1, 1, 2, 0, 0}, {1, 1, 2, 3, 1}, {4, 100, 2, 400, 1 - math.Pow(0.9975, 400)},
	} {
		got := sample.PCTConfidence(test.threads, test.steps, test.depth, test.runs)
		if math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%+v: %v", test, got)
		}
	}
	const runs = 4 // 1-(1-1/(2*3))^4 is 0.52
	if c := sample.PCTConfidence(2, 3, 2, runs); math.Abs(c-0.52) > 0.01 {
		t.Errorf("%d executions: %v", runs, c)
	}
	found := 0
	for seed := range uint64(100) {
		if count(t, sample.NewPCT(seed, 2), 1, runs, "ss", "s")["aba"] > 0 {
			found++
		}
	}
	if found < 52-25 { // five standard deviations
		t.Errorf("found by %d of 100", found)
	}
	t.Logf("found by %d of 100", found)
}

// TestBounded: never more preemptions than allowed, and each number comes up.
func TestBounded(t *testing.T) {
	p, _ := program("", "ssssssss", "ssssssss", "ssssssss")
	for bound := range 4 {
		for _, s := range []sample.Sampler{
			sample.NewPreemptions(1, bound), sample.NewDelays(1, bound),
		} {
			r := schedule.NewRunner(p)
			seen := map[int]bool{}
			i := 0
			for _, res := range sample.Run(t.Context(), r, s) {
				seen[res.Preemptions] = true
				if res.Preemptions > bound {
					t.Fatalf("%T: %d preemptions, bound %d", s, res.Preemptions, bound)
				}
				if i++; i == 5000 {
					break
				}
			}
			r.Close()
			if len(seen) != bound+1 {
				t.Errorf("%T, bound %d: preemptions %v", s, bound, seen)
			}
		}
	}
}

// TestDelays: every order that the paper's scheduler can come to with so many delays is met, and no
// other; the first delay may come before the first step.
func TestDelays(t *testing.T) {
	threads := []string{"ss", "s", "ss"}
	for bound := range 4 {
		want := map[string]bool{}
		delayed(want, "", []int{2, 1, 2}, 0, bound)
		got := count(t, sample.NewDelays(1, bound), 0, 20000, threads...)
		for order := range got {
			if !want[order] {
				t.Errorf("bound %d: %s takes more delays", bound, order)
			}
		}
		for order := range want {
			if got[order] == 0 {
				t.Errorf("bound %d: never %s", bound, order)
			}
		}
	}
}

// delayed adds the orders in which threads with so many steps left can go on where the scheduler
// is at thread next and may be delayed so many times.
func delayed(orders map[string]bool, order string, left []int, next, delays int) {
	if slices.Max(left) == 0 {
		orders[order] = true
		return
	}
	for next %= len(left); left[next] == 0; {
		next = (next + 1) % len(left)
	}
	if delays > 0 {
		delayed(orders, order, left, next+1, delays-1)
	}
	rest := slices.Clone(left)
	rest[next]--
	delayed(orders, order+string(rune('a'+next)), rest, next, delays)
}

// TestNew runs every sampler by its name: the same seed decides the same, another seed
// does not, and once warm nothing is allocated.
func TestNew(t *testing.T) {
	p, _ := program("", "sosos", "ssoo", "oss")
	tapes := func(name string, seed uint64) []string {
		s, err := sample.New(name, seed)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(p)
		defer r.Close()
		var out []string
		for tape := range sample.Run(t.Context(), r, s) {
			if out = append(out, tape.String()); len(out) == 200 {
				break
			}
		}
		return out
	}
	for _, name := range sample.Names() {
		if a, b := tapes(name, 1), tapes(name, 1); !slices.Equal(a, b) {
			t.Errorf("%s: the same seed decides otherwise", name)
		}
		if a, b := tapes(name, 1), tapes(name, 2); slices.Equal(a, b) {
			t.Errorf("%s: another seed decides the same", name)
		}
		s, _ := sample.New(name, 1)
		r := schedule.NewRunner(p)
		run := func() { sample.Once(r, s) }
		for range 100 {
			run()
		}
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations an execution", name, n)
		}
		r.Close()
	}
	if _, err := sample.New("dice", 1); err == nil {
		t.Error("there is a sampler called dice")
	}
}

// A counter is a Sampler that counts the steps that it is shown.
type counter struct {
	sample.Sampler
	looks bool
	steps int
}

func (c *counter) Looks() bool { return c.looks }

func (c *counter) Step(t *schedule.Thread) bool {
	c.steps++
	return c.Sampler.Step(t)
}

// TestOnce: who looks at steps is shown all of them, one after the other; who does not, none.
func TestOnce(t *testing.T) {
	p, _ := program("", "sro", "rs", "oo")
	r := schedule.NewRunner(p)
	defer r.Close()
	c := &counter{Sampler: sample.NewWalk(1)}
	for i := range 20 {
		c.looks, c.steps = i%2 == 0, 0
		res := sample.Once(r, c)
		want := 0
		if c.looks {
			want = res.Steps
		}
		if c.steps != want || r.Watch != nil {
			t.Errorf("execution %d: shown %d of %d steps, want %d", i, c.steps, res.Steps, want)
		}
	}
	for _, name := range sample.Names() {
		s, err := sample.New(name, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := name != "walk" && name != "qlearn" && !strings.HasPrefix(name, "delays") &&
			!strings.HasPrefix(name, "preemptions")
		if got := sample.Looks(s); got != want {
			t.Errorf("%s: looks at steps: %v, want %v", name, got, want)
		}
	}
	// What is made of one that does not may do so.
	e := &embedding{Walk: sample.NewWalk(1)}
	if res := sample.Once(r, e); e.steps != res.Steps {
		t.Errorf("shown %d of %d steps", e.steps, res.Steps)
	}
}

// embedding is a walk that counts steps.
type embedding struct {
	*sample.Walk
	steps int
}

func (e *embedding) Step(*schedule.Thread) bool {
	e.steps++
	return true
}
