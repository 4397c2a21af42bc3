package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/internal/plural"
)

// MaxPack is the size of the largest pack, in bytes. A pack is read into memory whole;
// this much is some ten million entries.
const MaxPack = 1 << 30

// version is that of the format in which packs are made. Those before it are read, and
// appended to in their own.
const version = 2

// header is the first line of a pack that is made.
var header = headerOf(version)

func headerOf(version int) string {
	line := fmt.Sprintf("kschedfuzz corpus v%d ", version)
	return fmt.Sprintf("%s%016x\n", line, xxhash.Sum64String(line))
}

// A Pack is the content of a pack at the time when it was opened. It is safe for
// concurrent use.
type Pack struct {
	name    string
	version int     // of the format; entries of others may be in it all the same
	data    []byte  // the file
	entries []int64 // where the intact entries begin, in the order of the file
	damage  []Damage
}

// A Damage is a part of a pack that cannot be read.
type Damage struct {
	Offset, Size int64
	Err          error // what is wrong with it

	// What was there, if the head of the entry is intact; else Program is empty.
	Program, Label string
	Digits         int // of its tape, in text
	ID             uint64
}

// String says in one line where the damage is, what is lost and why.
func (d Damage) String() string {
	where := fmt.Sprintf("offset %d, %s: ", d.Offset, plural.Of(d.Size, "byte"))
	switch {
	case errors.Is(d.Err, errHeader):
		return where + "no entry is lost: " + d.Err.Error()
	case d.Program == "":
		return where + "lost an entry, or what was left of one: " + d.Err.Error()
	}
	label := ""
	if d.Label != "" {
		label = ", label " + d.Label
	}
	return fmt.Sprintf("%slost entry %016x of %s%s, %s: %v",
		where, d.ID, d.Program, label, plural.Of(d.Digits, "digit"), d.Err)
}

// atEnd reports whether d is what is there of an entry that goes on beyond the end of the file,
// which has that size.
func (d Damage) atEnd(size int) bool {
	return errors.Is(d.Err, errCut) && d.Offset+d.Size == int64(size)
}

// errHeader is the error of a first line that is not whole.
var errHeader = errors.New("the first line of the file is damaged")

// IsPack reports whether a file that begins so is a pack, of any version.
func IsPack(data []byte) bool { return bytes.HasPrefix(data, []byte("kschedfuzz corpus v")) }

// Open reads a pack. Damage is no error: see [Pack.Damage]. A file that is not a pack is
// one, and so is a pack of another version.
func Open(name string) (*Pack, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, inFile(name, err)
	}
	defer f.Close()
	return load(name, f)
}

// load reads a pack from its open file.
func load(name string, f io.Reader) (*Pack, error) {
	data, err := io.ReadAll(io.LimitReader(f, MaxPack+1))
	if err != nil {
		return nil, inFile(name, err)
	}
	return Decode(name, data)
}

// Decode is Open for the content of a file that is in memory. It keeps data. The name is
// for messages.
func Decode(name string, data []byte) (*Pack, error) {
	if len(data) > MaxPack {
		return nil, fmt.Errorf("%s: larger than the limit of %d bytes", name, MaxPack)
	}
	p := &Pack{name: name, data: data}
	start, err := p.readHeader()
	if err == nil {
		err = p.scan(start)
	}
	if err == nil && start > 0 && len(p.entries) == 0 && !p.mayBePack() {
		err = errors.New("not a pack of kschedfuzz")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// readHeader returns where the first entry should be.
func (p *Pack) readHeader() (start int, err error) {
	p.version = version
	if v, ok := writtenVersion(p.data); ok {
		if v < 1 || v > version {
			return 0, fmt.Errorf("a pack of version %d, this version of kschedfuzz reads 1 to %d",
				v, version)
		}
		p.version = v
		return len(headerOf(v)), nil
	}
	if start = nextMarker(p.data, 0); len(p.data) > 0 {
		p.damage = append(p.damage, Damage{Size: int64(start), Err: errHeader})
	}
	return start, nil
}

// writtenVersion returns the version of the first line of data, if that is whole.
func writtenVersion(data []byte) (v int, ok bool) {
	line, _, _ := strings.Cut(string(data[:min(len(data), 64)]), "\n")
	if _, err := fmt.Sscanf(line, "kschedfuzz corpus v%d ", &v); err != nil {
		return 0, false
	}
	return v, strings.HasPrefix(string(data[:min(len(data), 64)]), headerOf(v))
}

// mayBePack reports whether a file without a whole entry is a pack all the same: its
// first line is whole, or as much of it as was written.
func (p *Pack) mayBePack() bool {
	for v := 1; v <= version; v++ {
		if line := headerOf(v); strings.HasPrefix(line, string(p.data[:min(len(p.data), len(line))])) {
			return true
		}
	}
	return false
}

// scan finds the entries from there on.
func (p *Pack) scan(pos int) error {
	for pos < len(p.data) {
		_, h, err := parseFrame(p.data[pos:])
		if err == nil {
			if len(p.entries) == 0 && len(p.damage) > 0 && errors.Is(p.damage[0].Err, errHeader) {
				p.version = h.version // the first line does not say
			}
			p.entries = append(p.entries, int64(pos))
			pos += h.size + h.payload
			continue
		}
		if _, newer := errors.AsType[dictionaryError](err); newer {
			return fmt.Errorf("offset %d: %w", pos, err)
		}
		next := nextMarker(p.data, pos+1)
		if h.size > 0 { // its head is intact and says where it ends
			next = min(next, pos+h.size+h.payload)
		}
		p.damage = append(p.damage, Damage{
			Offset: int64(pos), Size: int64(next - pos), Err: err,
			Program: h.program, Label: h.label, Digits: h.digits, ID: h.id,
		})
		pos = next
	}
	return nil
}

// nextMarker returns where the next entry may begin, or the end.
func nextMarker(data []byte, pos int) int {
	next := len(data)
	for _, marker := range markers[1:] {
		if i := bytes.Index(data[pos:next], []byte(marker)); i >= 0 {
			next = pos + i
		}
	}
	return next
}

// Name returns the name of the file.
func (p *Pack) Name() string { return p.name }

// Size returns the size of the file in bytes.
func (p *Pack) Size() int64 { return int64(len(p.data)) }

// Len returns how many entries are intact.
func (p *Pack) Len() int { return len(p.entries) }

// Entry returns the intact entry i, counted from 0 in the order of the file. Its tape is
// the caller's.
func (p *Pack) Entry(i int) Entry {
	e, _, err := parseFrame(p.data[p.entries[i]:])
	if err != nil {
		panic(fmt.Sprintf("%s: offset %d: was intact: %v", p.name, p.entries[i], err))
	}
	return e
}

// All returns the intact entries in the order of the file.
func (p *Pack) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := range p.entries {
			if !yield(p.Entry(i)) {
				return
			}
		}
	}
}

// Damage returns what cannot be read, in the order of the file. An entry that a writer is
// writing at the moment may be seen as damage at the end of the file.
func (p *Pack) Damage() []Damage { return p.damage }

// inFile puts the name of the file in front of what is wrong with it, once.
func inFile(name string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
