package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The names in a data directory. The package comment says what is in them.
const (
	corpusFile   = "corpus.pack"
	failingFile  = "failing.pack"
	stateFile    = "state.json"
	failuresDir  = "failures"
	orderDir     = "lockdep"
	nativeDir    = "native"
	tempPrefix   = ".tmp-" // of what is being written
	turnPrefix   = "turn-" // of the directory of a turn of the Go fuzzer
	stateSchema  = "kschedfuzz-state/"
	stateVersion = stateSchema + "1"
)

// A store is a data directory, opened for writing. It is safe for concurrent use. The lock
// of its corpus keeps a second instance out.
type store struct {
	dir     string
	entries int                  // most of the corpus, for the memory that they take
	limit   int64                // bytes of disk
	kept    func(e corpus.Entry) // is told of an entry once it is on the disk
	log     *log.Logger
	corpus  *corpus.Writer
	failing *corpus.Writer

	mu      sync.Mutex
	other   int64          // bytes of everything but the corpus
	pending []corpus.Entry // appended, and not yet on the disk
	dropped int64          // entries that there was no room for
}

// openStore opens the data directory, and makes it if there is none.
func openStore(dir string, disk, memory int64, log *log.Logger) (_ *store, err error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	for _, d := range []string{"", failuresDir, orderDir, nativeDir} {
		d = filepath.Join(dir, d)
		if err := os.MkdirAll(d, 0o777); err != nil {
			return nil, inFile(d, err)
		}
	}
	s := &store{dir: dir, limit: disk, entries: int(memory / bytesPerInput), log: log}
	if s.corpus, err = corpus.OpenWriter(filepath.Join(dir, corpusFile)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.failing, err = corpus.OpenWriter(filepath.Join(dir, failingFile)); err != nil {
		return nil, err
	}
	if err := s.clean(); err != nil {
		return nil, err
	}
	s.measure()
	return s, nil
}

// checkDir refuses a directory that has something else in it, and nothing that is worth keeping of
// ours. It may have a part of that: the rest is made again.
func checkDir(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return inFile(dir, err)
	}
	others := false
	for _, d := range list {
		name := strings.TrimSuffix(d.Name(), ".lock")
		if slices.Contains([]string{corpusFile, failingFile, stateFile}, name) {
			return nil
		}
		others = others || !slices.Contains([]string{failuresDir, orderDir, nativeDir}, name)
	}
	if others {
		return fmt.Errorf("%s: no data directory: there are files, and no %s among them; "+
			"name one that is new or empty", dir, corpusFile)
	}
	return nil
}

