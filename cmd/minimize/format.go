package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/report"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A format is the value of -format.
type format report.Format

// formatNames lists what -format takes.
func formatNames() string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// Set implements [flag.Value].
func (f *format) Set(name string) error {
	for _, known := range report.Formats() {
		if known.Name == name {
			*f = format(known)
			return nil
		}
	}
	return fmt.Errorf("no such format; there are: %s", formatNames())
}

// String implements [flag.Value].
func (f *format) String() string { return f.Name }

// write writes r to w: text in colour, if somebody looks at it.
func (f *format) write(r *triage.Report, w io.Writer) error {
	if f.Name == report.Formats()[0].Name && colored(w) {
		return r.WriteTerminal(w)
	}
	return f.Write(r, w)
}

// colored reports whether w is a terminal that shows colours, and that nobody has asked
// not to (no-color.org).
func colored(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" &&
		term.IsTerminal(int(f.Fd()))
}
