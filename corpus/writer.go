package corpus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// A Writer appends to a pack. There is one at a time, over all processes; a file beside
// the pack, with .lock behind its name, says who. It is safe for concurrent use.
type Writer struct {
	mu     sync.Mutex
	pack   Pack
	index  map[uint64]int // id, or the next number that was free, to number of entry
	file   file
	unlock func() error
	err    error // of a Sync or Close: nothing is certain any more
}

// A file is what a Writer needs of an *os.File.
type file interface {
	WriteAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

var errClosed = errors.New("the writer is closed")

// OpenWriter opens a pack to append to it, and makes it if there is none. An entry at the end
// of the file of which a part is missing, since the writer before was killed within Append, is
// taken off. If another writer has the pack the error says who.
func OpenWriter(name string) (*Writer, error) { return openWriter(name, os.O_CREATE, asFile) }

// Create makes a new pack. A file of that name is an error.
func Create(name string) (*Writer, error) {
	return openWriter(name, os.O_CREATE|os.O_EXCL, asFile)
}

// asFile is what tests have another of, for a disk that is full.
func asFile(f *os.File) file { return f }

// openWriter opens or makes a pack. One that it has made and cannot begin is gone again: an empty
// file would be in the way of the next try.
func openWriter(name string, flags int, as func(*os.File) file) (*Writer, error) {
	name, err := resolve(name)
	if err != nil {
		return nil, err
	}
	unlock, err := lock(name)
	if err != nil {
		return nil, err
	}
	_, missing := os.Lstat(name)
	w, err := newWriter(name, flags, as)
	if err != nil {
		if errors.Is(missing, os.ErrNotExist) {
			os.Remove(name) // there is none if that is what could not be made
		}
		return nil, errors.Join(err, unlock())
	}
	w.unlock = unlock
	return w, nil
}

func newWriter(name string, flags int, as func(*os.File) file) (_ *Writer, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|flags, 0o644)
	if err != nil {
		return nil, inFile(name, err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	p, err := load(name, f)
	if err != nil {
		return nil, err
	}
	w := &Writer{pack: *p, index: make(map[uint64]int, p.Len()), file: as(f)}
	for i := range p.entries {
		w.remember(i)
	}
	if p.Len() == 0 && p.mayBePack() && len(p.data) < len(header) {
		return w, w.begin()
	}
	return w, w.takeBack()
}

// begin writes the first line of a file that has none, or a part of it.
func (w *Writer) begin() error {
	w.pack.data, w.pack.damage, w.pack.version = nil, nil, version
	if err := w.write([]byte(header)); err != nil {
		return err
	}
	return osDisk{}.syncDir(filepath.Dir(w.pack.name))
}

// takeBack takes an append off the end of the file that was cut when its process ended: the
// kernel stops a write between two pages. Append had not returned.
func (w *Writer) takeBack() error {
	p := &w.pack
	last := len(p.damage) - 1
	if last < 0 || !p.damage[last].atEnd(len(p.data)) {
		return nil
	}
	end := p.damage[last].Offset
	p.data, p.damage = p.data[:end], p.damage[:last]
	if err := w.file.Truncate(end); err != nil {
		return inFile(p.name, err)
	}
	return nil
}

// remember puts entry i into the index, unless the same is there.
func (w *Writer) remember(i int) {
	e := w.pack.Entry(i)
	if at, known := w.find(e); !known {
		w.index[at] = i
	}
}

// find returns where in the index e is, or should be. Two entries of one id, if there
// ever are, take two places.
func (w *Writer) find(e Entry) (at uint64, known bool) {
	for at = e.ID(); ; at++ {
		i, taken := w.index[at]
		if !taken {
			return at, false
		}
		if w.pack.Entry(i).same(e) {
			return at, true
		}
	}
}

// Append adds e to the pack, unless the same tape for the same program is there; then
// the label that is there stays. Once Append has returned, the entry survives the end
// of the process; see [Writer.Sync]. After an error the pack is what it was before.
func (w *Writer) Append(e Entry) (added bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return false, inFile(w.pack.name, w.err)
	}
	at, known := w.find(e)
	if known {
		return false, nil
	}
	frame, err := appendFrame(nil, w.pack.version, e)
	if err != nil {
		return false, fmt.Errorf("%s: %w", w.pack.name, err)
	}
	start := len(w.pack.data)
	if start+len(frame) > MaxPack {
		return false, fmt.Errorf("%s: full: the limit is %d bytes", w.pack.name, MaxPack)
	}
	if err := w.write(frame); err != nil {
		return false, err
	}
	w.index[at] = len(w.pack.entries)
	w.pack.entries = append(w.pack.entries, int64(start))
	return true, nil
}

// write appends b to the file and to what is known of it: to both, or to neither. What
// has been written of it is taken back; where even that fails, the next write goes over
// it, and a reader steps over the rest.
func (w *Writer) write(b []byte) error {
	end := int64(len(w.pack.data))
	if _, err := w.file.WriteAt(b, end); err != nil {
		return errors.Join(inFile(w.pack.name, err), w.file.Truncate(end))
	}
	w.pack.data = append(w.pack.data, b...)
	return nil
}

// Sync brings everything that has been appended to the disk: it survives a loss of power.
// After an error nothing is certain, and the writer refuses to go on.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sync()
}

func (w *Writer) sync() error {
	if w.err == nil {
		w.err = w.file.Sync()
	}
	if w.err != nil {
		return inFile(w.pack.name, w.err)
	}
	return nil
}

// Pack returns what is in the pack now.
func (w *Writer) Pack() *Pack {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pack // what is appended later lies behind its slices
	return &p
}

// Close syncs, and lets the next writer in. A closed writer can be closed again.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unlock == nil {
		return nil
	}
	err := errors.Join(w.sync(), w.file.Close(), w.unlock())
	w.unlock, w.err = nil, errClosed
	return err
}

// resolve follows symbolic links, for the lock and the copies of a compaction to be
// beside the file itself. The file need not exist.
func resolve(name string) (string, error) {
	real, err := filepath.EvalSymlinks(name)
	if errors.Is(err, os.ErrNotExist) {
		return name, nil
	}
	if err != nil {
		return "", inFile(name, err)
	}
	return real, nil
}
