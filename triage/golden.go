package triage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// MaxGolden is the largest golden file that is read, in bytes. The trace of an
// execution of 300 steps has a tenth of it.
const MaxGolden = 1 << 18

// A Golden is a failing execution as a file: a txtar archive that cmd/minimize
// writes, a person can edit, and a test reads back and checks.
//
//	KASAN: use-after-free in lookup_ioctx
//
//	Any text, such as what the race is about.
//	-- program --
//	fs/aio/io_getevents-vs-io_destroy@1e
//	-- schedule --
//	0010000100001
//	-- mute --
//	refcount-resurrect,double-release
//	-- want --
//	v2 use-after-free lookup_ioctx free_ioctx
//	-- trace --
//	     io_getevents          io_destroy
//	     ...
//
// The section mute is left out if nothing is muted.
type Golden struct {
	Title   string // the first line
	Comment string // the text below it, without blank lines around it
	Program string
	Tape    schedule.Tape
	Mute    schedule.Kinds
	Want    Signature
	Trace   string // as [schedule.Trace.WriteColumns] draws it
}

// sections are the files of the archive in their order; mute is optional.
var sections = []string{"program", "schedule", "mute", "want", "trace"}

// NewGolden returns the golden of the failure that tr shows with the given
// kinds muted. Like a report it must be made before the runner runs again.
func NewGolden(tr *schedule.Trace, mute schedule.Kinds) Golden {
	r := NewReport(tr, About{})
	return Golden{
		Title: r.Title, Program: r.Program, Tape: r.Tape, Mute: mute,
		Want: r.Signature, Trace: r.Columns,
	}
}

// WriteTo writes g as a file that [ParseGolden] reads back as g. A golden that
// cannot be written so, such as one with a section marker in its comment, is an
// error.
func (g Golden) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	b.WriteString(g.Title + "\n")
	if g.Comment != "" {
		b.WriteString("\n" + g.Comment + "\n")
	}
	for _, name := range sections {
		body := g.section(name)
		if name == "mute" && body == "" {
			continue
		}
		fmt.Fprintf(&b, "-- %s --\n%s\n", name, strings.TrimSuffix(body, "\n"))
	}
	back, err := ParseGolden("golden", b.Bytes())
	if err == nil && !back.equal(g) {
		err = errors.New("golden: not read back as it was written")
	}
	if err != nil {
		return 0, err
	}
	return b.WriteTo(w)
}

func (g Golden) equal(o Golden) bool {
	same := shortlex(g.Tape.Canonical(), o.Tape.Canonical()) == 0
	g.Tape, o.Tape = nil, nil
	return same && reflect.DeepEqual(g, o)
}

func (g Golden) section(name string) string {
	switch name {
	case "program":
		return g.Program
	case "schedule":
		return TapeText(g.Tape)
	case "mute":
		return KindsText(g.Mute)
	case "want":
		return g.Want.String()
	}
	return g.Trace
}

// ReadGolden reads the golden file of that name. An error names file and line.
func ReadGolden(file string) (Golden, error) {
	f, err := os.Open(file)
	if err != nil {
		return Golden{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxGolden+1))
	if err != nil {
		return Golden{}, err
	}
	return ParseGolden(file, data)
}

// IsGolden reports whether data looks like a golden file, whole or not, rather
// than anything else that cmd/minimize reads.
func IsGolden(data []byte) bool {
	return bytes.Contains(data, []byte("\n-- program --\n"))
}

// ParseGolden reads data strictly: what is missing, not known, out of order or
// no tape is an error that begins with "file:line:". It does not know the
// program, so whether the tape fits is for [Golden.Check] to say.
func ParseGolden(file string, data []byte) (Golden, error) {
	p := goldenParser{file: file}
	if len(data) > MaxGolden {
		return Golden{}, p.errorf("larger than the limit of %d bytes", MaxGolden)
	}
	if len(data) == 0 || data[len(data)-1] != '\n' {
		p.line = bytes.Count(data, []byte("\n"))
		return Golden{}, p.errorf("the file is truncated: the last line has no end")
	}
	p.lines = strings.Split(string(data[:len(data)-1]), "\n")
	err := p.parse()
	return p.golden, err
}

// goldenParser goes through the lines once. line counts those that are read,
// so it is the number of the one read last.
type goldenParser struct {
	file   string
	lines  []string
	line   int
	golden Golden
}

func (p *goldenParser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", p.file, max(p.line, 1), fmt.Errorf(format, args...))
}

// marker returns the name of the section that line begins.
func marker(line string) (name string, ok bool) {
	rest, begins := strings.CutPrefix(line, "-- ")
	name, ends := strings.CutSuffix(rest, " --")
	return name, begins && ends
}

