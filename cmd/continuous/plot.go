package main

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"
)

// A plot is species over time as SVG, with text and lines in the colours of the page. It is
// drawn here since libraries for charts either need scripts on the page or write colours
// that do not change when the page is dark.
type plot struct {
	width, height             int
	left, right, top, bottom  int // margins, for what is written on the axes
	title                     string
	points                    []point
	lastSeconds, highestCount float64
}

// plotOf returns the plot of one target, small, or of all, large.
func plotOf(title string, points []point, large bool) template.HTML {
	p := plot{title: title, points: points}
	p.width, p.height = 260, 84
	p.left, p.right, p.top, p.bottom = 44, 6, 8, 18
	if large {
		p.width, p.height, p.left, p.top, p.bottom = 560, 206, 88, 18, 26
	}
	return template.HTML(p.svg())
}

// sumOf adds up the histories of all targets: a point whenever any has one.
func sumOf(targets []TargetStatus) []point {
	var times []float64
	for _, t := range targets {
		for _, p := range t.History {
			times = append(times, p.Seconds)
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	sum := make([]point, len(times))
	for _, t := range targets {
		i := 0
		last := point{}
		for k, at := range times {
			for i < len(t.History) && t.History[i].Seconds <= at {
				last = t.History[i]
				i++
			}
			sum[k].Seconds = at
			sum[k].Executions += last.Executions
			sum[k].Species += last.Species
		}
	}
	return sum
}

// svg draws the plot. Without points it is empty.
func (p *plot) svg() string {
	if len(p.points) == 0 {
		return ""
	}
	for _, q := range p.points {
		p.lastSeconds = max(p.lastSeconds, q.Seconds)
		p.highestCount = max(p.highestCount, float64(q.Species))
	}
	var b strings.Builder
	last := p.points[len(p.points)-1]
	fmt.Fprintf(&b, `<svg class="plot" viewBox="0 0 %d %d" role="img">`, p.width, p.height)
	fmt.Fprintf(&b, `<title>%s: %d species after %s</title>`,
		template.HTMLEscapeString(p.title), last.Species, span(seconds(last.Seconds)))
	for _, v := range []float64{0, p.highestCount} {
		y := p.y(v)
		fmt.Fprintf(&b, `<line class="axis" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`,
			p.left, p.width-p.right, y, y)
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			p.left-5, y+4, number(int64(v)))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d">0</text>`, p.left, p.height-3)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`,
		p.width-p.right, p.height-3, span(seconds(p.lastSeconds)))
	b.WriteString(`<polyline points="`)
	for i, q := range p.points {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%.1f,%.1f", p.x(q.Seconds), p.y(float64(q.Species)))
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}

func (p *plot) x(seconds float64) float64 {
	return scale(seconds, p.lastSeconds, float64(p.left), float64(p.width-p.right))
}

func (p *plot) y(species float64) float64 {
	return scale(species, p.highestCount, float64(p.height-p.bottom), float64(p.top))
}

// scale maps 0 to from and most to to.
func scale(v, most, from, to float64) float64 {
	if most == 0 {
		return from
	}
	return from + (to-from)*math.Min(v/most, 1)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
