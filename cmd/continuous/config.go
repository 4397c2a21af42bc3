package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

// maxConfig is the largest configuration that is read, in bytes.
const maxConfig = 1 << 20

// A config is a configuration file. What can be wrong with a value is found while it is
// decoded, for its line to be known: such values have types of their own, which must be
// structs, since the decoder asks no others.
type config struct {
	Targets []targetName `toml:"targets"`
	Guided  []targetName `toml:"guided"`
	Seeds   []packName   `toml:"seeds"`
	Workers uint16       `toml:"workers"` // 0: one for each processor
	HTTP    address      `toml:"http"`
	Memory  size         `toml:"memory"`
	Disk    size         `toml:"disk"`
	Native  source       `toml:"native"`
}

// defaultConfig is what a file that says nothing means.
func defaultConfig() config {
	return config{
		HTTP:   address{"127.0.0.1:8766"},
		Memory: size{1 << 30},
		Disk:   size{4 << 30},
	}
}

// readConfig reads the file of that name; without a name it is the default.
func readConfig(name string) (config, error) {
	c := defaultConfig()
	if name == "" {
		return c, c.complete()
	}
	f, err := os.Open(name)
	if err != nil {
		return c, inFile(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(data) > maxConfig {
		err = fmt.Errorf("larger than the limit of %d bytes", maxConfig)
	}
	if err != nil {
		return c, inFile(name, err)
	}
	if err := wrongType(name, data); err != nil {
		return c, err
	}
	d := toml.NewDecoder(bytes.NewReader(data))
	if err := d.DisallowUnknownFields().Decode(&c); err != nil {
		return c, inConfig(name, err)
	}
	if twice := c.twice(); twice != "" {
		return c, fmt.Errorf("%s:%d: targets: %s is there twice", name, line(data, twice, 2), twice)
	}
	if err := c.complete(); err != nil {
		return c, err
	}
	for _, g := range c.Guided {
		if !slices.ContainsFunc(c.Targets, func(t targetName) bool { return t.name == g.name }) {
			return c, fmt.Errorf("%s:%d: guided: %s is not among the targets",
				name, line(data, g.name, 1), g.name)
		}
	}
	return c, nil
}

// settings says for each what it has to be, to whoever has given something else. The decoder would
// say it of our structs, or have an integer for text and know no line.
var settings = map[string]struct {
	is   func(v any) bool
	want string
}{
	"targets": {isList, `a list of names, such as ["FuzzLookupIoctx"]`},
	"guided":  {isList, `a list of names, such as ["FuzzLookupIoctx"]`},
	"seeds":   {isList, `a list of files, such as ["seeds.pack"]`},
	"workers": {isCount, fmt.Sprintf("a number from 0 to %d", math.MaxUint16)},
	"http":    {isText, `text, such as "127.0.0.1:8766"`},
	"memory":  {isText, `text, such as "1GiB"`},
	"disk":    {isText, `text, such as "4GiB"`},
	"native":  {isText, `text, such as "/home/fuzz/kschedfuzz"`},
}

func isText(v any) bool { _, ok := v.(string); return ok }

func isList(v any) bool {
	list, ok := v.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { return !isText(v) })
}

func isCount(v any) bool {
	n, ok := v.(int64)
	return ok && n >= 0 && n <= math.MaxUint16
}

// wrongType returns an error for a setting that is of another type than it has to be.
func wrongType(name string, data []byte) error {
	var raw map[string]any
	if err := toml.Unmarshal(data, &raw); err != nil {
		return nil // which the decoder says
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		s, known := settings[strings.ToLower(key)]
		if known && !s.is(raw[key]) {
			return fmt.Errorf("%s:%d: %s: want %s", name, lineOf(data, key), key, s.want)
		}
	}
	return nil
}

// lineOf returns the line on which a setting is given, or a table of that name begins; 0 if its
// name is written with escapes.
func lineOf(data []byte, key string) int {
	row := 0
	for text := range strings.Lines(string(data)) {
		row++
		rest, ok := strings.CutPrefix(strings.TrimLeft(text, " \t[\"'"), key)
		if ok && strings.IndexAny(strings.TrimLeft(rest, " \t\"'"), "=].") == 0 {
			return row
		}
	}
	return 0
}

// twice returns a target that is listed twice, "" if there is none.
func (c *config) twice() string {
	seen := map[string]bool{}
	for _, t := range c.Targets {
		if seen[t.name] {
			return t.name
		}
		seen[t.name] = true
	}
	return ""
}

// line returns the line on which a name, in quotes, stands for the nth time, comments left
// out; 0 if it is not there, being written with escapes.
func line(data []byte, name string, nth int) int {
	row, found := 0, 0
	for text := range strings.Lines(string(data)) {
		row++
		text, _, _ = strings.Cut(text, "#")
		for _, quote := range []string{`"`, "'"} {
			found += strings.Count(text, quote+name+quote)
		}
		if found >= nth {
			return row
		}
	}
	return 0
}

// inConfig puts file and line in front of what is wrong.
func inConfig(name string, err error) error {
	decode, ok := errors.AsType[*toml.DecodeError](err)
	if !ok {
		return inFile(name, err)
	}
	row, _ := decode.Position()
	text := strings.TrimPrefix(decode.Error(), "toml: ")
	if _, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		text = "no such setting; there are: targets, guided, seeds, workers, http, memory, disk, native"
	}
	if key := strings.Join(decode.Key(), "."); key != "" {
		text = key + ": " + text
	}
	return fmt.Errorf("%s:%d: %s", name, row, text)
}

