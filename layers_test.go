// Package kschedfuzz holds the tests of the whole: which package may import which, and
// what models may not do.
package kschedfuzz

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
)

const module = "github.com/kschedfuzz/kschedfuzz/"

// layers lists every tree of packages with the trees of ours that it may import. The
// longest path that fits a package counts. An arrow that is not here does not exist.
var layers = map[string][]string{
	"schedule":               {},
	"schedule/explore":       {"schedule", "internal/plural"},
	"schedule/sample":        {"schedule"},
	"schedule/guided":        {"schedule", "schedule/sample"},
	"schedule/compare":       {"schedule", "schedule/sample"},
	"schedule/bench":         {"schedule", "schedule/bench/pthread"},
	"schedule/bench/pthread": {"schedule"},
	"kmodel/internal":        {"schedule"},
	"kmodel/internal/litmus": {"schedule", "schedule/explore", "kmodel/linux"},                      // for tests
	"kmodel/internal/verify": {"schedule", "schedule/explore", "schedule/sample", "kmodel/program"}, // for tests
	"kmodel/linux":           {"schedule", "kmodel/internal", "kmodel/linux", "kmodel/linux/lockdep"},
	"kmodel/linux/lockdep":   {"schedule"},
	"kmodel/program":         {"schedule"},
	"kmodel/fs":              {"schedule", "kmodel/internal", "kmodel/linux", "kmodel/program"},
	"kmodel/mm":              {"schedule", "kmodel/internal", "kmodel/linux", "kmodel/program"},
	"kmodel/lib":             {"schedule", "kmodel/linux", "kmodel/program"},
	"kmodel/kernel":          {"schedule", "kmodel/internal", "kmodel/linux", "kmodel/program"},
	"kmodel/net":             {"schedule", "kmodel/linux", "kmodel/program"},
	"kmodel/drivers":         {"schedule", "kmodel/linux", "kmodel/program"},
	"kmodel/arch":            {"schedule", "kmodel/linux"},
	"kmodel/arch/x86":        {"schedule", "kmodel/linux", "kmodel/program"}, // it has programs of its own
	"kmodel/protocol":        {"schedule", "kmodel/program"},
	"kmodel": {
		"kmodel/arch", "kmodel/arch/x86", "kmodel/drivers", "kmodel/fs", "kmodel/kernel", "kmodel/mm",
		"kmodel/net",
		"kmodel/lib",
		"kmodel/program", "kmodel/protocol",
	},
	"triage":                 {"schedule", "schedule/explore"},
	"fuzz/statecov":          {},
	"fuzz/mutate":            {"schedule"},
	"fuzz/target":            {"fuzz/statecov", "kmodel/program", "schedule", "schedule/sample", "triage"}, // a sampler draws inputs
	"fuzz/libfuzzer":         {"fuzz/mutate", "fuzz/target", "kmodel"},
	"fuzz/libfuzzer/archive": {"fuzz/libfuzzer"},
	"fuzz":                   {"corpus/gofile", "fuzz/statecov", "fuzz/target", "kmodel", "kmodel/program", "schedule", "schedule/sample"}, // a sampler draws the seeds
	"docs":                   {},
	"corpus":                 {"schedule", "internal/plural"},
	"corpus/gofile":          {},
	"internal/plural":        {},
	"internal/schema":        {}, // for tests
	"internal/script":        {}, // for tests
	"cmd/internal":           {"kmodel", "kmodel/linux/lockdep", "kmodel/program", "schedule", "triage"},
	"cmd":                    {"cmd/internal", "corpus", "corpus/gofile", "fuzz/mutate", "fuzz/target", "internal/plural", "kmodel", "kmodel/linux/lockdep", "kmodel/program", "schedule", "schedule/bench", "schedule/compare", "schedule/explore", "schedule/guided", "schedule/sample", "triage"},
}

