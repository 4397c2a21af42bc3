package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// corpusVersion is the first line of the files that the Go fuzzer writes
// (internal/fuzz/encoding.go).
const corpusVersion = "go test fuzz v1"

// isCorpusFile reports whether data is a file of the Go fuzzer, whole or not.
func isCorpusFile(data []byte) bool {
	return bytes.HasPrefix(data, []byte(corpusVersion))
}

// parseCorpusFile returns the bytes that a file of the Go fuzzer holds. Our
// targets have one argument, a []byte, so anything else is another target's. An
// error names file and line.
func parseCorpusFile(file string, data []byte) ([]byte, error) {
	errorf := func(line int, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %w", file, line, fmt.Errorf(format, args...))
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if got := strings.TrimSuffix(lines[0], "\r"); got != corpusVersion {
		return nil, errorf(1, "not a file of the Go fuzzer: begins with %q, want %q",
			shorten(got), corpusVersion)
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
	quoted, ok = strings.CutSuffix(quoted, ")")
	if !ok {
		return nil, errorf(2, "the file is truncated: no closing bracket")
	}
	text, err := strconv.Unquote(quoted)
	if err != nil || quoted[0] == '\'' {
		return nil, errorf(2, "%q is not a Go string", shorten(quoted))
	}
	return []byte(text), nil
}

// shorten keeps a message on one line whatever the file is.
func shorten(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