// complete fills in what depends on the machine and on the list of targets.
func (c *config) complete() error {
	if c.Workers == 0 {
		c.Workers = uint16(min(runtime.NumCPU(), math.MaxUint16))
	}
	if len(c.Targets) == 0 {
		for _, t := range kmodel.Targets() {
			n := targetName{}
			if err := n.UnmarshalText([]byte(t.Name)); err != nil {
				return err
			}
			c.Targets = append(c.Targets, n)
		}
	}
	return nil
}

// A targetName is a fuzz target, or the full name of a program.
type targetName struct {
	name    string
	program program.Program
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *targetName) UnmarshalText(text []byte) (err error) {
	n.name = string(text)
	n.program, err = kmodel.ProgramOf(n.name)
	return err
}

// A packName is a pack that can be read.
type packName struct{ name string }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *packName) UnmarshalText(text []byte) error {
	n.name = string(text)
	_, err := corpus.Open(n.name)
	return err
}

// An address is where the status page is served: a host and a port, or "off".
type address struct{ addr string }

// off reports whether there is no page.
func (a address) off() bool { return a.addr == "off" }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *address) UnmarshalText(text []byte) error {
	a.addr = string(text)
	if a.off() {
		return nil
	}
	_, port, err := net.SplitHostPort(a.addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q: want host:port, such as 127.0.0.1:8766, or off", a.addr)
	}
	return nil
}

// A size is a number of bytes.
type size struct{ bytes int64 }

// units are what a size ends in.
var units = map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30}

// least is the smallest limit that leaves room to work.
const least = 64 << 20

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *size) UnmarshalText(text []byte) error {
	number := strings.TrimRight(string(text), "GMiB")
	unit, ok := units[string(text[len(number):])]
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || !ok || n < 0 {
		return fmt.Errorf("%q: want a number with MiB or GiB behind it, such as 512MiB", text)
	}
	if s.bytes = n * unit; s.bytes < least {
		return fmt.Errorf("%q: below the least, %dMiB", text, least>>20)
	}
	return nil
}

// String returns the size as a configuration says it.
func (s size) String() string {
	if s.bytes%units["GiB"] == 0 {
		return fmt.Sprintf("%dGiB", s.bytes>>30)
	}
	return fmt.Sprintf("%dMiB", s.bytes>>20)
}

// A source is the directory of this module's source, for the Go fuzzer to be built from;
// empty: no Go fuzzer.
type source struct{ dir string }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *source) UnmarshalText(text []byte) error {
	if s.dir = string(text); s.dir == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(s.dir, "go.mod"))
	if err != nil {
		return inFile(filepath.Join(s.dir, "go.mod"), err)
	}
	if !strings.HasPrefix(string(data), "module github.com/kschedfuzz/kschedfuzz\n") {
		return fmt.Errorf("%s: not the source of kschedfuzz", s.dir)
	}
	return nil
}

// inFile puts the name of a file in front of what is wrong with it, once.
func inFile(name string, err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
