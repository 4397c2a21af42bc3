// Package lockorder tells what is wrong with the order of locks of a program, for every command
// that looks at it: package lockdep knows the facts, and this runs them again, to name the steps.
package lockorder

import (
	"fmt"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A Report is a [lockdep.Report].
type Report struct {
	Title string   `json:"title"`
	Chain []string `json:"chain"` // classes of locks
	Facts []Fact   `json:"facts"`
}

// A Fact is a [lockdep.Fact], with an execution that shows it.
type Fact struct {
	Kind string `json:"kind"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	Text string `json:"text"` // who does that, and where
	Tape string `json:"tape"`
}

// Tell returns reports on p, which were met with the kinds in mute muted.
func Tell(p program.Program, mute schedule.Kinds, reports []lockdep.Report) (out []Report) {
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = mute
	for _, rep := range reports {
		told := Report{Title: rep.Title, Chain: rep.Chain}
		for _, f := range rep.Facts {
			tr, err := r.Replay(f.Tape)
			if err != nil {
				panic(err) // it has been run
			}
			told.Facts = append(told.Facts, Fact{
				f.Kind.String(), f.From, f.To, f.Describe(tr), triage.TapeText(f.Tape),
			})
		}
		out = append(out, told)
	}
	return out
}

// String returns the report in one line.
func (r Report) String() string { return r.Title + ": " + strings.Join(r.Chain, " -> ") }

// Lines returns what is said of a report below its title: the chain, and for each fact who shows
// it and the command that does. Flags are those of cmd/explore that the command needs besides.
func (r Report) Lines(program, flags string) []string {
	lines := []string{strings.Join(r.Chain, " -> ")}
	for _, f := range r.Facts {
		lines = append(lines, strings.Split(f.Text, ", ")...)
		lines = append(lines, fmt.Sprintf("  go run ./cmd/explore%s -tape %s %s", flags, f.Tape, program))
	}
	return lines
}
