package docs_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Marks of what is shown of the repository, each the line above an empty line and a fenced
// block.
const (
	// source is followed by a file and the declarations of it that the block shows, by
	// name: "package" is the clause and the imports.
	source = "<!-- go: "
	// excerpt is followed by a file that has the lines of the block, in this order. "..."
	// stands for lines in between.
	excerpt = "<!-- excerpt: "
	// without is followed by a file and a line of it. The block is a test, and what it
	// prints if the line is not there.
	without = "<!-- without: "
	// messagesMark is for a table, the first column of which is what programs say.
	messagesMark = "<!-- messages -->"
)

// goTest begins a fenced block that is a test and what it prints.
const goTest = "$ go test "

// block returns the arguments of a mark and where the block below it begins and ends: the
// fences themselves, counted from the mark.
func block(t *testing.T, mark string, lines []string) (arg string, begin, end int) {
	t.Helper()
	arg, ok := strings.CutSuffix(strings.TrimPrefix(lines[0], mark), " -->")
	if !ok || len(lines) < 4 || lines[1] != "" || !strings.HasPrefix(lines[2], fence) {
		t.Fatalf("%s: want the mark, an empty line and a fenced block", lines[0])
	}
	end = slices.Index(lines[3:], fence)
	if end < 0 {
		t.Fatalf("%s: the block has no end", lines[0])
	}
	return arg, 2, 3 + end
}

// declarations shows parts of a Go file.
func declarations(t *testing.T, lines []string) ([]string, int) {
	arg, begin, end := block(t, source, lines)
	words := strings.Fields(arg)
	parts := parse(t, words[0])
	want := slices.Clone(lines[:begin+1])
	last := -1
	for i, name := range words[1:] {
		at := slices.IndexFunc(parts, func(p part) bool { return slices.Contains(p.names, name) })
		if at < 0 {
			t.Fatalf("%s: no declaration of %s", words[0], name)
		}
		if i > 0 && !(at == last+1 && parts[at].close) {
			want = append(want, "")
		}
		last = at
		want = append(want, strings.Split(parts[at].text, "\n")...)
	}
	return append(want, fence), end + 1
}

// A part is a top-level declaration of a file with its comment.
type part struct {
	names []string
	text  string
	close bool // no empty line before it
}

func parse(t *testing.T, file string) []part {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, data, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	header := offset(f.Name.End())
	var parts []part
	for _, decl := range f.Decls {
		begin, end := decl.Pos(), offset(decl.End())
		var names []string
		var doc *ast.CommentGroup
		switch d := decl.(type) {
		case *ast.FuncDecl:
			names, doc = []string{funcName(d, parts)}, d.Doc
		case *ast.GenDecl:
			if doc = d.Doc; d.Tok == token.IMPORT {
				header = end
				continue
			}
			names = specs(d)
		}
		if doc != nil {
			begin = doc.Pos()
		}
		if line := bytes.IndexByte(data[end:], '\n'); line >= 0 {
			end += line // a comment behind it
		}
		text := data[offset(begin):end]
		close := !bytes.HasSuffix(data[:offset(begin)], []byte("\n\n"))
		parts = append(parts, part{names, string(text), close})
	}
	return append(parts, part{[]string{"package"}, string(data[:header]), false})
}

// funcName returns the name of a function, with its type before it if it is not the first
// method of that name.
func funcName(d *ast.FuncDecl, before []part) string {
	name := d.Name.Name
	if slices.ContainsFunc(before, func(p part) bool { return slices.Contains(p.names, name) }) {
		return strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*") + "." + name
	}
	return name
}