// testLayers is what tests may import besides.
var testLayers = map[string][]string{
	"schedule":               {"schedule/explore"},
	"schedule/sample":        {"schedule/bench"},
	"schedule/guided":        {"schedule/bench", "schedule/explore"},
	"schedule/compare":       {"schedule/bench"},
	"schedule/bench":         {"schedule/explore", "schedule/sample"},
	"schedule/bench/pthread": {"schedule/explore"},
	"kmodel":                 {"schedule", "schedule/explore", "schedule/guided", "schedule/sample", "kmodel/linux/lockdep"},
	"kmodel/program":         {"schedule/explore"},
	"kmodel/linux":           {"schedule/explore", "kmodel/internal/litmus"},
	"kmodel/linux/lockdep":   {"schedule/explore", "kmodel/internal/litmus", "kmodel/linux"},
	"kmodel/fs":              {"schedule/explore", "kmodel/internal/verify", "kmodel/mm"}, // programs are given each other's functions
	"kmodel/mm":              {"schedule/explore", "kmodel/internal/verify"},
	"kmodel/lib":             {"schedule/explore", "kmodel/internal/verify"},
	"kmodel/arch/x86":        {"kmodel/internal/verify"},
	"kmodel/net":             {"schedule/explore", "kmodel/internal/verify"},
	"kmodel/drivers":         {"schedule/explore", "kmodel/internal/verify"},
	"kmodel/kernel":          {"schedule/explore", "kmodel/internal/verify", "kmodel/arch"},
	"kmodel/protocol":        {"schedule/explore", "kmodel/internal/verify"},
	"kmodel/internal":        {"schedule/explore", "kmodel/linux", "kmodel/internal/litmus"},
	"fuzz/target":            {"kmodel"},
	"fuzz/libfuzzer":         {"corpus/gofile"},
	"docs":                   {"kmodel", "kmodel/program", "schedule", "schedule/sample", "triage"},
	"triage":                 {"internal/schema"},
	"cmd":                    {"fuzz/libfuzzer", "internal/schema", "internal/script"},
	"corpus":                 {"corpus/gofile", "kmodel"}, // for tapes to measure with
}

// outside is what the lean trees may import from other modules.
var outside = map[string][]string{
	"schedule": {"github.com/cespare/xxhash/v2"},
	"kmodel":   {"github.com/cespare/xxhash/v2"},
	"corpus": {
		"github.com/cespare/xxhash/v2",
		"github.com/klauspost/compress/dict", // tests
		"github.com/klauspost/compress/zstd",
	},
}

// tree returns the longest key of m that dir is in, or "".
func tree(m map[string][]string, dir string) string {
	for d := dir; d != "."; d = path.Dir(d) {
		if _, ok := m[d]; ok {
			return d
		}
	}
	return ""
}

