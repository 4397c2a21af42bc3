package main

import (
	"fmt"
	"io"
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
	{"text", (*triage.Report).WriteText},
	{"markdown", (*triage.Report).WriteMarkdown},
	{"html", (*triage.Report).WriteHTML},
	{"json", (*triage.Report).WriteJSON},
	{"delays", (*triage.Report).WriteDelays},
}

// formatNames lists them: "text, json".
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
