package guided

import "github.com/kschedfuzz/kschedfuzz/schedule/sample"

// An arm is a way to run an execution: whose decisions it takes, and what is done to them.
type arm struct {
	sampler     string
	how         how
	early, late float64 // shares of the executions

	found, tried float64 // executions that came to a new memory state, and all, of late
}

// how says what is done to a sampler's decisions, besides keeping off what is spent.
type how uint8

const (
	plain      how = iota
	seldom         // at each decision, the alternative that was followed least
	back           // first the way to an entry of the corpus is repeated
	backSeldom     // both
	splice         // as back, and then what is left of the way to another entry
)

// table has the arms. The early shares are for small programs, most of which fail within a
// few executions, so that what is tried first matters most; they were chosen on every other
// program of package bench. The late ones are for variety, since which arm is needed for what
// differs from program to program: together they find in SafeStack in thousands of executions
// what each alone takes tens of thousands for. A workload begins with them: in a long
// execution of which the calls differ each time, PCT is the best of those that know nothing.
// They were chosen on SafeStack and on the workloads of the kernel models.
var table = []arm{
	{sampler: "surw", how: plain, early: 0.3, late: 0.12},
	{sampler: "rf", how: plain, early: 0.35, late: 0.12},
	{sampler: "walk", how: plain, early: 0.25, late: 0.08},
	{sampler: "walk", how: backSeldom, early: 0.1, late: 0.08},
	{sampler: "walk", how: seldom, late: 0.08},
	{sampler: "pos", how: back, late: 0.08},
	{sampler: "pct3", how: plain, late: 0.22},
	{sampler: "pct5", how: plain, late: 0.2},
	{sampler: "preemptions5", how: splice, late: 0.02},
}

const (
	// ramp is how many executions it takes from the early shares to the late ones.
	ramp = 256
	// floor is the part of its share that an arm keeps whatever it yields.
	floor = 0.25
	// remembered is how many executions of an arm its yield is of.
	remembered = 256
)

// share returns the arm's share of the executions, before it is known what it yields.
func (a *arm) share(late float64) float64 { return a.early + (a.late-a.early)*late }

// yield returns the chance that an execution comes to a new memory state. One is given to
// each arm at first.
func (a *arm) yield() float64 { return (a.found + 1) / (a.tried + 1) }

// pay is told whether an execution of the arm came to one.
func (a *arm) pay(fresh bool) {
	if a.tried >= remembered {
		a.found -= a.found / a.tried
		a.tried--
	}
	a.tried++
	if fresh {
		a.found++
	}
}

// spendOn draws the arm of the next execution.
func (en *Engine) spendOn() *arm {
	late := 1.0
	if !en.workload {
		late = min(1, float64(en.tally.executions.Load())/ramp)
	}
	sum := 0.0
	for i := range en.arms {
		sum += en.arms[i].share(late) * en.arms[i].yield()
	}
	x := float64(en.rng.Uint64()>>11) / (1 << 53)
	for i := range en.arms {
		a := &en.arms[i]
		if x -= a.share(late) * (floor + (1-floor)*a.yield()/sum); x < 0 {
			return a
		}
	}
	return &en.arms[0]
}

// samplers makes those of the table, one of each name.
func samplers(seed uint64) map[string]sample.Sampler {
	out := map[string]sample.Sampler{}
	for i, a := range table {
		if out[a.sampler] == nil {
			s, err := sample.New(a.sampler, seed*uint64(len(table))+uint64(i))
			if err != nil {
				panic(err)
			}
			out[a.sampler] = s
		}
	}
	return out
}
