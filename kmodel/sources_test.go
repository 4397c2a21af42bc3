package kmodel

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

func TestSourceFile(t *testing.T) {
	for _, test := range []struct{ model, function, want string }{
		{"kmodel/fs/aio", "lookup_ioctx", "fs/aio.c"},
		{"kmodel/fs/aio", "mmput", "kernel/fork.c"},
		{"kmodel/fs/aio", "finish_wait", ""}, // kernel/wait.c up to 3.10
		{"kmodel/arch/powerpc", "exit_lazy_flush_tlb", "arch/powerpc/mm/book3s64/radix_tlb.c"},
		{"kmodel/arch/powerpc", "switch_mm_irqs_off", "arch/powerpc/mm/mmu_context.c"},
		{"kmodel/drivers/tty/n_tty", "tty_flip_buffer_push", "drivers/tty/tty_buffer.c"},
		{"kmodel/kernel/kthread", "zap", ""},
		{"kmodel/protocol", "lookup", ""},
		{"triage_test", "lookup_ctx", ""},
	} {
		if got := SourceFile(test.model, test.function); got != test.want {
			t.Errorf("%s of %s: %q, want %q", test.function, test.model, got, test.want)
		}
	}
}

// TestSources: what is listed is a function of the model, once, and not in the file that it
// would be taken for anyway.
func TestSources(t *testing.T) {
	for _, s := range sources {
		own := functions(t, s.model)
		if len(own) == 0 {
			t.Errorf("%s: no such model", s.model)
		}
		if s.file == s.model+".c" {
			t.Errorf("%s: %s goes without saying", s.model, s.file)
		}
		for _, f := range strings.Fields(s.functions) {
			if !slices.Contains(own, f) {
				t.Errorf("%s has no %s", s.model, f)
			}
			if got := SourceFile("kmodel/"+s.model, f); got != s.file {
				t.Errorf("%s of %s is listed for %q and for %q", f, s.model, got, s.file)
			}
		}
	}
}

// functions returns the functions of a model as the kernel spells them.
func functions(t *testing.T, model string) (out []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(model), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				out = append(out, schedule.CName(f.Name.Name))
			}
		}
	}
	return out
}
