package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A format is a way to write a report.
type format struct {
	name  string
	write func(*triage.Report, io.Writer) error
}

// formats are what -format takes. The first is the default.
var formats = []format{
	{"text", writeText},
	{"markdown", (*triage.Report).WriteMarkdown},
	{"json", (*triage.Report).WriteJSON},
	{"html", (*triage.Report).WriteHTML},
	{"delays", (*triage.Report).WriteDelays},
}

// formatNames lists them.
func formatNames() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// Set implements [flag.Value].
func (f *format) Set(name string) error {
	for _, known := range formats {
		if known.name == name {
			*f = known
			return nil
		}
	}
	return fmt.Errorf("no such format; there are: %s", formatNames())
}

// String implements [flag.Value].
func (f *format) String() string { return f.name }

// writeText writes plain text, in colour if somebody looks at it.
func writeText(r *triage.Report, w io.Writer) error {
	if colored(w) {
		return r.WriteTerminal(w)
	}
	return r.WriteText(w)
}

// colored reports whether w is a terminal that shows colours, and that nobody has asked
// not to (no-color.org).
func colored(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
