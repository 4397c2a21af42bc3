package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"time"

	"github.com/kschedfuzz/kschedfuzz/internal/plural"
)

//go:embed page/page.html
var pageText string

//go:embed page/page.css
var pageStyle string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(pageStyle) },
	"number": func(n any) string { return number(integer(n)) },
	"count": func(n any, what string) string {
		return number(integer(n)) + " " + plural.Word(integer(n), what)
	},
	"were":  func(n any) string { return were(integer(n)) },
	"rate":  func(v float64) string { return number(int64(v + 0.5)) },
	"bytes": bytesText,
	"oneIn": oneIn,
	"time":  func(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") },
	"since": func(now, t time.Time) string { return span(now.Sub(t)) },
	"span":  func(s float64) string { return span(seconds(s)) },
	"percent": func(v float64) string {
		return strconv.FormatFloat(100*v, 'f', 1, 64) + " %"
	},
	"bound": func(s Stream) string {
		if s.Failures > 0 || s.Executions == 0 {
			return "none"
		}
		return "below " + oneIn(s.Bound)
	},
	"plot": plotOf,
	"sum":  sumOf,
}).Parse(pageText))

// writePage writes the status as a page in one file, which needs nothing from outside and
// no scripts. With refresh the browser asks for it again and again.
func (s *Status) writePage(w io.Writer, refresh bool) error {
	return page.Execute(w, struct {
		*Status
		Refresh bool
	}{s, refresh})
}

// integer returns the value of an int or an int64.
func integer(n any) int64 {
	if i, ok := n.(int); ok {
		return int64(i)
	}
	return n.(int64)
}

// number writes n with a space between thousands, which every language reads.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}

// span writes a duration in the two largest units that matter. Where a clock was set back it is 0.
func span(d time.Duration) string {
	s := max(0, int64(d.Seconds()))
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s%86400/3600)
}
