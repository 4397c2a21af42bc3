package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/report"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// The files of a report beside its formats.
const (
	bugFile    = "bug.json"     // a bug
	goldenFile = "golden.txtar" // as cmd/minimize -o writes it
	tapeFile   = "tape"         // the minimal tape as bytes, an input for every engine
	reportFile = "report"       // with the extension of the format
)

// A bug is one way in which a target fails: a signature. The exported fields never change
// and are kept beside its report, but for Count. One that is met again after its minimal tape
// passed becomes another bug, of the same signature.
type bug struct {
	Target     string    `json:"target"`
	Program    string    `json:"program"`
	Signature  string    `json:"signature"`
	Title      string    `json:"title"`
	Tape       string    `json:"tape"` // with which it was found, in digits
	Found      time.Time `json:"found"`
	Executions int64     `json:"executions"` // of the target, until then
	Count      int64     `json:"-"`          // executions that failed so

	target    *target
	signature triage.Signature
	active    bool             // has failed so since this process was started
	report    *triage.Document // nil: not made yet, or not readable
}

// regression reports whether the bug is in a program that must never fail.
func (b *bug) regression() bool { return !b.target.program.Racy() }

// unlisted reports whether the bug is in a program that is known to fail, and of another kind
// than those that it is known to fail with.
func (b *bug) unlisted() bool {
	listed := func(e program.Expect) bool { return e.Kind == b.signature.Kind }
	return !b.regression() && !slices.ContainsFunc(b.target.program.Expect, listed)
}

// name returns the name of the directory of the report.
func (b *bug) name() string {
	sig := b.signature
	return directory(b.Target, b.Signature, b.Target, sig.Kind.String(), sig.Func, sig.Other)
}

// directory returns the name of the directory of what a target and a text say, for people made of
// some words.
func directory(target, text string, words ...string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_.", r) || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
			return r
		}
		return '_'
	}, strings.Join(words, "-"))
	const most = 100
	hash := xxhash.Sum64String(target + " " + text)
	return fmt.Sprintf("%s-%08x", strings.Trim(name[:min(len(name), most)], "-"), uint32(hash))
}

// reportOn minimizes the bug and publishes its report. It returns other failures that were
// met on the way. If ctx is done first, nothing is published and that is an error.
func (s *store) reportOn(ctx context.Context, b *bug) ([]triage.Slip, error) {
	tape, err := schedule.Parse(b.Tape)
	if err != nil {
		return nil, err
	}
	p := b.target.program
	res, err := triage.Minimize(ctx, p.Schedule(), tape, triage.Options{Want: b.signature})
	if err != nil {
		return nil, err
	}
	r, err := report.New(ctx, p, &res, 0, triage.DefaultExplaining)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // what was explained may be less than there is
		return nil, ctx.Err()
	}
	files, err := filesOf(b, &res, r)
	if err != nil {
		return nil, err
	}
	if err := s.publish(failuresDir, b.name(), files); err != nil {
		return nil, err
	}
	b.target.mu.Lock()
	b.report = r.Document()
	b.target.mu.Unlock()
	return res.Slips, nil
}

// filesOf returns all files of a report.
func filesOf(b *bug, res *triage.Result, r *triage.Report) (map[string][]byte, error) {
	data, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		bugFile:  append(data, '\n'),
		tapeFile: res.Final.Tape.Bytes(),
	}
	var buf bytes.Buffer
	g := triage.NewGolden(res.Trace, 0)
	if _, err := g.WriteTo(&buf); err != nil {
		return nil, err
	}
	files[goldenFile] = bytes.Clone(buf.Bytes())
	for _, f := range report.Formats() {
		buf.Reset()
		if err := f.Write(r, &buf); err != nil {
			return nil, err
		}
		files[reportFile+f.Ext] = bytes.Clone(buf.Bytes())
	}
	return files, nil
}

// loadBugs reads the bugs of the given targets, by name, that are reported, and returns them by the
// name of the report. Whatever is wrong with a report is said, and is no error: the bug has no
// report then, if anything is known of it.
func (s *store) loadBugs(targets map[string]*target) (map[string]*bug, error) {
	names, err := s.reports(failuresDir)
	if err != nil {
		return nil, err
	}
	bugs := map[string]*bug{}
	for _, name := range names {
		b, err := loadBug(filepath.Join(s.dir, failuresDir, name))
		if b != nil && (targets[b.Target] == nil || b.name() != name) {
			continue // it is not fuzzed now, or a copy
		}
		if err != nil {
			s.unreadable(err)
		}
		if b != nil {
			b.target = targets[b.Target]
			bugs[name] = b
		}
	}
	return bugs, nil
}

// loadBug reads a report. With an error it returns what is known of the bug all the same, or nil.
func loadBug(dir string) (*bug, error) {
	b := &bug{}
	if err := readJSON(filepath.Join(dir, bugFile), b); err != nil {
		return nil, err
	}
	var err error
	if b.signature, err = triage.ParseSignature(b.Signature); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, bugFile), err)
	}
	r := &triage.Document{}
	name := filepath.Join(dir, reportFile+".json")
	if err := readJSON(name, r); err != nil {
		return b, err
	}
	if _, err := schedule.Parse(r.Tape); err != nil {
		return b, fmt.Errorf("%s: %w", name, err)
	}
	if r.Signature != b.Signature {
		return b, fmt.Errorf("%s: of another failure, %q", name, r.Signature)
	}
	for _, file := range reportFiles() {
		if _, err := readFile(filepath.Join(dir, file)); err != nil {
			return b, err
		}
	}
	b.report = r
	return b, nil
}

// check runs the minimal tape of a report again, or where there is none the one with which the bug
// was found, and notes whether it still fails so.
func (b *bug) check() {
	text := b.Tape
	if b.report != nil {
		text = b.report.Tape
	}
	if tape, err := schedule.Parse(text); err == nil {
		sig, _ := signatureOf(b.target, tape)
		b.active = sig == b.signature
	}
}

// signatureOf runs a tape and returns the signature and the title of its failure, if it
// fails.
func signatureOf(t *target, tape schedule.Tape) (triage.Signature, string) {
	r := schedule.NewRunner(t.program.Schedule())
	defer r.Close()
	var reader schedule.TapeReader
	reader.Reset(tape)
	tr := r.Record(&reader)
	if tr.Result.Outcome != schedule.Fail {
		return triage.Signature{}, ""
	}
	return triage.Of(tr), triage.Title(tr)
}