// body returns the lines up to the next section.
func (p *goldenParser) body() string {
	from := p.line
	for p.line < len(p.lines) {
		if _, next := marker(p.lines[p.line]); next {
			break
		}
		p.line++
	}
	return strings.Join(p.lines[from:p.line], "\n")
}

func (p *goldenParser) parse() error {
	head := p.body()
	title, comment, _ := strings.Cut(head, "\n")
	p.golden.Title = title
	p.golden.Comment = strings.Trim(comment, "\n")
	if title == "" {
		p.line = 1
		return p.errorf("the first line is empty, want the title")
	}
	for _, want := range sections {
		name := ""
		if p.line < len(p.lines) {
			name, _ = marker(p.lines[p.line])
		}
		if want == "mute" && name != want {
			continue
		}
		if p.line == len(p.lines) {
			return p.errorf("the file is truncated: there is no section %q", want)
		}
		p.line++
		if name != want {
			return p.errorf("section %q, want %q", name, want)
		}
		if err := p.parseSection(name); err != nil {
			return err
		}
	}
	if p.line < len(p.lines) {
		p.line++
		return p.errorf("another section after the last")
	}
	return nil
}

func isNewline(r rune) bool { return r == '\n' }

func (p *goldenParser) parseSection(name string) error {
	text := p.body()
	if name == "trace" {
		if p.golden.Trace = text + "\n"; text == "" {
			return p.errorf("section %q is empty", name)
		}
		return nil
	}
	if text == "" || strings.Contains(text, "\n") {
		return p.errorf("section %q has %s, want 1", name,
			count(len(strings.FieldsFunc(text, isNewline)), "line"))
	}
	var err error
	switch g := &p.golden; name {
	case "program":
		g.Program = text
	case "schedule":
		g.Tape, err = schedule.Parse(text)
		g.Tape = g.Tape.Canonical()
	case "mute":
		g.Mute, err = ParseKinds(text)
	case "want":
		g.Want, err = ParseSignature(text)
	}
	if err != nil {
		return p.errorf("%w", err)
	}
	return nil
}

// ParseKinds reads names of kinds with commas between them:
// "refcount-resurrect,double-release".
func ParseKinds(text string) (schedule.Kinds, error) {
	var set schedule.Kinds
	for name := range strings.SplitSeq(text, ",") {
		k, ok := schedule.ParseKind(name)
		if !ok {
			return 0, fmt.Errorf("%q is no kind of failure; there are: %s",
				name, KindsText(schedule.Warnings))
		}
		if !schedule.Warnings.Has(k) {
			return 0, fmt.Errorf("nobody goes on after %s; one may after: %s",
				k, KindsText(schedule.Warnings))
		}
		set |= schedule.KindSet(k)
	}
	return set, nil
}

// KindsText writes a set of kinds such that [ParseKinds] reads it again. The
// empty set is the empty text.
func KindsText(set schedule.Kinds) string { return strings.Join(set.Names(), ",") }

// Replay runs g on r, whose program should be the one that g names, and records
// it. It is an error if the tape does not fit the program, and a
// [NotReproducedError] if it does not fail as g wants it to. In either case there
// is a trace.
func (g Golden) Replay(r *schedule.Runner) (*schedule.Trace, error) {
	r.Mute = g.Mute
	tr, err := r.Replay(g.Tape)
	if err != nil {
		return tr, err
	}
	if got := Of(tr); got != g.Want {
		return tr, &NotReproducedError{
			Program: g.Program, Tape: g.Tape, Result: tr.Result, Got: got, Want: g.Want,
		}
	}
	return tr, nil
}

// Check replays g on p and compares the signature and then, line by line, the
// trace. The error names the first line that differs.
func (g Golden) Check(p schedule.Program) error {
	if p.Name != g.Program {
		return fmt.Errorf("golden of program %q, not %q", g.Program, p.Name)
	}
	r := schedule.NewRunner(p)
	defer r.Close()
	tr, err := g.Replay(r)
	if err != nil {
		return err
	}
	got := strings.Split(NewGolden(tr, g.Mute).Trace, "\n")
	want := strings.Split(g.Trace, "\n")
	for i := range max(len(got), len(want)) {
		var a, b string
		if i < len(got) {
			a = got[i]
		}
		if i < len(want) {
			b = want[i]
		}
		if a != b {
			return fmt.Errorf("%s: tape %s: trace line %d: got %q, want %q",
				g.Program, TapeText(g.Tape), i+1, a, b)
		}
	}
	return nil
}