// clean removes what a process that was killed has not finished.
func (s *store) clean() error {
	for _, dir := range []string{"", failuresDir, orderDir, nativeDir} {
		dir = filepath.Join(s.dir, dir)
		list, err := os.ReadDir(dir)
		if err != nil {
			return inFile(dir, err)
		}
		for _, d := range list {
			if strings.HasPrefix(d.Name(), tempPrefix) || strings.HasPrefix(d.Name(), turnPrefix) {
				if err := os.RemoveAll(filepath.Join(dir, d.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// measure finds out how much of the disk everything but the corpus takes, of what can be read.
func (s *store) measure() {
	var sum int64
	filepath.WalkDir(s.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == corpusFile {
			return nil
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	s.mu.Lock()
	s.other = sum
	s.mu.Unlock()
}

// ignoreGone makes nothing of a file that was removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// used returns the bytes of disk that the directory takes, and how many inputs there was
// no room for.
func (s *store) used() (bytes, dropped int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.other + s.corpus.Pack().Size(), s.dropped
}

// hasRoom reports whether one more tape may be kept, and if not counts it.
func (s *store) hasRoom() bool {
	pack := s.corpus.Pack()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.other+pack.Size() < s.limit && pack.Size() < corpus.MaxPack-1<<20 && pack.Len() < s.entries {
		return true
	}
	s.dropped++
	return false
}

// keep adds a tape to the corpus. It is on the disk after the next sync.
func (s *store) keep(program string, tape schedule.Tape) error {
	e := corpus.Entry{Program: program, Tape: tape}
	added, err := s.corpus.Append(e)
	if added {
		s.mu.Lock()
		s.pending = append(s.pending, e)
		s.mu.Unlock()
	}
	return err
}

// sync brings what was kept to the disk.
func (s *store) sync() error {
	s.mu.Lock()
	pending := s.pending
	s.pending = nil
	s.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	if err := s.corpus.Sync(); err != nil {
		return err
	}
	for _, e := range pending {
		s.kept(e)
	}
	return nil
}

// keepFailing adds a tape that fails to those whose reports are to be made, on the disk. The
// limit of the disk is not for them: there are few.
func (s *store) keepFailing(program string, tape schedule.Tape) error {
	if _, err := s.failing.Append(corpus.Entry{Program: program, Tape: tape}); err != nil {
		return err
	}
	return s.failing.Sync()
}

// close lets the next instance in.
func (s *store) close() error {
	err := s.corpus.Close()
	if s.failing != nil {
		err = errors.Join(err, s.failing.Close())
	}
	return err
}

// A state is what is remembered from one start to the next, beside corpus and reports.
type state struct {
	Schema  string            `json:"schema"`
	Starts  int               `json:"starts"`
	Seconds float64           `json:"seconds"` // that it ran for
	Targets map[string]Totals `json:"targets"`
	// Failures has for each report how many executions failed in that way.
	Failures map[string]int64 `json:"failures"`
}

// loadState reads the state. A directory that is new has an empty one. So has one whose state
// cannot be read: that is counts only, and is set aside.
func (s *store) loadState() (state, error) {
	var st state
	name := filepath.Join(s.dir, stateFile)
	err := readJSON(name, &st)
	switch {
	case err == nil && st.Schema == stateVersion:
		return st, nil
	case err == nil && strings.HasPrefix(st.Schema, stateSchema):
		return state{}, fmt.Errorf("%s: %q, want %q: written by another version",
			name, st.Schema, stateVersion)
	case errors.Is(err, os.ErrNotExist):
		return state{Schema: stateVersion}, nil
	case err == nil:
		err = fmt.Errorf("%s: %q, want %q", name, st.Schema, stateVersion)
	}
	s.log.Printf("%v; it has counts only, which begin anew", err)
	return state{Schema: stateVersion}, s.setAside(stateFile)
}

// saveState replaces the state.
func (s *store) saveState(st state) error {
	data, err := json.MarshalIndent(st, "", "\t")
	if err != nil {
		return err
	}
	name := filepath.Join(s.dir, stateFile)
	next := filepath.Join(s.dir, tempPrefix+stateFile)
	if err := writeSynced(next, append(data, '\n')); err != nil {
		return err
	}
	if err := os.Rename(next, name); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// publish puts a directory with the given files into another. It is there whole or not. One that
// is there already may have something that a person has written: it is set aside.
func (s *store) publish(parent, name string, files map[string][]byte) error {
	next := filepath.Join(s.dir, parent, tempPrefix+name)
	if err := os.Mkdir(next, 0o777); err != nil {
		return inFile(next, err)
	}
	var sum int64
	for file, data := range files {
		if err := writeSynced(filepath.Join(next, file), data); err != nil {
			return err
		}
		sum += int64(len(data))
	}
	if err := syncDir(next); err != nil {
		return err
	}
	if err := s.setAside(filepath.Join(parent, name)); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(s.dir, parent, name)); err != nil {
		return err
	}
	s.mu.Lock()
	s.other += sum
	s.mu.Unlock()
	return syncDir(filepath.Join(s.dir, parent))
}

// setAside gives what has that name in the data directory another one, if there is anything: with
// the first number behind it that is free.
func (s *store) setAside(name string) error {
	exists := func(name string) bool {
		_, err := os.Lstat(filepath.Join(s.dir, name))
		return err == nil
	}
	if !exists(name) {
		return nil
	}
	n := 1
	for exists(aside(name, n)) {
		n++
	}
	to := aside(name, n)
	if err := os.Rename(filepath.Join(s.dir, name), filepath.Join(s.dir, to)); err != nil {
		return err
	}
	s.log.Printf("%s is %s now: another takes its place", name, to)
	return nil
}

func aside(name string, n int) string { return fmt.Sprintf("%s.%d", name, n) }

// reportName is how the name of the directory of a report ends.
var reportName = regexp.MustCompile(`-[0-9a-f]{8}$`)

// reports returns the names of the reports in a directory. What else a person may have put there,
// and what was set aside, is none.
func (s *store) reports(parent string) (names []string, err error) {
	parent = filepath.Join(s.dir, parent)
	list, err := os.ReadDir(parent)
	if err != nil {
		return nil, inFile(parent, err)
	}
	for _, d := range list {
		info, err := os.Stat(filepath.Join(parent, d.Name()))
		if err == nil && info.IsDir() && reportName.MatchString(d.Name()) {
			names = append(names, d.Name())
		}
	}
	return names, nil
}

// unreadable says what is wrong with a report.
func (s *store) unreadable(err error) {
	s.log.Printf("%v; the report is made again if it is still so", err)
}

func readJSON(name string, v any) error {
	data, err := readFile(name)
	if err == nil {
		if err = json.Unmarshal(data, v); err != nil {
			err = inFile(name, err)
		}
	}
	return err
}

func readFile(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		err = inFile(name, err)
	}
	return data, err
}

func writeSynced(name string, data []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return inFile(name, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return inFile(name, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return inFile(dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return inFile(dir, err)
	}
	return nil
}
