package main

import (
	"archive/zip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
	"github.com/kschedfuzz/kschedfuzz/internal/plural"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// maxFile is the largest file that is read as an input, in bytes: the longest tape as a
// file of the Go fuzzer, every byte as \xff.
const maxFile = 4*corpus.MaxDigits + 100

// pack adds inputs to a pack.
func (c *command) pack(args []string) error {
	if err := checkProgram(c.program); err != nil {
		return fmt.Errorf("-program: %w", err)
	}
	for _, source := range args[1:] {
		if _, err := os.Stat(source); err != nil {
			return inFile(source, err)
		}
	}
	return c.adding(args[0], func(add func(corpus.Entry) error) error {
		bar := c.progress("pack", 0)
		defer bar.done()
		defer c.sayForeign()
		for _, source := range args[1:] {
			err := c.read(source, func(e corpus.Entry) error {
				bar.step()
				return add(e)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// sayForeign says what was left out, as the build cache has it of other packages.
func (c *command) sayForeign() {
	for _, target := range slices.Sorted(maps.Keys(c.foreign)) {
		fmt.Fprintf(c.stderr, "corpus: left out %s of %s, which is no target of a model\n",
			plural.Of(c.foreign[target], "file"), target)
	}
}

// checkProgram reports an error if there is no such fuzz target or program.
func checkProgram(name string) (err error) {
	if strings.HasPrefix(name, "Fuzz") {
		_, err = kmodel.FindTarget(name)
	} else if name != "" {
		_, err = kmodel.Find(name)
	}
	return err
}

// read gives add the entries of a source: a file, a directory or a zip.
func (c *command) read(source string, add func(corpus.Entry) error) error {
	info, err := os.Stat(source)
	if err != nil {
		return inFile(source, err)
	}
	if info.IsDir() {
		return c.readTree(source, os.DirFS(source), add)
	}
	z, err := zip.OpenReader(source)
	if err == nil {
		defer z.Close()
		return c.readTree(source, z, add)
	}
	if strings.HasSuffix(source, ".zip") || !errors.Is(err, zip.ErrFormat) {
		return inFile(source, err)
	}
	e, err := c.readFile(source, os.DirFS(filepath.Dir(source)), filepath.Base(source))
	if err != nil {
		return err
	}
	return add(e)
}

// readTree reads all files of a directory or zip. One that cannot be read is named, and
// the others are read.
func (c *command) readTree(root string, tree fs.FS, add func(corpus.Entry) error) error {
	return fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return inFile(filepath.Join(root, name), err)
		}
		if name != "." && strings.HasPrefix(d.Name(), ".") && d.IsDir() {
			return fs.SkipDir // such as .state of AFL
		}
		if !d.Type().IsRegular() || beside(tree, name) {
			return nil
		}
		file := filepath.Join(root, name)
		if target := gofile.TargetOf(file); c.program == "" && checkProgram(target) != nil {
			c.foreign[target]++
			return nil
		}
		e, err := c.readFile(file, tree, name)
		if err != nil {
			if _, ok := errors.AsType[*noProgramError](err); ok {
				return err
			}
			c.damage(err)
			return nil
		}
		return add(e)
	})
}

// besideNames are the files that AFL keeps beside its directories of inputs.
var besideNames = []string{
	"cmdline", "fastresume.bin", "fuzz_bitmap", "fuzzer_setup", "fuzzer_stats", "is_main_node",
	"plot_data", "target_hash",
}

// beside reports whether a file is no input, but what an engine keeps beside them.
func beside(tree fs.FS, name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "README") ||
		slices.Contains(besideNames, base) {
		return true
	}
	// go-fuzz has, for a crasher x, also x.quoted and x.output.
	for _, suffix := range []string{".quoted", ".output"} {
		if input, ok := strings.CutSuffix(name, suffix); ok {
			if _, err := fs.Stat(tree, input); err == nil {
				return true
			}
		}
	}
	return false
}

// A noProgramError is an input for nobody knows which program.
type noProgramError struct{ file string }

func (e *noProgramError) Error() string {
	return e.file + ": nothing says which program it is for: add -program name"
}

// readFile reads one input. The file is what the user calls it, name is where it is in
// the tree.
func (c *command) readFile(file string, tree fs.FS, name string) (corpus.Entry, error) {
	data, err := readLimited(tree, name)
	if err != nil {
		return corpus.Entry{}, inFile(file, err)
	}
	switch {
	case corpus.IsPack(data):
		return corpus.Entry{}, fmt.Errorf("%s: a pack: corpus merge adds it to another", file)
	case triage.IsGolden(data) && !c.raw:
		return parseGolden(file, data)
	}
	return c.parseInput(file, data)
}

// parseGolden reads the tape of a golden file.
func parseGolden(file string, data []byte) (corpus.Entry, error) {
	g, err := triage.ParseGolden(file, data)
	if err != nil {
		return corpus.Entry{}, err
	}
	if err := checkProgram(g.Program); err != nil {
		return corpus.Entry{}, fmt.Errorf("%s: %w", file, err)
	}
	return corpus.Entry{Program: g.Program, Label: labelOf(filepath.Base(file)), Tape: g.Tape}, nil
}

// parseInput reads an input of an engine.
func (c *command) parseInput(file string, data []byte) (_ corpus.Entry, err error) {
	program, target := c.program, gofile.TargetOfData(file, data)
	if program == "" {
		program = target
	}
	if program == "" {
		return corpus.Entry{}, &noProgramError{file}
	}
	if err := checkProgram(program); err != nil {
		return corpus.Entry{}, fmt.Errorf("%s: %w", file, err)
	}
	// Raw bytes are never an error, so a file in the place of the Go fuzzer's that does not
	// read as one must not be taken for raw bytes.
	if !c.raw && (target != "" || gofile.Is(data)) {
		if data, err = gofile.Parse(file, data); err != nil {
			return corpus.Entry{}, err
		}
	}
	r, err := c.runner(program)
	if err != nil {
		return corpus.Entry{}, fmt.Errorf("%s: %w", file, err)
	}
	e := corpus.Entry{Program: program, Label: labelOf(filepath.Base(file)), Tape: r.TapeOf(data)}
	if n := len(e.Tape.Bytes()); n > corpus.MaxDigits {
		return corpus.Entry{}, fmt.Errorf("%s: %d digits are beyond the limit of %d",
			file, n, corpus.MaxDigits)
	}
	return e, nil
}

// runner returns the runner of the program or target of that name, for inputs whose end is
// drawn. It is kept until the command ends.
func (c *command) runner(name string) (*schedule.Runner, error) {
	if r, ok := c.runners[name]; ok {
		return r, nil
	}
	p, err := kmodel.ProgramOf(name)
	if err != nil {
		return nil, err
	}
	r := schedule.NewRunner(p.Schedule())
	c.runners[name] = r
	return r, nil
}

// close gives back what the command holds.
func (c *command) close() {
	for _, r := range c.runners {
		r.Close()
	}
}

func readLimited(tree fs.FS, name string) ([]byte, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("larger than the limit of %d bytes", maxFile)
	}
	return data, err
}

// labelOf returns the name of a file if a person may have given it: not the hash that Go,
// libFuzzer and go-fuzz take for a name.
func labelOf(base string) string {
	if _, err := hex.DecodeString(base); err == nil && len(base) >= 16 || !corpus.IsLabel(base) {
		return ""
	}
	return base
}

// inFile puts the name of a file in front of what is wrong with it, once.
func inFile(name string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
