// Package docs_test keeps the pages of this directory true: what they show of a command's
// output is what the command prints, their Go code is that of the repository, their tables
// are those of the models, and what they link to exists.
package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	_ "github.com/kschedfuzz/kschedfuzz/triage" // which the command is made of
)

var update = flag.Bool("update", false, "rewrite what the pages show")

// command begins a fenced block that is a command line and what it prints.
const command = "$ go run ./cmd/minimize "

// verdicts begins the comment above a table of verdicts: object and scenarios follow, one
// scenario for each column from the fourth on.
const verdicts = "<!-- verdicts: "

const fence = "```"

// races begins the name of the page of a race that is not among the four of the beginning.
const races = "races/"

// readers turn lines of a page into what they should be. lines[0] is the line that a reader
// is for; it returns how many lines it has read.
var readers = []struct {
	name   string
	prefix string
	read   func(t *testing.T, lines []string) (want []string, n int)
}{
	{"outputs", command, output},
	{"verdicts", verdicts, table},
	{"sources", source, declarations},
	{"excerpts", excerpt, lines},
	{"failing tests", without, failing},
	{"tests", goTest, tests},
	{"messages", messagesMark, messages},
	{"primitives", primitivesMark, primitives},
	{"catalogue", catalogueMark, catalogue},
	{"signatures", signaturesMark, signatures},
}

// must has what a page has at least one of, so that a page whose marks are broken does not
// look true. A page that is not here is one of a race.
var must = map[string][]string{
	"README.md":       {},
	"model.md":        {"outputs", "verdicts", "sources", "excerpts", "failing tests", "tests", "messages"},
	"primitives.md":   {"primitives"},
	"catalogue.md":    {"catalogue"},
	"signatures.md":   {"signatures"},
	"how-it-works.md": {},
	"figures.md":      {},
	"comparison.md":   {},
	"continuous.md":   {},
}

// slow are the pages that a test in a hurry (-short) leaves out, besides those in races/.
var slow = []string{"kthread_use_mm.md", "lookup_ioctx.md", "signatures.md", "list_lru.md"}

// pages returns the names of all pages but those of the benchmark.
func pages(t *testing.T) (names []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", races + "*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) < 2 {
			t.Fatalf("pages %s: %v, %v", pattern, found, err)
		}
		names = append(names, found...)
	}
	return names
}

func TestPages(t *testing.T) {
	sources, err := filepath.Glob("../cmd/minimize/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("cmd/minimize: %v, %v", sources, err)
	}
	depend(sources...)
	depend("../cmd/internal/report/report.go")
	for _, page := range pages(t) {
		t.Run(page, func(t *testing.T) {
			switch {
			case !testing.Short():
			case page == "model.md":
				t.Skip("it runs tests of its own")
			case strings.HasPrefix(page, races) || slices.Contains(slow, page):
				t.Skip("it makes reports for long")
			}
			check(t, page)
		})
	}
}

// check compares a page with what it should be.
func check(t *testing.T, page string) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	var want []string
	seen := map[string]int{}
	for at := 0; at < len(lines); {
		got, n := lines[at:at+1], 1
		for _, r := range readers {
			if strings.HasPrefix(lines[at], r.prefix) {
				seen[r.name]++
				got, n = r.read(t, lines[at:])
				compare(t, page, at+1, lines[at:at+n], got)
			}
		}
		want = append(want, got...)
		at += n
	}
	names, ok := must[page]
	if !ok {
		names = []string{"outputs", "verdicts"}
	}
	for _, name := range names {
		if seen[name] == 0 {
			t.Errorf("%s: no %s found", page, name)
		}
	}
	if text := strings.Join(want, "\n"); *update && text != string(data) {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSampleOfReadme compares the report in README.md with what minimize prints, from the stacks on
// to the signature: the middle of the interleaving is left out, and how to repeat it.
func TestSampleOfReadme(t *testing.T) {
	const file, from = "cmd/minimize/testdata/golden/aio-1d-freed-under-lookup.txtar", "    failed: "
	lines := readLines(t, "../README.md")
	begin := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, from) })
	if begin < 0 {
		t.Fatal("README.md: no report")
	}
	n := slices.IndexFunc(lines[begin:], func(l string) bool {
		return l != "" && !strings.HasPrefix(l, "    ")
	})
	var sample []string
	for _, l := range lines[begin : begin+n-1] {
		sample = append(sample, strings.TrimPrefix(l, "    "))
	}
	out, _ := output(t, []string{command + file, fence})
	want := out[slices.IndexFunc(out, func(l string) bool { return strings.HasPrefix(l, from[4:]) }):]
	end := slices.IndexFunc(want, func(l string) bool { return strings.HasPrefix(l, "signature ") })
	compare(t, "README.md", begin+1, sample, want[:end+1])
}

