package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	tempPrefix   = ".tmp-"             // of what is being written
	oldPrefix    = tempPrefix + "old-" // of what it takes the place of
	turnPrefix   = "turn-"             // of the directory of a turn of the Go fuzzer
	stateVersion = "kschedfuzz-state/1"
)

// A store is a data directory, opened for writing. It is safe for concurrent use. The lock
// of its corpus keeps a second instance out.
type store struct {
	dir     string
	entries int                  // most of the corpus, for the memory that they take
	limit   int64                // bytes of disk
	kept    func(e corpus.Entry) // is told of an entry once it is on the disk
	corpus  *corpus.Writer
	failing *corpus.Writer

	mu      sync.Mutex
	other   int64          // bytes of everything but the corpus
	pending []corpus.Entry // appended, and not yet on the disk
	dropped int64          // entries that there was no room for
}

// openStore opens the data directory, and makes it if there is none.
func openStore(dir string, disk, memory int64) (_ *store, err error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	for _, d := range []string{"", failuresDir, orderDir, nativeDir} {
		d = filepath.Join(dir, d)
		if err := os.MkdirAll(d, 0o777); err != nil {
			return nil, inFile(d, err)
		}
	}
	s := &store{dir: dir, limit: disk, entries: int(memory / bytesPerInput)}
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
	return s, s.measure()
}

// checkDir refuses a directory that has something else in it.
func checkDir(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return inFile(dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, corpusFile)); err != nil {
		return fmt.Errorf("%s: no data directory: there are files, and no %s among them; "+
			"name one that is new or empty", dir, corpusFile)
	}
	return nil
}

// clean removes what a process that was killed has not finished, and undoes half a renew.
func (s *store) clean() error {
	for _, dir := range []string{"", failuresDir, orderDir, nativeDir} {
		dir = filepath.Join(s.dir, dir)
		list, err := os.ReadDir(dir)
		if err != nil {
			return inFile(dir, err)
		}
		for _, d := range list {
			if !strings.HasPrefix(d.Name(), tempPrefix) && !strings.HasPrefix(d.Name(), turnPrefix) {
				continue
			}
			left := filepath.Join(dir, d.Name())
			if name, old := strings.CutPrefix(d.Name(), oldPrefix); old &&
				os.Rename(left, filepath.Join(dir, name)) == nil { // unless the new one is there
				continue
			}
			if err := os.RemoveAll(left); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure finds out how much of the disk everything but the corpus takes.
func (s *store) measure() error {
	var sum int64
	err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == corpusFile {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return ignoreGone(err)
	})
	s.mu.Lock()
	s.other = sum
	s.mu.Unlock()
	return err
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

// loadState reads the state. A directory that is new has an empty one.
func (s *store) loadState() (state, error) {
	name := filepath.Join(s.dir, stateFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return state{Schema: stateVersion}, nil
	}
	if err != nil {
		return state{}, inFile(name, err)
	}
	var st state
	if err := json.Unmarshal(data, &st); err != nil {
		return state{}, fmt.Errorf("%s: %w; it has counts only: remove it to go on without them",
			name, err)
	}
	if st.Schema != stateVersion {
		return state{}, fmt.Errorf("%s: %q, want %q: written by another version",
			name, st.Schema, stateVersion)
	}
	return st, nil
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

// publish puts a directory with the given files into another. It is there whole or not.
func (s *store) publish(parent, name string, files map[string][]byte) error {
	parent = filepath.Join(s.dir, parent)
	next := filepath.Join(parent, tempPrefix+name)
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
	if err := os.Rename(next, filepath.Join(parent, name)); err != nil {
		return err
	}
	s.mu.Lock()
	s.other += sum
	s.mu.Unlock()
	return syncDir(parent)
}

// renew is publish of a directory that may be there already. At no time is a part of one there,
// and if the process ends before the new one is, clean brings the old one back.
func (s *store) renew(parent, name string, files map[string][]byte) error {
	dir := filepath.Join(s.dir, parent, name)
	old := filepath.Join(s.dir, parent, oldPrefix+name)
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := s.publish(parent, name, files); err != nil {
		return err
	}
	return os.RemoveAll(old)
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
