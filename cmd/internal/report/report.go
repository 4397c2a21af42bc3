// Package report makes the whole report of a minimized failure, for every command that
// writes one: package triage knows executions and not which programs there are, and this
// adds what takes the list of them, the other variants and what the orders of the
// explanation come to there.
//
// [New] is all of it; [Formats] is how it can be written. It minimizes nothing and keeps no
// files: that is the business of the commands.
package report

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A Format is a way to write a report.
type Format struct {
	Name  string // as users say it
	Ext   string // of a file of it, with the dot
	Write func(*triage.Report, io.Writer) error
}

// Formats returns all formats, text first.
func Formats() []Format {
	return []Format{
		{"text", ".txt", (*triage.Report).WriteText},
		{"markdown", ".md", (*triage.Report).WriteMarkdown},
		{"json", ".json", (*triage.Report).WriteJSON},
		{"html", ".html", (*triage.Report).WriteHTML},
		{"delays", ".patch", (*triage.Report).WriteDelays},
	}
}

// Siblings returns the same program in its other variants; of one with store buffers that is not
// listed, with store buffers.
func Siblings(p program.Program) []program.Program {
	out := slices.DeleteFunc(kmodel.Programs(), func(q program.Program) bool {
		return q.Object != p.Object || q.Scenario != p.Scenario || q.Variant == p.Variant ||
			p.Unlisted && q.Order() != ""
	})
	if p.Unlisted {
		for i := range out {
			out[i] = out[i].With(p.Order())
		}
		out = slices.DeleteFunc(out, func(q program.Program) bool { return q.Variant == p.Variant })
	}
	return out
}

// New returns the report of a minimized failure of p, met with the kinds in mute muted.
// Executions is the most that finding out why it fails may take, for each variant, and
// how probable it is; 0 leaves that out.
func New(
	ctx context.Context, p program.Program, res *triage.Result, mute schedule.Kinds, executions int,
) (*triage.Report, error) {
	r := res.Report(about(p, res, mute))
	if executions == 0 {
		return r, nil
	}
	ex, err := triage.Explain(ctx, p.Schedule(), r.Tape, mute, executions)
	if err != nil {
		return nil, err
	}
	r.Explanation = ex
	if ex.Found {
		for _, q := range Siblings(p) {
			r.Elsewhere.Add(q.Variant, ex.In(ctx, q.Schedule(), executions))
		}
	}
	r.Chance, err = triage.ChanceOf(ctx, p.Schedule(), r.Tape, mute, executions)
	return r, err
}

// about is what the report says of the program.
func about(p program.Program, res *triage.Result, mute schedule.Kinds) triage.About {
	flag := ""
	if mute != 0 {
		flag = " -mute " + triage.KindsText(mute)
	}
	var variants []triage.Variant
	for _, q := range Siblings(p) {
		variants = append(variants, variant(q))
	}
	return triage.About{
		Variants:   variants,
		Versions:   p.Versions,
		Patches:    p.Patches,
		Mute:       mute,
		SourceFile: kmodel.SourceFile,
		Command: fmt.Sprintf("go run ./cmd/minimize -program %s%s %s",
			p.Name(), flag, triage.TapeText(res.Final.Tape)),
	}
}

// variant is what the report says of another variant.
func variant(p program.Program) triage.Variant {
	v := triage.Variant{Name: p.Variant, Versions: p.Versions, Patches: p.Patches}
	for _, then := range []bool{false, true} {
		for _, e := range p.Expect {
			kind := e.Kind.String()
			switch {
			case then != (e.Mute != 0), slices.Contains(v.Fails, kind), slices.Contains(v.Then, kind):
			case then:
				v.Then = append(v.Then, kind)
			default:
				v.Fails = append(v.Fails, kind)
			}
		}
	}
	return v
}
