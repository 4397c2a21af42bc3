//go:build !gofuzz || libfuzzer

package target

import (
	"bytes"
	"context"
	"fmt"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// An engine has some seconds for one input, so minimizing within the target is bounded:
// cmd/minimize has all the time it wants.
var minimizing = triage.Options{Executions: 3_000, Nodes: 2_000}

// explaining is the most executions for why it fails: most failures take fewer.
const explaining = 20_000

// Report minimizes the failure of the last run, as far as that goes at once, and returns
// the report. Command is the next one to type.
func (x *Fuzzer) Report(command string) (Report, error) {
	tape := append(schedule.Tape(nil), x.runner.Taken()...)
	res, err := triage.Minimize(context.Background(), x.program.Schedule(), tape, minimizing)
	if err != nil {
		return Report{}, fmt.Errorf("%w\ntape %s\n%s", err, triage.TapeText(tape), command)
	}
	r := res.Report(triage.About{
		Versions: x.program.Versions, Patches: x.program.Patches, Command: command,
	})
	r.Explanation, err = triage.Explain(
		context.Background(), x.program.Schedule(), res.Final.Tape, 0, explaining)
	if err != nil {
		return Report{}, err
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		return Report{}, err
	}
	return Report{Title: r.Title, Text: text.String()}, nil
}
