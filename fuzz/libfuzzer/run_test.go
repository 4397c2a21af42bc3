package libfuzzer

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
)

// TestTargets checks that there is a function for each target and that it runs its own:
// build tools go by the names of functions.
func TestTargets(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "targets.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, decl := range file.Decls {
		f := decl.(*ast.FuncDecl)
		got = append(got, f.Name.Name)
		call := f.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.CallExpr)
		if name, _ := strconv.Unquote(call.Args[0].(*ast.BasicLit).Value); name != f.Name.Name {
			t.Errorf("%s runs %s", f.Name.Name, name)
		}
		if _, err := kmodel.FindTarget(f.Name.Name); err != nil {
			t.Errorf("targets.go: %v", err)
		}
	}
	for _, target := range kmodel.Targets() {
		if !slices.Contains(got, target.Name) {
			t.Errorf("targets.go has no %s", target.Name)
		}
	}
}

// TestSeeds runs the seeds of every target: none fails, the racy ones included, since
// libFuzzer gives up at a seed that does.
func TestSeeds(t *testing.T) {
	for _, target := range kmodel.Targets() {
		files, err := filepath.Glob("../testdata/fuzz/" + target.Name + "/*")
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(target.Name, "FuzzFixed") && len(files) == 0 {
			t.Errorf("%s: no seeds", target.Name)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err == nil {
				data, err = gofile.Parse(file, data)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := Run(target.Name, data); got != 0 {
				t.Errorf("%s: %d", file, got)
			}
		}
	}
}

// TestFailure checks what is said of an input that fails, and that it ends the process.
func TestFailure(t *testing.T) {
	var out bytes.Buffer
	in, title := []byte(nil), ""
	for i := range 1000 {
		in = fmt.Appendf(nil, "%03d", i)
		if title = run(&out, "FuzzPutSuper", in); title != "" {
			break
		}
		if out.Len() > 0 {
			t.Fatalf("%q passed, and wrote %q", in, out.Bytes())
		}
	}
	if title == "" {
		t.Fatal("no input failed")
	}
	if !strings.HasPrefix(out.String(), "\n"+title+"\n") {
		t.Errorf("title %q of\n%s", title, out.Bytes())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := fmt.Sprintf("go run ./cmd/minimize -target FuzzPutSuper crash-%x", sha1.Sum(in))
	if got := strings.TrimSpace(lines[len(lines)-1]); got != want {
		t.Errorf("last line %q, want %q", got, want)
	}
	defer func() {
		if got, want := recover(), "FuzzPutSuper: "+title; got != want {
			t.Errorf("panics with %v, want %v", got, want)
		}
	}()
	stderr := os.Stderr
	os.Stderr, _ = os.Open(os.DevNull)
	defer func() { os.Stderr = stderr }()
	FuzzPutSuper(in)
}
