// Package gofile reads and writes the files in which the Go fuzzer keeps inputs, below
// testdata/fuzz and in the build cache. It is apart from package corpus so that a fuzz
// target need not link the store: the engine reads a counter of every block of code that is
// linked, after each input.
//
// [Format] and [Parse] are each other's inverse for the targets of kschedfuzz, which have one
// argument, a []byte. Other arguments are refused. [Name] is what the Go fuzzer calls such a
// file, and [TargetOf] tells from where one lies which target it is for.
package gofile

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// version is the first line of the files that the Go fuzzer writes
// (internal/fuzz/encoding.go).
const version = "go test fuzz v1"

// Is reports whether data is a file of the Go fuzzer, whole or not.
func Is(data []byte) bool { return bytes.HasPrefix(data, []byte(version)) }

// Format returns the file of the Go fuzzer for an input.
func Format(input []byte) []byte { return fmt.Appendf(nil, "%s\n[]byte(%q)\n", version, input) }

// Parse returns the input that a file of the Go fuzzer holds. Errors name file and line.
func Parse(file string, data []byte) ([]byte, error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	errorf := func(line int, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %w", file, line, fmt.Errorf(format, args...))
	}
	if got := strings.TrimSuffix(lines[0], "\r"); got != version {
		return nil, errorf(1, "not a file of the Go fuzzer: begins with %q, want %q",
			shorten(got), version)
	}
	if len(lines) < 2 {
		return nil, errorf(2, "the file is truncated: want []byte(\"...\")")
	}
	if len(lines) > 2 {
		return nil, errorf(3, "a second argument: the targets of kschedfuzz have one")
	}
	line := strings.TrimSuffix(lines[1], "\r")
	quoted, ok := strings.CutPrefix(line, "[]byte(")
	if !ok {
		return nil, errorf(2, "%q, want []byte(\"...\")", shorten(line))
	}
	if quoted, ok = strings.CutSuffix(quoted, ")"); !ok {
		return nil, errorf(2, "the file is truncated: no closing bracket")
	}
	text, err := strconv.Unquote(quoted)
	if err != nil || quoted[0] == '\'' {
		return nil, errorf(2, "%q is not a Go string", shorten(quoted))
	}
	return []byte(text), nil
}

// Name returns the name that the Go fuzzer gives a file, as [Format] has it: the beginning of
// its hash.
func Name(file []byte) string { return fmt.Sprintf("%x", sha256.Sum256(file))[:16] }

// TargetOf returns the fuzz target that a file belongs to by its place: in
// .../fuzz/FuzzName, where both the corpus of a package and the build cache keep it.
// Empty if it is in no such place.
func TargetOf(file string) string {
	name, parents := place(file)
	if slices.Contains(parents, "fuzz") {
		return name
	}
	return ""
}

// TargetOfData is [TargetOf] where the content is known: a file that begins as one of the Go fuzzer
// does may lie in any FuzzName, as corpora do that are moved.
func TargetOfData(file string, data []byte) string {
	if name, _ := place(file); Is(data) {
		return name
	}
	return TargetOf(file)
}

// place returns the directory that a file lies in, if it is called as a target is, and what that
// lies in.
func place(file string) (name string, parents []string) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", nil
	}
	dir := filepath.Dir(abs)
	if name = filepath.Base(dir); !strings.HasPrefix(name, "Fuzz") {
		return "", nil
	}
	return name, strings.Split(filepath.ToSlash(filepath.Dir(dir)), "/")
}

// shorten keeps a message on one line whatever the file is.
func shorten(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