// TestCountsOfReadme compares the table of spaces with the golden numbers that it is from.
func TestCountsOfReadme(t *testing.T) {
	const golden, scenario = "../kmodel/fs/aio/testdata/counts.txt", "io_getevents-vs-io_destroy@"
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	spaces := map[string]string{}
	for _, block := range strings.Split(string(data), "\n"+scenario)[1:] {
		name, rest, _ := strings.Cut(block, ": ")
		spaces[name] = rest
	}
	rows := 0
	for _, row := range regexp.MustCompile(`(?m)^\| (1\S+) \| .*`).FindAllStringSubmatch(string(readme), -1) {
		if want := space(t, row[1], spaces[row[1]]); row[0] != want {
			t.Errorf("README.md:\n%s\nwant\n%s", row[0], want)
		}
		rows++
	}
	if rows == 0 {
		t.Error("README.md: no table of spaces")
	}
}

// space returns the row of README.md for a variant and what the golden file has of it.
func space(t *testing.T, variant, golden string) string {
	of := func(outcome string) []int {
		var n [4]int
		_, counts, _ := strings.Cut(golden, outcome)
		if _, err := fmt.Sscanf(strings.TrimLeft(counts, " ["), "%d %d %d %d",
			&n[0], &n[1], &n[2], &n[3]); err != nil {
			t.Errorf("%s, %s: %v", variant, outcome, err)
		}
		return n[:]
	}
	all, pass := of("\tall "), of("\tpass ")
	var executions, failing []string
	for i, n := range all {
		executions = append(executions, group(n, ' '))
		failing = append(failing, group(n-pass[i], ' '))
	}
	states, _ := strconv.Atoi(strings.Fields(golden + " ?")[0])
	return fmt.Sprintf("| %s | %s | %s | %s |", variant, group(states, ','),
		strings.Join(executions, ", "), strings.Join(failing, ", "))
}

// group writes a number below a million with a separator of thousands.
func group(n int, sep byte) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d%c%03d", n/1000, sep, n%1000)
}

