package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestJSON checks the reports of the golden files against the schema that is documented, and that
// each says why it fails.
func TestJSON(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	if testing.Short() {
		files = []string{"testdata/golden/file-reused.txtar"} // which has most of what there can be
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var out, errs bytes.Buffer
			if got := run([]string{"-format", "json", file}, &out, &errs); got != exitMinimized {
				t.Fatalf("exit status %d: %s", got, &errs)
			}
			v, err := jsonschema.UnmarshalJSON(&out)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Error(err)
			}
			if r := v.(map[string]any); r["why"] == nil {
				t.Errorf("not explained: %v", r["why_not"])
			}
		})
	}
}

// TestDelayInUnlock: a delay within mutex_unlock() is put there, and not into who calls it.
func TestDelayInUnlock(t *testing.T) {
	var out, errs bytes.Buffer
	file := "testdata/golden/pipe-unlock-after-free.txtar"
	if got := run([]string{"-format", "delays", file}, &out, &errs); got != exitMinimized {
		t.Fatalf("exit status %d: %s", got, &errs)
	}
	for text, want := range map[string]bool{
		"In the file of mutex_unlock(), after the last #include:": true,
		"In the slow path of mutex_unlock(), after it has":        true,
		"\nIn pipe_release() of fs/pipe.c:":                       false,
	} {
		if got := bytes.Contains(out.Bytes(), []byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestColored: what is no terminal gets none of its codes.
func TestColored(t *testing.T) {
	if colored(new(bytes.Buffer)) {
		t.Error("a buffer is coloured")
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if colored(f) {
		t.Error("a file is coloured")
	}
}
