package guided

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/bench"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// readBy is what a combination is, by the definition: the set of pairs of a write and a read of
// another thread that sees it, or of nothing and a read that sees the initial value.
type readBy struct {
	last map[*schedule.Cell]step
	seen map[string]bool
}

func (r *readBy) step(t *schedule.Thread) {
	op := t.Op()
	if op.Cell == nil || op.Cell.Object() == nil {
		return
	}
	now := step{t.ID, fmt.Sprint(op.Verb, op.Mode, op.Cell.Object().Kind(), op.Cell.ID()&0xfff), true}
	was, written := r.last[op.Cell]
	if op.Mode&schedule.Reads != 0 && (!written || was.thread != t.ID) {
		r.seen[was.what+" read by "+now.what] = true
	}
	if op.Mode&schedule.Writes != 0 {
		r.last[op.Cell] = now
	}
}

// key returns the set as a string.
func (r *readBy) key() string {
	var all []string
	for pair := range r.seen {
		all = append(all, pair)
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}

// TestPairs compares combinations with their definition, over random executions of programs:
// two are the same if and only if the sets are.
func TestPairs(t *testing.T) {
	for _, name := range []string{
		"CS.account", "CHESS.WSQ", "handshake_4", "CVE-2016-1972", "CS.stack", "SafeStack",
	} {
		p, err := bench.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(p.Schedule(bench.Main1))
		defer r.Close()
		ps, dumb := new(pairs), &readBy{}
		r.Watch = schedule.WatcherFunc(func(t *schedule.Thread) bool {
			ps.step(t)
			dumb.step(t)
			return true
		})
		walk := sample.NewWalk(1)
		sets, hashes := map[uint64]string{}, map[string]uint64{}
		for i := range 300 {
			ps.begin()
			dumb.last, dumb.seen = map[*schedule.Cell]step{}, map[string]bool{}
			r.Run(walk)
			set, hash := dumb.key(), ps.combination
			if ps.seen.used != len(dumb.seen) {
				t.Fatalf("%s: execution %d: %d pairs, want %d", name, i, ps.seen.used, len(dumb.seen))
			}
			was, known := sets[hash]
			if h, ok := hashes[set]; ok != known || known && was != set || ok && h != hash {
				t.Fatalf("%s: execution %d: %x of %s, which is %x, and of %s",
					name, i, hash, set, h, was)
			}
			sets[hash], hashes[set] = set, hash
		}
		if len(sets) < 2 {
			t.Errorf("%s: %d combinations", name, len(sets))
		}
	}
}

// TestEnergy: a combination has one execution, then twice as many each time, up to 16; none
// while it is shown more often than the mean, after which it begins with one again.
func TestEnergy(t *testing.T) {
	var c combinations
	c.init(3)
	for hash := range uint64(3) {
		c.add(hash<<32|1, []sample.Constraint{{Cell: hash}})
	}
	turns := func(n int) (got []int) {
		for range n {
			got = append(got, c.energy(2))
		}
		return got
	}
	if got := turns(7); !slices.Equal(got, []int{1, 2, 4, 8, 16, 16, 16}) {
		t.Errorf("%v", got)
	}
	c.add(1<<32|1, nil) // 2 of 4, where the mean is 4/3
	if got := turns(2); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("%v while it is shown too often", got)
	}
	for range 2 {
		c.add(0<<32|1, nil)
	}
	if got := turns(3); !slices.Equal(got, []int{1, 2, 4}) {
		t.Errorf("%v when it is not any more", got)
	}
	if c.add(7<<32|1, nil); c.len() != 3 || c.energy(4) != 0 {
		t.Errorf("there are %d, and room for 3", c.len())
	}
	if got := c.all.at(2).list; len(got) != 1 || got[0].Cell != 1 {
		t.Errorf("combination 2 has constraints %v, want those that showed it first", got)
	}
}