// target is what a link of a page leads to, less the place in it.
var target = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)|(?m)^\[[^]]+\]: (\S+)$`)

// TestLinks checks that what is linked to in the repository is there.
func TestLinks(t *testing.T) {
	for _, page := range append(pages(t), "../README.md") {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range target.FindAllStringSubmatch(string(data), -1) {
			to := m[1] + m[2]
			if strings.Contains(to, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), to)); err != nil {
				t.Errorf("%s links to %s: %v", page, to, err)
			}
		}
	}
}

// TestTitles checks that a page begins with its title, and not with what belongs below.
func TestTitles(t *testing.T) {
	for _, page := range append(pages(t), "../README.md", "benchmark/README.md") {
		if first := readLines(t, page)[0]; !strings.HasPrefix(first, "# ") {
			t.Errorf("%s:1: no title but %q", page, first)
		}
	}
}

// TestColumns checks that prose fits beside other prose. What is generated, tables and
// blocks are as wide as they are.
func TestColumns(t *testing.T) {
	for _, page := range pages(t) {
		fenced, made := false, false
		for i, line := range readLines(t, page) {
			switch {
			case strings.HasPrefix(line, fence):
				fenced = !fenced
			case line == primitivesMark || line == catalogueMark:
				made = true
			case fenced || made || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "<!--"):
			case utf8.RuneCountInString(line) > 100:
				t.Errorf("%s:%d: %d columns", page, i+1, utf8.RuneCountInString(line))
			}
		}
	}
}

// compare reports the first line that differs.
func compare(t *testing.T, page string, line int, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) || *update {
		return
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	at := func(s []string) string {
		if i < len(s) {
			return s[i]
		}
		return "(nothing)"
	}
	t.Errorf("%s:%d: stale; go test ./docs -update rewrites it\n got %s\nwant %s",
		page, line+i, at(got), at(want))
}

// output runs a command. Its output reaches to the end of the fenced block.
func output(t *testing.T, lines []string) ([]string, int) {
	end := slices.Index(lines, fence)
	if end < 0 {
		t.Fatalf("no end of the block of %s", lines[0])
	}
	args := strings.Fields(strings.TrimPrefix(lines[0], command))
	depend(filepath.Join("..", args[len(args)-1])) // a file, or a tape
	cmd := exec.Command(built, args...)
	cmd.Dir = ".."
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", lines[0], err, stderr.Bytes())
	}
	text := strings.TrimSuffix(stdout.String(), "\n")
	return append([]string{lines[0]}, strings.Split(text, "\n")...), end
}

// depend has the result of the test cached for as long only as the files stay as they are:
// the go command knows the packages that a test imports, and the files that it looks at.
func depend(files ...string) {
	for _, file := range files {
		os.Stat(file)
	}
}

// built is the command, which TestMain builds.
var built string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "minimize")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "minimize")
	out, err := exec.Command("go", "build", "-o", built, "../cmd/minimize").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "building cmd/minimize: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// table fills in a table: the name of a variant, the kernels that have it, what it is (this
// column is the author's), and its verdict in every scenario of the comment.
func table(t *testing.T, lines []string) ([]string, int) {
	words := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(lines[0], verdicts), "-->"))
	object, scenarios := words[0], words[1:]
	const head = 4 // comment, empty line, titles, rule
	if len(lines) < head+1 || lines[1] != "" {
		t.Fatalf("%s: want an empty line and a table", lines[0])
	}
	want := slices.Clone(lines[:head])
	var listed []string
	n := head
	for ; n < len(lines) && strings.HasPrefix(lines[n], "|"); n++ {
		cells := strings.Split(strings.Trim(lines[n], "|"), "|")
		name := strings.Trim(cells[0], " `")
		if len(cells) < 3 {
			t.Fatalf("%q: want at least three columns", lines[n])
		}
		versions, fails := "", ""
		for _, sc := range scenarios {
			p, err := kmodel.Find(object + "/" + sc + "@" + name)
			if err != nil || p.Unlisted { // some scenarios have variants of their own
				fails += " |"
				continue
			}
			versions = p.Versions
			fails += " " + verdict(p.Expect) + " |"
		}
		if versions == "" {
			t.Fatalf("%s: no scenario has the variant %s", lines[0], name)
		}
		about := strings.TrimSpace(cells[2])
		want = append(want, "| `"+name+"` | "+versions+" | "+about+" |"+fails)
		listed = append(listed, name)
	}
	// A variant that is not in the table never fails in its scenarios.
	for _, p := range kmodel.Programs() {
		if p.Object == object && slices.Contains(scenarios, p.Scenario) &&
			!slices.Contains(listed, p.Variant) && p.Racy() {
			t.Errorf("%s: %s fails and is not in the table", lines[0], p.Name())
		}
	}
	return want, n
}

// verdict writes how a program fails: kinds with the fewest preemptions, and after "then"
// those that show when the kernel goes on after what is muted.
func verdict(expect []program.Expect) string {
	var as, then []string
	for _, e := range expect {
		text := fmt.Sprintf("%s %d", e.Kind, e.Preemptions)
		if e.Mute == 0 {
			as = append(as, text)
		} else if !contains(expect, e.Kind, e.Preemptions) {
			then = append(then, text)
		}
	}
	if len(as)+len(then) == 0 {
		return "none"
	}
	if len(then) == 0 {
		return strings.Join(as, ", ")
	}
	return strings.Join(as, ", ") + "; then " + strings.Join(then, ", ")
}

// contains reports whether a program fails so with nothing muted.
func contains(expect []program.Expect, k schedule.Kind, preemptions int) bool {
	return slices.Contains(expect, program.Expect{Kind: k, Preemptions: preemptions})
}
