package triage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/kschedfuzz/kschedfuzz/triage"
)

// A pageDoc is a page as a browser would read it.
type pageDoc struct {
	root *html.Node
	ids  map[string]*html.Node
}

func parsePage(t *testing.T, r *triage.Report) *pageDoc {
	t.Helper()
	var out bytes.Buffer
	if err := r.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	d := &pageDoc{root, map[string]*html.Node{}}
	for n := range root.Descendants() {
		if id := attr(n, "id"); id != "" {
			if d.ids[id] != nil {
				t.Errorf("id %q twice", id)
			}
			d.ids[id] = n
		}
	}
	return d
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text returns the text below n, without scripts and styles.
func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if p := c.Parent.Data; c.Type == html.TextNode && p != "script" && p != "style" {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// byClass returns the first node below n with the class.
func byClass(n *html.Node, class string) *html.Node {
	for c := range n.Descendants() {
		if slices.Contains(strings.Fields(attr(c, "class")), class) {
			return c
		}
	}
	return nil
}

// What only a browser can tell, testdata/browser/check.mjs looks at.

func TestHTMLFacts(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) { missing(t, r, text(parsePage(t, r).root)) })
	}
}

// outsiders are elements that fetch something.
var outsiders = []string{"link", "img", "iframe", "object", "embed"}

// TestHTMLAlone: the page asks for nothing from outside, and its links lead somewhere.
func TestHTMLAlone(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			d := parsePage(t, r)
			for n := range d.root.Descendants() {
				if n.Type == html.ElementNode && slices.Contains(outsiders, n.Data) {
					t.Errorf("a %s", n.Data)
				}
				for _, a := range n.Attr {
					id, local := strings.CutPrefix(a.Val, "#")
					switch {
					case a.Key == "src", strings.HasPrefix(a.Key, "on"):
						t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
					case a.Key == "href" && (!local || d.ids[id] == nil):
						t.Errorf("link to %q", a.Val)
					case a.Key == "aria-labelledby" && d.ids[a.Val] == nil:
						t.Errorf("labelled by %q, which is not there", a.Val)
					}
				}
			}
			for _, word := range []string{"url(", "@import", "http:", "https:"} {
				for n := range d.root.Descendants() {
					if n.Type == html.TextNode && n.Parent.Data != "pre" && strings.Contains(n.Data, word) {
						t.Errorf("%q in %s", word, n.Parent.Data)
					}
				}
			}
		})
	}
}

// TestHTMLSteps looks for every step, and for the arrow of every order.
func TestHTMLSteps(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			d := parsePage(t, r)
			rows := 0
			for n := range d.root.Descendants() {
				if attr(n, "data-step") != "" {
					rows++
				}
			}
			if rows != len(r.Interleaving.Steps) {
				t.Errorf("%d rows, want %d", rows, len(r.Interleaving.Steps))
			}
			for _, s := range r.Interleaving.Steps {
				row := d.ids[fmt.Sprintf("step-%d", s.Step)]
				if row == nil {
					t.Errorf("no step %d", s.Step)
					continue
				}
				want := strings.Join(strings.Fields(s.Text), " ")
				if got := text(byClass(row, "what")); got != want {
					t.Errorf("step %d: %q, want %q", s.Step, got, want)
				}
			}
			arrows(t, d, r)
		})
	}
}

// arrows compares the arrows with the explanation: each begins with its number in the row
// of the one step, and has its head in the row of the other.
func arrows(t *testing.T, d *pageDoc, r *triage.Report) {
	var want, got []string
	end := fmt.Sprint("step-", 0)
	id := func(p *triage.Place) string {
		if p.Next {
			return end
		}
		return fmt.Sprint("step-", p.Step)
	}
	if ex := r.Explanation; ex != nil && ex.Found {
		for i, reason := range ex.Because {
			if reason.Of == 0 {
				want = append(want,
					fmt.Sprintf("%d from %s", i+1, id(&reason.Before)),
					fmt.Sprintf("%d to %s", i+1, id(&reason.After)))
			}
			li := d.ids[fmt.Sprint("order-", i+1)]
			if li == nil {
				t.Errorf("order %d is not in the list", i+1)
			} else if from := "step-" + attr(li, "data-from"); from != id(&reason.Before) {
				t.Errorf("order %d is listed from %s", i+1, from)
			}
		}
	}
	for n := range d.root.Descendants() {
		order := attr(n, "data-order")
		if order == "" || n.Data == "line" {
			continue
		}
		row := n
		for row.Data != "tr" {
			row = row.Parent
		}
		at := attr(row, "id")
		if at == "" {
			at = end
		}
		what := map[string]string{"circle": "from", "path": "to"}[n.Data]
		got = append(got, fmt.Sprintf("%s %s %s", order, what, at))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("arrows %v, want %v", got, want)
	}
}

