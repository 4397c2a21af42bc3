//go:build gofuzz && !libfuzzer

package target

import (
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Report returns what is known of the failure of the last run without package triage, which
// go-fuzz-build cannot copy: it embeds files of other directories.
func (x *Fuzzer) Report(command string) (Report, error) {
	tape := append(schedule.Tape(nil), x.runner.Taken()...)
	res := x.runner.RunTape(tape)
	if res.Outcome != schedule.Fail {
		return Report{}, fmt.Errorf("%s: tape %s passes when it is run again", x.program.Name(), tape)
	}
	title := res.Failure.Kind.String()
	text := fmt.Sprintf("%s\n\nprogram %s\ntape %s\n\nto minimize and explain it:\n  %s\n",
		title, x.program.Name(), tape, command)
	return Report{title, text}, nil
}