// TestMutated: a constraint is put in, taken out, negated or replaced, each as often, and the
// others stay as they are.
func TestMutated(t *testing.T) {
	p, err := bench.Find("CS.twostage")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Threads))
	defer r.Close()
	rf := sample.NewReadsFrom(1)
	rng := rand.New(rand.NewPCG(1, 1))
	if got := mutated(nil, rf, rng.IntN); len(got) != 0 {
		t.Errorf("%v of nothing, while nothing is known", got)
	}
	sample.Once(r, rf)
	for length := range sample.MaxConstraints + 1 {
		var before []sample.Constraint
		for i := range length {
			before = append(before, sample.Constraint{Cell: uint64(i) + 1<<63})
		}
		did := map[string]int{}
		for range 4000 {
			after := mutated(slices.Clone(before), rf, rng.IntN)
			did[difference(t, before, after)]++
		}
		want := map[string]int{"insert": 1000, "swap": 1000, "negate": 1000, "delete": 1000}
		switch length {
		case 0:
			want = map[string]int{"insert": 4000}
		case sample.MaxConstraints:
			want = map[string]int{"swap": 1000, "negate": 1000, "delete": 2000}
		}
		for op, n := range did {
			if want[op] < n-200 || want[op] > n+200 {
				t.Errorf("of %d constraints: %v, want about %v", length, did, want)
				break
			}
		}
	}
}

// difference returns what was done to a list, in which all cells are different.
func difference(t *testing.T, before, after []sample.Constraint) string {
	t.Helper()
	var changed []int
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			changed = append(changed, i)
		}
	}
	switch {
	case len(after) == len(before)+1 && len(changed) == 0:
		return "insert"
	case len(after) == len(before)-1:
		i := len(after)
		if len(changed) > 0 {
			i = changed[0]
		}
		if slices.Equal(slices.Delete(slices.Clone(before), i, i+1), after) {
			return "delete"
		}
	case len(after) == len(before) && len(changed) == 1:
		b, a := before[changed[0]], after[changed[0]]
		if b.Never = !b.Never; a == b {
			return "negate"
		}
		return "swap"
	}
	t.Fatalf("%v became %v", before, after)
	return ""
}

