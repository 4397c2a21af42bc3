package sample

import "slices"

// Revision returns which code of the sampler of that name this is: 1 at first, and one more
// whenever the same seed decides otherwise than before. It goes with what was measured, so that
// it can be told of which code that is. It is 0 if there is no such sampler.
func Revision(name string) int {
	if !slices.Contains(Names(), name) {
		return 0
	}
	return max(1, revisions[name])
}

// revisions are those above 1, with what each changed. TestRevision tells when one must go up.
var revisions = map[string]int{
	// 2: the length of executions is what was met, and 50 of the first one only; the changes of
	// PCT have their priorities in the order in which they are drawn.
	"pct2": 2, "pct3": 2, "pct5": 2,
	"preemptions2": 2, "preemptions5": 2,

	// 3: the first thread can be passed over before the first step.
	"delays2": 3, "delays5": 3,
}