// specs returns the names that a declaration declares.
func specs(d *ast.GenDecl) []string {
	var names []string
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
		case *ast.ValueSpec:
			for _, n := range s.Names {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// TestWhole checks that a page that shows how a Go file begins shows all of it, so that who
// types in what the page shows has the file.
func TestWhole(t *testing.T) {
	files := 0
	for _, page := range pages(t) {
		shown := map[string][]string{}
		for _, line := range readLines(t, page) {
			if arg, ok := strings.CutPrefix(line, source); ok {
				words := strings.Fields(strings.TrimSuffix(arg, " -->"))
				shown[words[0]] = append(shown[words[0]], words[1:]...)
			}
		}
		for file, names := range shown {
			if !slices.Contains(names, "package") {
				continue
			}
			files++
			for _, p := range parse(t, file) {
				if !slices.ContainsFunc(p.names, func(n string) bool { return slices.Contains(names, n) }) {
					t.Errorf("%s: %s of %s is not shown", page, p.names[0], file)
				}
			}
		}
	}
	if files == 0 {
		t.Error("no page shows a file")
	}
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "\n")
}

// lines checks that a file has the lines of a block. It cannot mend the page.
func lines(t *testing.T, page []string) ([]string, int) {
	file, begin, end := block(t, excerpt, page)
	have := readLines(t, filepath.Join("..", file))
	for _, want := range page[begin+1 : end] {
		if strings.TrimSpace(want) == "..." {
			continue
		}
		at := slices.Index(have, want)
		if at < 0 {
			t.Errorf("the page shows a line that %s has not, or not there: %q; mend the page", file, want)
			break
		}
		have = have[at+1:]
	}
	return page[:end+1], end + 1
}

// tests runs a test as it is.
func tests(t *testing.T, page []string) ([]string, int) {
	end := slices.Index(page, fence)
	if end < 0 {
		t.Fatalf("no end of the block of %s", page[0])
	}
	return runTest(t, page[:end]), end
}

// failing runs a test with a line of the repository taken away.
func failing(t *testing.T, page []string) ([]string, int) {
	arg, begin, end := block(t, without, page)
	file, line, _ := strings.Cut(arg, " ")
	abs, err := filepath.Abs(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	text := readLines(t, abs)
	at := slices.IndexFunc(text, func(s string) bool { return strings.TrimSpace(s) == line })
	if at < 0 {
		t.Fatalf("%s has no line %q", file, line)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	text = slices.Delete(text, at, at+1)
	if err := os.WriteFile(changed, []byte(strings.Join(text, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	js, err := json.Marshal(map[string]any{"Replace": map[string]string{abs: changed}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, js, 0o644); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(page[begin+1], goTest) {
		t.Fatalf("%s: want %s...", page[0], goTest)
	}
	got := runTest(t, page[begin+1:end], "-overlay="+overlay)
	return slices.Concat(page[:begin+1], got, page[end:end+1]), end + 1
}

// messages checks that the texts in the first column of a table are in the code.
func messages(t *testing.T, page []string) ([]string, int) {
	var code bytes.Buffer
	for _, pattern := range []string{
		"../schedule/*.go", "../schedule/*/*.go", "../kmodel/linux/*/*.go", "../kmodel/program/*.go",
		"../kmodel/internal/verify/*.go",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(data)
		}
	}
	n := 4 // mark, empty line, titles, rule
	for ; n < len(page) && strings.HasPrefix(page[n], "| `"); n++ {
		text, _, _ := strings.Cut(page[n][len("| `"):], "`")
		if !bytes.Contains(code.Bytes(), []byte(text)) {
			t.Errorf("nothing says %q", text)
		}
	}
	if n == 4 {
		t.Errorf("%s: no messages", page[0])
	}
	return page[:n], n
}

// varies is what is never twice the same in what a test prints, or not for long: durations,
// and where in the tests' own code it says so.
var varies = regexp.MustCompile(`\d+\.\d+s|[a-z]+\.go:\d+:|\(cached\)`)

// runTest runs the command in the first line of a block. Lines that differ in what varies
// only are taken from the page.
func runTest(t *testing.T, page []string, flags ...string) []string {
	for _, pattern := range []string{"../kmodel/internal/verify/*.go", "../kmodel/net/core/*/*.go", "../fuzz/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		depend(files...)
	}
	args := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(page[0], "$ go "), "'", ""))
	args = slices.Insert(args, 1, append(flags, "-count=1")...)
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	got := append(page[:1:1], strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")...)
	for i := range got {
		if i < len(page) && varies.ReplaceAllString(got[i], "") == varies.ReplaceAllString(page[i], "") {
			got[i] = page[i]
		}
	}
	return got
}