// TestHTMLState plays the updates: at the end the slots hold what the page shows without
// them.
func TestHTMLState(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			d := parsePage(t, r)
			var updates struct {
				Start []string
				Steps [][]struct {
					S int
					T string
				}
			}
			if err := json.Unmarshal([]byte(d.ids["updates"].FirstChild.Data), &updates); err != nil {
				t.Fatal(err)
			}
			if got, want := len(updates.Steps), len(r.Interleaving.Steps)+1; got != want {
				t.Fatalf("updates for %d steps, want %d", got, want)
			}
			now := updates.Start
			for _, step := range updates.Steps {
				for _, u := range step {
					now[u.S] = u.T
				}
			}
			for i, want := range now {
				slot := d.ids[fmt.Sprint("v-", i)]
				if slot == nil {
					t.Errorf("no slot %d", i)
				} else if got := text(slot); got != want {
					t.Errorf("slot %d is %q at the end, the page shows %q", i, want, got)
				}
			}
		})
	}
}

// TestHTMLEscapes: what a report says is never markup.
func TestHTMLEscapes(t *testing.T) {
	r := *reports(t)["use-after-free"]
	evil := `</script><script>alert("1")</script><b onclick='x'>&amp;`
	r.Title, r.About.Patches, r.About.Command = evil, evil, evil
	it := *r.Interleaving
	it.Threads = slices.Clone(it.Threads)
	it.Threads[0].Name = evil
	it.Objects = slices.Clone(it.Objects)
	it.Objects[0].Name = evil
	r.Interleaving = &it
	d := parsePage(t, &r)
	scripts := 0
	for n := range d.root.Descendants() {
		if n.Data == "script" && n.Type == html.ElementNode {
			scripts++
		}
		if n.Data == "b" {
			t.Error("a tag of the text is one of the page")
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts, want 2", scripts)
	}
	if got := text(byName(d.root, "h1")); got != evil {
		t.Errorf("title %q", got)
	}
}

func byName(n *html.Node, name string) *html.Node {
	for c := range n.Descendants() {
		if c.Data == name {
			return c
		}
	}
	return nil
}

// TestContrast computes what WCAG asks of text: 4.5 to 1, on all backgrounds that it has.
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("page/page.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, ok := strings.Cut(string(css), "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("no dark colours")
	}
	dark, _, _ = strings.Cut(dark, "* {")
	for name, part := range map[string]string{"light": light, "dark": dark} {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w{6})`).FindAllStringSubmatch(part, -1) {
			colors[m[1]] = m[2]
		}
		for _, fg := range []string{"fg", "dim", "bad", "link", "t0", "t1", "t2", "t3", "t4", "t5"} {
			for _, bg := range []string{"bg", "soft", "pick"} {
				if c := contrast(t, colors[fg], colors[bg]); c < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f", name, fg, bg, c)
				}
			}
		}
		if c := contrast(t, colors["bad"], colors["badsoft"]); c < 4.5 {
			t.Errorf("%s: tags have a contrast of %.2f", name, c)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a)+.05, luminance(t, b)+.05
	return max(x, y) / min(x, y)
}

// luminance is the relative luminance of WCAG 2.1.
func luminance(t *testing.T, color string) float64 {
	n, err := strconv.ParseUint(color, 16, 32)
	if err != nil {
		t.Fatalf("color %q: %v", color, err)
	}
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		c := float64(n>>(16-8*i)&0xff) / 255
		if c <= .03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
