package docs_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// Marks of what is generated as a whole. It reaches to endMark.
const (
	primitivesMark = "<!-- primitives -->"
	catalogueMark  = "<!-- catalogue -->"
	endMark        = "<!-- end -->"
)

// generated puts text between a mark and the end mark.
func generated(t *testing.T, page []string, text string) ([]string, int) {
	end := slices.Index(page, endMark)
	if end < 0 {
		t.Fatalf("%s has no end", page[0])
	}
	want := append([]string{page[0], ""}, strings.Split(strings.TrimSpace(text), "\n")...)
	return append(want, "", endMark), end + 1
}

// catalogue lists every program.
func catalogue(t *testing.T, page []string) ([]string, int) {
	var out strings.Builder
	byObject := map[string][]program.Program{}
	var objects []string
	for _, p := range kmodel.Programs() {
		if byObject[p.Object] == nil {
			objects = append(objects, p.Object)
		}
		byObject[p.Object] = append(byObject[p.Object], p)
	}
	for _, object := range objects {
		fmt.Fprintf(&out, "## `%s`\n\n| variant | kernels | what it is |\n|---|---|---|\n", object)
		writeVariants(&out, byObject[object])
		fmt.Fprintf(&out, "\n| program | verdict |\n|---|---|\n")
		for _, p := range byObject[object] {
			fmt.Fprintf(&out, "| `%s@%s` | %s |\n", p.Scenario, p.Variant, listed(p))
		}
		out.WriteString("\n")
	}
	return generated(t, page, out.String())
}

// writeVariants writes a row for each variant, with what most of its programs say of it, and
// then one for each program that says something else.
func writeVariants(out *strings.Builder, programs []program.Program) {
	about := func(p program.Program) string { return p.Versions + " | " + cell(p.Patches) }
	count := map[string]int{}
	most := map[string]string{}
	for _, p := range programs {
		row := p.Variant + about(p)
		count[row]++
		if count[row] > count[p.Variant+most[p.Variant]] {
			most[p.Variant] = about(p)
		}
	}
	var others strings.Builder
	seen := map[string]bool{}
	for _, p := range programs {
		switch {
		case about(p) != most[p.Variant]:
			fmt.Fprintf(&others, "| `%s@%s` | %s |\n", p.Scenario, p.Variant, about(p))
		case !seen[p.Variant]:
			seen[p.Variant] = true
			fmt.Fprintf(out, "| `%s` | %s |\n", p.Variant, about(p))
		}
	}
	out.WriteString(others.String())
}

// listed is the verdict of a program as the catalogue has it. Sampling a workload shows
// that it fails, and not with how few preemptions.
func listed(p program.Program) string {
	if !p.Workload {
		return verdict(p.Expect)
	}
	var kinds []string
	for _, e := range p.Expect {
		if !slices.Contains(kinds, e.Kind.String()) {
			kinds = append(kinds, e.Kind.String())
		}
	}
	if kinds == nil {
		return "none, sampled"
	}
	return strings.Join(kinds, ", ") + ", sampled"
}

// cell is text that fits a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

const linux = module + "kmodel/linux/"
const module = "github.com/kschedfuzz/kschedfuzz/"

// primitives lists everything that the packages of kmodel/linux export, with what follows
// from their code.
func primitives(t *testing.T, page []string) ([]string, int) {
	g := newGraph(t)
	var out strings.Builder
	for _, path := range g.paths {
		if !strings.HasPrefix(path, linux) {
			continue
		}
		files := g.files[path]
		pkg, err := doc.NewFromFiles(g.fset, files, path, doc.PreserveAST)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "## `%s`\n\n%s\n", pkg.Name, links(pkg.Doc))
		fmt.Fprintf(&out, "| name | what it is | step | fails with |\n|---|---|---|---|\n")
		row := func(name, text, full string) {
			step, kinds := "", ""
			if full != "" {
				step, kinds = g.step(full), g.kinds(full)
			}
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", name, cell(links(text)), step, kinds)
		}
		for _, c := range pkg.Consts {
			row(pkg.Name+"."+strings.Join(exported(c.Names), "`, `"), c.Doc, "")
		}
		for _, f := range pkg.Funcs {
			row(pkg.Name+"."+f.Name, f.Doc, path+"."+f.Name)
		}
		for _, ty := range pkg.Types {
			row(pkg.Name+"."+ty.Name, ty.Doc, "")
			for _, c := range ty.Consts {
				row(pkg.Name+"."+strings.Join(exported(c.Names), "`, `"), c.Doc, "")
			}
			for _, f := range ty.Funcs {
				row(pkg.Name+"."+f.Name, f.Doc, path+"."+f.Name)
			}
			for _, m := range ty.Methods {
				row(ty.Name+"."+m.Name, m.Doc, path+"."+ty.Name+"."+m.Name)
			}
		}
		out.WriteString("\n")
	}
	return generated(t, page, out.String())
}

func exported(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !ast.IsExported(n) })
}

// link is a doc link, which Markdown would take for one of its own.
var link = regexp.MustCompile(`\[([\w.]+)\]`)

func links(text string) string { return link.ReplaceAllString(text, "`$1`") }

