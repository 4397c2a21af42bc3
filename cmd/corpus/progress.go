package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// A progress is a line on standard error, if that is a terminal, which says how far long
// work has come. It goes by the count alone.
type progress struct {
	w         io.Writer // nil: not a terminal
	what      string
	at, total int // total 0: not known
}

// progressEvery is how many steps go by between two lines.
const progressEvery = 256

func (c *command) progress(what string, total int) *progress {
	if f, ok := c.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progress{w: f, what: what, total: total}
	}
	return &progress{}
}

// step counts one more.
func (p *progress) step() {
	p.at++
	if p.w == nil || p.at%progressEvery != 0 {
		return
	}
	if p.total == 0 {
		fmt.Fprintf(p.w, "\r%s %d", p.what, p.at)
	} else {
		fmt.Fprintf(p.w, "\r%s %d of %d", p.what, p.at, p.total)
	}
}

// done clears the line.
func (p *progress) done() {
	if p.w != nil && p.at >= progressEvery {
		fmt.Fprintf(p.w, "\r%60s\r", "")
	}
}
