package main

import (
	"fmt"
	"io"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/schedule/explore"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// replay prints the one execution that a tape stands for, whether it fails or not.
func (c *command) replay(w io.Writer, programs []kernelProgram) (int, error) {
	if len(programs) != 1 {
		return 0, fmt.Errorf("-tape: %d programs, but a tape is for one", len(programs))
	}
	p := programs[0]
	r := schedule.NewRunner(p.Schedule())
	defer r.Close()
	r.Mute = c.mute
	tr, err := r.Replay(c.tape.Canonical())
	if err != nil {
		return 0, fmt.Errorf("-tape: %w", err)
	}
	res := tr.Result
	fmt.Fprintf(w, "%s (%s): %s\n  tape %s: %s, %s\n\n", p.Name(), p.Versions,
		explore.CategoryOf(res), triage.TapeText(tr.Tape), count(res.Preemptions, "preemption"),
		count(res.Steps, "step"))
	if err := tr.WriteColumns(w, schedule.ColumnsWidth); err != nil {
		return 0, err
	}
	if res.Outcome == schedule.Fail {
		return exitFailed, nil
	}
	return exitDone, nil
}