// sources calls f with every Go file of the repository.
func sources(t *testing.T, f func(dir, name string, file *ast.File, fset *token.FileSet)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(filepath.Dir(name)), name, file, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestArrows(t *testing.T) {
	files := 0
	sources(t, func(dir, name string, file *ast.File, _ *token.FileSet) {
		if dir == "." {
			return
		}
		files++
		from := tree(layers, dir)
		if from == "" {
			t.Errorf("%s: package %s is in no layer", name, dir)
			return
		}
		may := layers[from]
		if strings.HasSuffix(name, "_test.go") {
			may = append(append([]string{from, "kmodel/internal"}, may...), testLayers[tree(testLayers, dir)]...)
		}
		for _, im := range file.Imports {
			p, _ := strconv.Unquote(im.Path.Value)
			if ours, ok := strings.CutPrefix(p, module); ok {
				if to := tree(layers, ours); ours != dir && !slices.Contains(may, to) {
					t.Errorf("%s imports %s: %s may import only %v", name, ours, from, may)
				}
				continue
			}
			lean := tree(outside, dir)
			if lean != "" && strings.Contains(p, ".") && !slices.Contains(outside[lean], p) {
				t.Errorf("%s imports %s: %s may import from outside only %v", name, p, lean, outside[lean])
			}
		}
	})
	if files < 50 {
		t.Errorf("only %d files seen", files)
	}
}

// banned imports have no place where an execution runs.
var banned = []string{"sync", "sync/atomic", "time", "math/rand", "math/rand/v2", "os"}

// excepted are files that may import one all the same, and which.
var excepted = map[string]string{
	"kmodel/linux/lockdep/order.go": "sync", // what it collects is of several runners
}

// TestModels looks for what would make an execution depend on anything but its tape
// (goroutines, channels, clocks, randomness) or hide a step (defer). What it cannot see,
// ranging over a map, CheckDeterminism finds. Tests may do as they like.
func TestModels(t *testing.T) {
	sources(t, func(dir, name string, file *ast.File, fset *token.FileSet) {
		model := strings.HasPrefix(dir, "kmodel/") || strings.HasPrefix(dir, "schedule/bench")
		tests := strings.HasSuffix(name, "_test.go") ||
			dir == "kmodel/internal/litmus" || dir == "kmodel/internal/verify"
		if tests || !model && dir != "schedule" {
			return
		}
		for _, im := range file.Imports {
			if p, _ := strconv.Unquote(im.Path.Value); slices.Contains(banned, p) &&
				excepted[filepath.ToSlash(name)] != p {
				t.Errorf("%s imports %s", name, p)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			what := ""
			switch n.(type) {
			case *ast.GoStmt:
				what = "a go statement"
			case *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
				what = "a channel"
			case *ast.DeferStmt:
				if model { // package schedule recovers its own panics
					what = "a defer, which hides a step"
				}
			}
			if what != "" {
				t.Errorf("%s: %s", fset.Position(n.Pos()), what)
			}
			return true
		})
	})
}

// TestDocs checks that every package says what it is, and every exported name has a
// sentence that begins with it.
func TestDocs(t *testing.T) {
	documented := map[string]bool{}
	sources(t, func(dir, name string, file *ast.File, fset *token.FileSet) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		documented[dir] = documented[dir] || file.Doc != nil
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || f.Recv != nil && !exported(f.Recv.List[0].Type) {
				continue
			}
			if !strings.HasPrefix(f.Doc.Text(), f.Name.Name+" ") && f.Name.Name != "String" && f.Name.Name != "Error" {
				t.Errorf("%s: %s has no sentence", fset.Position(f.Pos()), f.Name.Name)
			}
		}
	})
	for dir, ok := range documented {
		if !ok && dir != "." {
			t.Errorf("package %s has no comment", dir)
		}
	}
}

func exported(recv ast.Expr) bool {
	for {
		switch e := recv.(type) {
		case *ast.StarExpr:
			recv = e.X
		case *ast.IndexExpr:
			recv = e.X
		case *ast.IndexListExpr:
			recv = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

// TestTargets compares the table of targets with the functions of package fuzz: one that
// has no function is never fuzzed, and one that is not in the table has no program.
func TestTargets(t *testing.T) {
	var have, want []string
	for _, target := range kmodel.Targets() {
		want = append(want, target.Name)
		if _, err := target.Program(""); err != nil {
			t.Error(err)
		}
	}
	sources(t, func(dir, _ string, file *ast.File, _ *token.FileSet) {
		if dir != "fuzz" {
			return
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Fuzz") || f.Name.Name == "FuzzEmpty" {
				continue
			}
			have = append(have, f.Name.Name)
			if text := fmt.Sprintf("fuzz(f, %q)", f.Name.Name); !calls(f, f.Name.Name) {
				t.Errorf("%s does not call %s", f.Name.Name, text)
			}
		}
	})
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("functions of package fuzz %v\nkmodel.Targets %v", have, want)
	}
}

// calls reports whether all that f does is to call fuzz with that name.
func calls(f *ast.FuncDecl, name string) bool {
	if len(f.Body.List) != 1 {
		return false
	}
	stmt, _ := f.Body.List[0].(*ast.ExprStmt)
	if stmt == nil {
		return false
	}
	call, _ := stmt.X.(*ast.CallExpr)
	if call == nil || len(call.Args) != 2 {
		return false
	}
	fn, _ := call.Fun.(*ast.Ident)
	arg, _ := call.Args[1].(*ast.BasicLit)
	return fn != nil && fn.Name == "fuzz" && arg != nil && arg.Value == strconv.Quote(name)
}