// TestEditWay: a way is changed in one place, or one switch of it is moved a little; the
// corpus keeps what it has.
func TestEditWay(t *testing.T) {
	en := New(1, Options{})
	en.threads = 4
	did := map[string]int{}
	for range 3000 {
		way := schedule.Tape{0, 1, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		en.way = way
		en.editWay()
		var at []int
		for i, d := range way {
			if en.way[i] != d {
				at = append(at, i)
			}
		}
		switch {
		case len(en.way) != len(way) || len(at) > 2 || &en.way[0] == &way[0]:
			t.Fatalf("%s became %s", way, en.way)
		case len(at) == 2:
			if i, j := at[0], at[1]; en.way[i] != way[j] || en.way[j] != way[i] || j-i > farthest {
				t.Fatalf("%s became %s", way, en.way)
			}
			did["moved"]++
		case len(at) == 1 && en.way[at[0]] == 0:
			did["out"]++
		case len(at) == 1 && en.way[at[0]] < 4:
			did["in"]++
		case len(at) == 0:
			did["same"]++ // there was that switch already, or it was moved by 0
		default:
			t.Fatalf("%s became %s", way, en.way)
		}
	}
	if did["moved"] < 700 || did["out"] < 800 || did["in"] < 800 || did["same"] > 300 {
		t.Errorf("%v", did)
	}
	en.way = nil
	if en.editWay(); len(en.way) != 0 {
		t.Errorf("nothing became %s", en.way)
	}
}

// TestWords: the words of an execution are given back but for five at most, those of one for
// 16 executions, then those of the next.
func TestWords(t *testing.T) {
	en := New(1, Options{})
	if got := en.nextWords(); got != nil {
		t.Errorf("%v, and nothing is kept", got)
	}
	en.words.keep(nil)
	for id := range uint64(2) {
		en.words.keep(slices.Repeat([]uint64{id}, 40))
	}
	for n := range 4 * most {
		got, want := en.nextWords(), uint64(1+n/most)%2
		same := 0
		for _, w := range got {
			if w == want {
				same++
			}
		}
		if len(got) != 40 || same < 40-places || same == 40 {
			t.Fatalf("execution %d: %d of %d words are %d", n, same, len(got), want)
		}
	}
	for id := range uint64(maxWords) {
		en.words.keep([]uint64{1000 + id})
	}
	if n := len(en.words.kept); n != maxWords {
		t.Errorf("%d are kept, want %d", n, maxWords)
	}
	if en.words.kept[2][0] != 1000 || en.words.kept[1][0] != 1000+maxWords-1 {
		t.Errorf("the oldest were not replaced first: %d %d", en.words.kept[2][0], en.words.kept[1][0])
	}
}

// TestWordsKept: in programs and in workloads, words are kept of the executions of their own arm
// that show a segment which none of these has shown, unless they end where nothing was left to
// see, and no other execution is looked at.
func TestWordsKept(t *testing.T) {
	p, err := bench.Find("SafeStack")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schedule.Program{p.Schedule(bench.Threads), new(desk).program(0, 8)} {
		r := schedule.NewRunner(p)
		defer r.Close()
		en := New(1, Options{})
		kept, not := 0, 0
		for range 5000 {
			words, segments := len(en.words.kept), en.words.segments.seen.used
			sample.Once(r, en)
			more := en.words.segments.seen.used > segments
			switch {
			case more && en.how != numbered, more && !en.repeats != (len(en.words.kept) > words):
				t.Fatalf("%s: how %d: %d words after %d, %d segments after %d", p.Name, en.how,
					len(en.words.kept), words, en.words.segments.seen.used, segments)
			case more:
				kept++
			case en.how == numbered:
				not++
			}
		}
		if kept < 5 || not < 5 {
			t.Errorf("%s: words of %d executions are kept, of %d not", p.Name, kept, not)
		}
	}
}

// TestWordsRoom: of executions of any length no more words are kept than there is room for, of
// each at least one, and of what is too long the first ones.
func TestWordsRoom(t *testing.T) {
	w, rng := words{}, rand.New(rand.NewPCG(1, 1))
	long := make([]uint64, 2*sumWords)
	for i := range long {
		long[i] = uint64(i)
	}
	full := 0
	executions := 1000
	if testing.Short() {
		executions = 200
	}
	for n := range executions {
		length := 1 + rng.IntN(100)
		if n%3 == 0 {
			length = 1 + rng.IntN(len(long))
		}
		w.keep(long[:length])
		sum := 0
		for _, list := range w.kept {
			if len(list) == 0 || !slices.Equal(list, long[:len(list)]) {
				t.Fatalf("after %d executions: %d words, and not the first ones", n+1, len(list))
			}
			sum += len(list)
		}
		if sum != w.sum || sum > sumWords || len(w.kept) > maxWords {
			t.Fatalf("after %d executions: %d words of %d, want %d and no more than %d",
				n+1, sum, len(w.kept), w.sum, sumWords)
		}
		if sum > sumWords/2 {
			full++
		}
	}
	if full < executions/10 {
		t.Errorf("the room was used by half after %d of %d executions", full, executions)
	}
}

// TestArms: in a long run every arm of a program has executions, those that mutate find
// combinations and words to mutate, and in a workload there are setups of other bursts.
func TestArms(t *testing.T) {
	p, err := bench.Find("SafeStack")
	if err != nil {
		t.Fatal(err)
	}
	r := schedule.NewRunner(p.Schedule(bench.Threads))
	defer r.Close()
	en := New(1, Options{})
	for range 3000 {
		sample.Once(r, en)
	}
	for i := range en.arms {
		if a := &en.arms[i]; a.late > 0 && a.tried == 0 {
			t.Errorf("%s, %d: no execution of 3000", a.sampler, a.how)
		}
	}
	if en.combinations.len() < 10 || len(en.words.kept) == 0 {
		t.Errorf("%d combinations, %d words", en.combinations.len(), len(en.words.kept))
	}
	d := new(desk)
	w := schedule.NewRunner(d.program(0, 8))
	defer w.Close()
	en = New(1, Options{})
	for range 3000 {
		sample.Once(w, en)
	}
	for i := range en.arms {
		if a := &en.arms[i]; a.workload > 0 && a.tried == 0 {
			t.Errorf("%s, %d: no execution of 3000 of a workload", a.sampler, a.how)
		}
	}
	if len(en.burst.good) == 0 {
		t.Error("no setup is kept")
	}
}
