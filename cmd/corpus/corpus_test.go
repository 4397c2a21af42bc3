package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/internal/script"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The scripts run the command as a user does.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"corpus": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": script.Status,
			"flip":   flip,
			"cut":    cut,
			"same":   same,
		},
	})
}

// setup leaves in the directory of a script
//
//	future.pack   a pack of version 3
//	high          raw bytes that say the same as 0010002
//	seeds.zip     a zip of two raw files
//	golden        a golden file of cmd/minimize
//	gone.pack     an entry of a program that there is not
//	enemy.pack    an entry of a program that has a bad name
func setup(env *testscript.Env) error {
	for name, program := range map[string]string{"gone.pack": "fs/gone/x@1", "enemy.pack": "../../x"} {
		err := create(filepath.Join(env.WorkDir, name), []corpus.Entry{{Program: program}})
		if err != nil {
			return err
		}
	}
	golden, err := os.ReadFile("../minimize/testdata/golden/aio-1e-count-from-0.txtar")
	if err != nil {
		return err
	}
	line := "kschedfuzz corpus v3 "
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"one", "dir/two"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = fmt.Fprintf(w, "00%d", len(name))
		}
		if err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	for name, data := range map[string]string{
		"future.pack": fmt.Sprintf("%s%016x\n", line, xxhash.Sum64String(line)),
		"high":        "\x00\x40\x71\x00\x10\x60\x02\x00\x00",
		"seeds.zip":   b.String(),
		"golden":      string(golden),
	} {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(data), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// flip changes a bit of the byte at an offset of a file, from the end if it is negative.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip file offset")
	}
	data := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// cut takes some bytes off the end of a file.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut file bytes")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(len(ts.ReadFile(args[0]))-n)))
}

// same compares two files, whose bytes need not be text.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same file file")
	}
	if equal := ts.ReadFile(args[0]) == ts.ReadFile(args[1]); equal == neg {
		ts.Fatalf("%s and %s: same bytes: %v", args[0], args[1], equal)
	}
}

func TestLabelOf(t *testing.T) {
	for _, test := range []struct{ base, want string }{
		{"four-threads", "four-threads"},
		{"916d", "916d"},
		{"916d9d9c4ab2b4ae", ""},                                    // Go
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", ""},            // libFuzzer, go-fuzz
		{"id:000001,src:000000,time:0,execs:7,op:havoc,rep:16", ""}, // AFL
		{".hidden", ""},
	} {
		if got := labelOf(test.base); got != test.want {
			t.Errorf("%s: got %q, want %q", test.base, got, test.want)
		}
	}
}

// A fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestFullOutput: what prints tapes, or what there is, does not say that it has if the disk of the
// file that standard output goes to is full.
func TestFullOutput(t *testing.T) {
	pack := filepath.Join(t.TempDir(), "x.pack")
	tape := corpus.Entry{Program: "FuzzLookupIoctx", Tape: schedule.Tape{1}}
	if err := create(pack, []corpus.Entry{tape}); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"cat", "compact", "list", "stat", "verify"} {
		var b bytes.Buffer
		status := run([]string{verb, pack}, fullDisk{}, &b)
		if want := "corpus: no space left on device\n"; status != exitWrong || b.String() != want {
			t.Errorf("%s: status %d, %q", verb, status, b.String())
		}
	}
}

// TestFullZip: of a zip that could not be finished nothing is said to be written.
func TestFullZip(t *testing.T) {
	pack := filepath.Join(t.TempDir(), "x.pack")
	if err := create(pack, []corpus.Entry{{Program: "FuzzLookupIoctx"}}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	c := &command{stdout: &b, stderr: &b}
	put := func(corpus.Entry) (known bool, err error) { return false, nil }
	full := func(error) error { return syscall.ENOSPC }
	if err := c.unpackTo(put, full, []string{pack}); err != syscall.ENOSPC || b.Len() > 0 {
		t.Errorf("%v, %q", err, b.String())
	}
}

// TestProgress: there is a line only now and then, and it is cleared.
func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, what: "merge", total: 600}
	for range p.total {
		p.step()
	}
	p.done()
	want := "\rmerge 256 of 600\rmerge 512 of 600\r" + fmt.Sprintf("%60s", "") + "\r"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	c := &command{stderr: &b}
	if c.progress("merge", 600).w != nil {
		t.Error("a buffer is taken for a terminal")
	}
}
