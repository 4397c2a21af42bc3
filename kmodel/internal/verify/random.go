package verify

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/schedule/sample"
)

// States earns the state hash for programs: see [explore.CheckStates]. It compares so many
// pairs of each, and a thirtieth with -short.
func States(t *testing.T, pairs int, programs ...schedule.Program) {
	if testing.Short() {
		pairs /= 30
	}
	for _, p := range programs {
		n, err := explore.CheckStates(p, pairs, 1)
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if n < pairs {
			t.Errorf("%s: only %d pairs compared, want %d", p.Name, n, pairs)
		}
	}
}

// States earns the state hash for the fixed programs but for those that skip names, as Fixed
// has it, and for every workload in the setups that the digits choose, see [NewScript].
func (s Suite) States(t *testing.T, skip func(program.Program) bool, setups ...string) {
	States(t, 400, s.Fixed(skip)...)
	for _, p := range s.Programs {
		for _, digits := range setups {
			if p.Workload {
				States(t, 400, Scripted(p, digits))
			}
		}
	}
}

// Scripted is a workload with the choices that it makes before its first step made.
func Scripted(p program.Program, digits string) schedule.Program {
	return schedule.Program{Name: p.Name() + " " + digits, New: func() func(*schedule.Exec) {
		in, script := p.New(), NewScript(digits)
		in.Script(script.Choose)
		return script.Before(in.Begin)
	}}
}

// Fixed returns the fixed programs but for those that skip names: a program of a single
// thread has no two ways to any state.
func (s Suite) Fixed(skip func(program.Program) bool) []schedule.Program {
	var out []schedule.Program
	for _, p := range s.Programs {
		if !p.Workload && (skip == nil || !skip(p)) {
			out = append(out, p.Schedule())
		}
	}
	return out
}

// A Script is digits for the choices that a workload makes before its first step. After
// its end all are 0.
type Script struct {
	digits string
	at     int
}

// NewScript returns a script of decimal digits.
func NewScript(digits string) *Script { return &Script{digits: digits} }

// Choose takes the next digit. It panics if that is none of the n alternatives.
func (s *Script) Choose(_ *schedule.Exec, n int) int {
	s.at++
	if s.at > len(s.digits) {
		return 0
	}
	d := int(s.digits[s.at-1] - '0')
	if d >= n {
		panic(fmt.Sprintf("verify: digit %d of the script %s is %d, and there are %d alternatives",
			s.at, s.digits, d, n))
	}
	return d
}

// Before returns begin, starting the script anew each time. It panics if begin leaves digits over.
func (s *Script) Before(begin func(*schedule.Exec)) func(*schedule.Exec) {
	return func(e *schedule.Exec) {
		s.at = 0
		begin(e)
		if s.at < len(s.digits) {
			panic(fmt.Sprintf("verify: there are %d choices for the script %s", s.at, s.digits))
		}
	}
}

// fewer returns n with -short, and 1 without.
func fewer(n int) int {
	if testing.Short() {
		return n
	}
	return 1
}

// randomTape returns a tape of n digits of which one in sparse is not 0.
func randomTape(rng *rand.Rand, n, sparse int) schedule.Tape {
	s := make(schedule.Tape, n)
	for i := range s {
		if rng.IntN(sparse) == 0 {
			s[i] = uint8(rng.IntN(16))
		}
	}
	return s
}

// Determinism runs random tapes of every program twice in one runner, and in another
// runner at another GOMAXPROCS. With -short they are a third as many.
func (s Suite) Determinism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, p := range s.Programs {
		rng := rand.New(rand.NewPCG(7, 7))
		tapes := make([]schedule.Tape, 50/fewer(3))
		states := make([]schedule.State, len(tapes))
		taken := make([]schedule.Tape, len(tapes))
		runtime.GOMAXPROCS(1)
		r := schedule.NewRunner(p.Schedule())
		for i := range tapes {
			tapes[i] = randomTape(rng, 200, 1+i%8)
			if err := r.CheckDeterminism(tapes[i]); err != nil {
				t.Error(err)
			}
			states[i], taken[i] = r.Exec().State(), slices.Clone(r.Taken())
		}
		r.Close()
		runtime.GOMAXPROCS(4)
		r = schedule.NewRunner(p.Schedule())
		for i, s := range tapes {
			if r.RunTape(s); r.Exec().State() != states[i] || !slices.Equal(r.Taken(), taken[i]) {
				t.Errorf("%s: tape %q: two runners end in different states", p.Name(), s)
			}
		}
		r.Close()
	}
}

// Workloads samples every workload. In so many runs every kind of the table is found, so
// that an oracle that is off does not look like a clean result. Variants that must never fail
// do not in half as many (a fortieth with -short). Samplers take turns, with
// random tapes among them: none is good at everything.
func (s Suite) Workloads(t *testing.T, runs int) {
	for _, p := range s.Programs {
		if p.Workload {
			t.Run(p.Variant, func(t *testing.T) { draw(t, p, runs) })
		}
	}
}

func draw(t *testing.T, p program.Program, runs int) {
	switch {
	case p.Racy():
	case testing.Short():
		runs /= 40
	default:
		runs /= 2
	}
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	samplers := []sample.Sampler{
		sample.NewPCT(1, 3), sample.NewPOS(2), sample.NewPCT(3, 5), sample.NewSURW(4),
	}
	kinds := map[schedule.Kind]int{}
	for i := 0; i < runs && !(p.Racy() && found(p, kinds)); i++ {
		var res schedule.Result
		if s := samplers[i/2%len(samplers)]; i%2 == 0 {
			res = sample.Once(r, s)
		} else {
			res = r.RunTape(randomTape(rng, 150, 1+i%12))
		}
		switch res.Outcome {
		case schedule.Invalid:
			t.Fatalf("tape %q: %s after %d steps", r.Taken(), res.Reason, res.Steps)
		case schedule.Fail:
			if kinds[res.Failure.Kind]++; !p.Racy() {
				t.Fatalf("it is not among the expected ones that fail, and fails: %v: "+
					"go run ./cmd/minimize -program %s %s", res.Failure.Kind, p.Name(), r.Taken())
			}
		}
	}
	if !found(p, kinds) {
		t.Errorf("found %v in %d runs, want each of %v", kinds, runs, p.Expect)
	}
}

// found reports whether all kinds that p is expected to fail with are among kinds.
func found(p program.Program, kinds map[schedule.Kind]int) bool {
	for _, e := range p.Expect {
		if kinds[e.Kind] == 0 {
			return false
		}
	}
	return true
}

// Allocs checks that a warm run allocates nothing, failing runs included. With -short it looks at
// a quarter of the runs.
func (s Suite) Allocs(t *testing.T) {
	for _, p := range s.Programs {
		r := schedule.NewRunner(p.Schedule())
		rng := rand.New(rand.NewPCG(3, 3))
		tapes := make([]schedule.Tape, 50/fewer(4))
		for i := range tapes {
			tapes[i] = randomTape(rng, 150, 1+i%8)
			r.RunTape(tapes[i])
		}
		i := 0
		if n := testing.AllocsPerRun(2*len(tapes), func() {
			r.RunTape(tapes[i%len(tapes)])
			i++
		}); n != 0 {
			t.Errorf("%s: %v allocations a run", p.Name(), n)
		}
		r.Close()
	}
}
