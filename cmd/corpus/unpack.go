package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
)

// A form is how an entry becomes a file.
type form struct {
	content func(input []byte) []byte
	name    func(content []byte) string // as the engine would name it
}

var (
	goForm  = form{content: gofile.Format, name: gofile.Name}
	rawForm = form{
		content: func(input []byte) []byte { return input },
		name:    func(b []byte) string { return fmt.Sprintf("%x", sha1.Sum(b)) },
	}
)

// unpack writes entries as files.
func (c *command) unpack(names []string) error {
	if c.out == "" {
		return errors.New("-o is missing: the directory or zip to write to")
	}
	put, finish, err := c.sink()
	if err != nil {
		return err
	}
	return c.unpackTo(put, finish, names)
}

// unpackTo says what was written when all of it is: a zip comes to its file at the end.
func (c *command) unpackTo(put putter, finish func(error) error, names []string) error {
	written, known := 0, 0
	packs, err := c.openAll(names)
	if err == nil {
		written, known, err = c.unpackAll(packs, put)
	}
	if err := finish(err); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s: %d written, %d there already\n", c.out, written, known)
	return nil
}

// A putter writes one entry. It reports whether it was there already.
type putter func(e corpus.Entry) (known bool, err error)

// sink returns what writes the format asked for. Finish is called with what went wrong
// until then, and returns what went wrong in all.
func (c *command) sink() (put putter, finish func(error) error, err error) {
	nothing := func(err error) error { return err }
	info, err := os.Stat(c.out)
	switch there := err == nil; {
	case c.format == "zip" && there:
		return nil, nil, fmt.Errorf("-o %s: there is such a file; no file is overwritten", c.out)
	case c.format != "zip" && there && !info.IsDir():
		return nil, nil, fmt.Errorf("-o %s: a file, want a directory", c.out)
	}
	switch c.format {
	case "go":
		return intoDir(c.out, goForm), nothing, nil
	case "raw":
		return intoDir(c.out, rawForm), nothing, nil
	case "zip":
		return intoZip(c.out)
	}
	return nil, nil, fmt.Errorf("-format %s: want go, raw or zip", c.format)
}

// unpackAll gives the entries asked for to put, and counts them.
func (c *command) unpackAll(packs []*corpus.Pack, put putter) (written, known int, err error) {
	total := 0
	for _, p := range packs {
		total += p.Len()
	}
	bar := c.progress("unpack", total)
	defer bar.done()
	for _, p := range packs {
		for e := range p.All() {
			bar.step()
			if c.program != "" && e.Program != c.program {
				continue
			}
			there, err := put(e)
			if err != nil {
				return written, known, err
			}
			if there {
				known++
			} else {
				written++
			}
		}
	}
	if c.program != "" && written+known == 0 {
		err = fmt.Errorf("-program %s: no entry is for it; to see which there are: corpus stat",
			c.program)
	}
	return written, known, err
}

// intoDir writes files dir/program/name.
func intoDir(dir string, f form) putter {
	given := map[string]bool{} // labels, which need not be unique
	return func(e corpus.Entry) (known bool, err error) {
		if !filepath.IsLocal(filepath.FromSlash(e.Program)) {
			return false, fmt.Errorf("program %q: not the name of a directory", e.Program)
		}
		dir := filepath.Join(dir, filepath.FromSlash(e.Program))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return false, inFile(dir, err)
		}
		content := f.content(e.Tape.Bytes())
		name := filepath.Join(dir, e.Label)
		if e.Label == "" || given[name] {
			name = filepath.Join(dir, f.name(content))
		}
		given[name] = true
		return writeNew(name, content)
	}
}

// writeNew writes a file, unless it is there with that content.
func writeNew(name string, content []byte) (known bool, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, os.ErrExist) {
		if there, err := os.ReadFile(name); err == nil && bytes.Equal(there, content) {
			return true, nil
		}
		return false, fmt.Errorf("%s: there is another file of that name", name)
	}
	if err != nil {
		return false, inFile(name, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, errors.Join(inFile(name, err), os.Remove(name))
	}
	return false, nil
}

// intoZip writes a zip of raw files, for one program.
func intoZip(name string) (put putter, finish func(error) error, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, nil, inFile(name, err)
	}
	z := zip.NewWriter(f)
	program, given := "", map[string]bool{}
	put = func(e corpus.Entry) (known bool, err error) {
		if program != "" && e.Program != program {
			return false, fmt.Errorf("entries for %s and for %s: a zip is for one: add -program name",
				program, e.Program)
		}
		program = e.Program
		content := e.Tape.Bytes()
		base := rawForm.name(content)
		if given[base] {
			return true, nil
		}
		given[base] = true
		w, err := z.Create(base)
		if err == nil {
			_, err = w.Write(content)
		}
		return false, err
	}
	return put, func(err error) error { return finishZip(name, f, z, err) }, nil
}

// finishZip closes a zip, and removes one that is not whole.
func finishZip(name string, f, z io.Closer, err error) error {
	if closed := errors.Join(z.Close(), f.Close()); err == nil && closed != nil {
		err = inFile(name, closed)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
