package corpus

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// goVersion is the first line of the files that the Go fuzzer writes
// (internal/fuzz/encoding.go).
const goVersion = "go test fuzz v1"

// IsGoFile reports whether data is a file of the Go fuzzer, whole or not.
func IsGoFile(data []byte) bool { return bytes.HasPrefix(data, []byte(goVersion)) }

// GoFile returns the file of the Go fuzzer for an input.
func GoFile(input []byte) []byte { return fmt.Appendf(nil, "%s\n[]byte(%q)\n", goVersion, input) }

// ParseGoFile returns the input that a file of the Go fuzzer holds. Fuzz targets of
// kschedfuzz have one argument, a []byte, so anything else is an error, which names file
// and line.
func ParseGoFile(file string, data []byte) ([]byte, error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	errorf := func(line int, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %w", file, line, fmt.Errorf(format, args...))
	}
	if got := strings.TrimSuffix(lines[0], "\r"); got != goVersion {
		return nil, errorf(1, "not a file of the Go fuzzer: begins with %q, want %q",
			shorten(got), goVersion)
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

// shorten keeps a message on one line whatever the file is.
func shorten(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