// A graph is which function calls which, in package schedule and the primitives, as far as
// that is said in the code: not through a function value or an interface.
type graph struct {
	fset  *token.FileSet
	paths []string
	files map[string][]*ast.File
	calls map[string]map[string]bool // by what function returns
	names map[string]map[string]bool // constants that a function passes on
}

// newGraph type-checks the packages. What they import comes from the build cache.
func newGraph(t *testing.T) *graph {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}} {{.Dir}}",
		"./schedule", "./kmodel/linux/...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	g := &graph{fset: token.NewFileSet(), files: map[string][]*ast.File{},
		calls: map[string]map[string]bool{}, names: map[string]map[string]bool{}}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue // unsafe
		}
		exports[f[0]] = f[1]
		if f[0] == module+"schedule" || strings.HasPrefix(f[0], linux) {
			g.paths = append(g.paths, f[0])
			g.parse(t, f[0], f[2])
		}
	}
	slices.Sort(g.paths)
	conf := types.Config{Importer: importer.ForCompiler(g.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	for _, path := range g.paths {
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
		if _, err := conf.Check(path, g.fset, g.files[path], info); err != nil {
			t.Fatal(err)
		}
		for _, file := range g.files[path] {
			g.add(file, info)
		}
	}
	return g
}

func (g *graph) parse(t *testing.T, path, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		depend(name)
		file, err := parser.ParseFile(g.fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		g.files[path] = append(g.files[path], file)
	}
}

func (g *graph) add(file *ast.File, info *types.Info) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		from := function(info.Defs[f.Name].(*types.Func))
		g.calls[from], g.names[from] = map[string]bool{}, map[string]bool{}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				_, literal := n.(*ast.FuncLit)
				return !literal
			}
			if to, ok := info.Uses[last(call.Fun)].(*types.Func); ok {
				g.calls[from][function(to)] = true
			}
			for _, arg := range call.Args {
				if c, ok := info.Uses[last(arg)].(*types.Const); ok {
					g.names[from][c.Name()] = true
				}
			}
			return true
		})
	}
}

// last returns the identifier that an expression ends in: f of x.f, x.f[int] and f.
func last(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return last(e.X)
	case *ast.IndexListExpr:
		return last(e.X)
	}
	return nil
}

// function names a function without regard to pointers and type parameters.
func function(f *types.Func) string {
	f = f.Origin()
	name := f.Name()
	if recv := f.Signature().Recv(); recv != nil {
		ty := recv.Type()
		if p, ok := ty.(*types.Pointer); ok {
			ty = p.Elem()
		}
		if named, ok := ty.(*types.Named); ok {
			name = named.Obj().Name() + "." + name
		}
	}
	if f.Pkg() == nil {
		return name
	}
	return f.Pkg().Path() + "." + name
}

// The functions of package schedule that are a step. What happens in them is not looked
// into: any step may be a use after free.
var steps = map[string]string{
	module + "schedule.Thread.Step":  "yes",
	module + "schedule.Thread.Begin": "yes",
	module + "schedule.Thread.Await": "may wait",
}

// reach calls f with everything that a function comes to call, itself included, and steps.
func (g *graph) reach(from string, f func(name string)) {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		f(name)
		if steps[name] == "" && name != module+"schedule.Thread.Touch" { // as a step is
			for next := range g.calls[name] {
				visit(next)
			}
		}
	}
	visit(from)
}

// step says whether a function takes steps.
func (g *graph) step(full string) string {
	out := ""
	g.reach(full, func(name string) {
		if s := steps[name]; s != "" && out != "may wait" {
			out = s
		}
	})
	return out
}

// kinds lists the failures that a function may raise, from cause to symptom.
func (g *graph) kinds(full string) string {
	found := map[schedule.Kind]bool{}
	g.reach(full, func(name string) {
		for c := range g.names[name] {
			if k, ok := constants[c]; ok {
				found[k] = true
			}
		}
	})
	delete(found, schedule.UseAfterFree)
	var out []string
	for _, k := range slices.Sorted(maps.Keys(found)) {
		out = append(out, k.String())
	}
	return strings.Join(out, ", ")
}

// constants has the kinds by the names of their constants.
var constants = map[string]schedule.Kind{
	"LockRule": schedule.LockRule, "SleepInAtomic": schedule.SleepInAtomic,
	"ListCorrupt": schedule.ListCorrupt, "DoubleKill": schedule.DoubleKill,
	"RefResurrect": schedule.RefResurrect, "RefUnderflow": schedule.RefUnderflow,
	"DoubleRelease": schedule.DoubleRelease, "BugOn": schedule.BugOn,
	"LateMunmap": schedule.LateMunmap, "CpumaskLost": schedule.CpumaskLost,
	"LostUpdate": schedule.LostUpdate, "StrayWrite": schedule.StrayWrite,
	"OutOfBounds":  schedule.OutOfBounds,
	"UseAfterFree": schedule.UseAfterFree, "DoubleFree": schedule.DoubleFree,
	"StaleTLB": schedule.StaleTLB, "NullDereference": schedule.NullDereference,
	"Leak": schedule.Leak, "Deadlock": schedule.Deadlock,
}

// TestKinds checks that constants has every kind.
func TestKinds(t *testing.T) {
	if all := schedule.Kinds(1<<32 - 1).All(); len(all) != len(constants) {
		t.Errorf("%d kinds, constants has %d", len(all), len(constants))
	}
}
