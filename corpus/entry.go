package corpus

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// MaxDigits is the most digits that a tape may have, in text. The longest workload of
// the models takes some hundred; an execution of schedule.DefaultMaxSteps steps, few
// more than that.
const MaxDigits = 1 << 20

// MaxName is the most bytes that a program's name or a label may have.
const MaxName = 255

// An Entry is one tape of a corpus.
type Entry struct {
	// Program is the full name of a program (fs/aio/workload@1e) or the name of a fuzz
	// target (FuzzLookupIoctx), which may come to mean another program. This package does
	// not know which there are.
	Program string
	// Label is what a person called the tape, or empty. It is a name that a file could
	// have: letters, digits, '.', '_' and '-', the first no '.'. It is not part of what
	// makes two entries the same.
	Label string
	// Tape is canonical in whatever comes out of a pack.
	Tape schedule.Tape
}

// ID returns the number that stands for the entry: the hash of program and canonical
// tape.
func (e Entry) ID() uint64 { return e.id(e.Tape.Canonical().Bytes()) }

func (e Entry) id(digits []byte) uint64 {
	var h xxhash.Digest
	h.Reset()
	h.WriteString(e.Program)
	h.Write([]byte{0})
	h.Write(digits)
	return h.Sum64()
}

// Compare orders entries: by program, then simpler tapes first (fewer digits, then lower
// ones), then by label.
func (e Entry) Compare(f Entry) int {
	s, t := e.Tape.Canonical(), f.Tape.Canonical()
	return cmp.Or(
		cmp.Compare(e.Program, f.Program),
		cmp.Compare(len(s), len(t)),
		slices.Compare(s, t),
		cmp.Compare(e.Label, f.Label),
	)
}

// same reports whether e and f are one entry of a corpus.
func (e Entry) same(f Entry) bool {
	return e.Program == f.Program && slices.Equal(e.Tape.Canonical(), f.Tape.Canonical())
}

// IsLabel reports whether s may be the label of an entry.
func IsLabel(s string) bool {
	if s == "" || len(s) > MaxName || s[0] == '.' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// check says why e cannot be in a corpus.
func (e Entry) check() error {
	switch {
	case e.Program == "":
		return errors.New("no program: an entry says what its tape is for")
	case len(e.Program) > MaxName:
		return fmt.Errorf("program: %d bytes are beyond the limit of %d", len(e.Program), MaxName)
	case strings.ContainsFunc(e.Program, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("program %q: not a name: want letters, digits and punctuation", e.Program)
	case e.Label != "" && !IsLabel(e.Label):
		return fmt.Errorf("label %q: want up to %d letters, digits, '.', '_', '-'", e.Label, MaxName)
	}
	if i := slices.Index(e.Tape, schedule.MaxAlternatives); i >= 0 {
		return fmt.Errorf("decision %d: %d is beyond the limit of %d alternatives",
			i, e.Tape[i], schedule.MaxAlternatives)
	}
	return nil
}

// An entry's frame is what it is in the file.

// markers begin the frames of each version of the format, from 1 on.
var markers = [...]string{1: "\xf5kse", 2: "\xf5ksf"}

const (
	markerSize = 4
	checkSize  = 4 // of a checksum: the low half of xxhash64
	idSize     = 8
	// maxPayload is that of the longest tape, uncompressed; a compressed payload is
	// shorter than that, else it would not be compressed.
	maxPayload = (MaxDigits + 1) / 2
)

// fixedSize returns the size of a frame of that version up to its first varint.
func fixedSize(version int) int {
	if version == 1 {
		return markerSize + checkSize + idSize
	}
	return markerSize + checkSize + idSize + checkSize
}

// checksum returns the low half of the hash of b.
func checksum(b []byte) uint32 { return uint32(xxhash.Sum64(b)) }

// versionOf returns the version whose marker b begins with, 0 if it is none.
func versionOf(b []byte) int {
	for v, marker := range markers {
		if marker != "" && strings.HasPrefix(string(b[:min(len(b), markerSize)]), marker) {
			return v
		}
	}
	return 0
}

// A frameHead is a frame without its payload.
type frameHead struct {
	version         int
	sum             uint32 // of the payload, from version 2 on
	id              uint64
	digits, payload int
	dictionary      int
	program, label  string
	size            int // of the head itself
}

// errCut is the error of a frame that goes on beyond the end of the file.
var errCut = errors.New("the file ends within it")

// A dictionaryError is a frame that a newer version has written.
type dictionaryError int

func (e dictionaryError) Error() string {
	return fmt.Sprintf("compressed with dictionary %d, this version has %d; update kschedfuzz",
		int(e), newest)
}

// appendFrame appends the frame of e in that version of the format, compressed with the
// newest dictionary.
func appendFrame(b []byte, version int, e Entry) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	text := e.Tape.Canonical().Bytes()
	if len(text) > MaxDigits {
		return nil, fmt.Errorf("tape: %d digits are beyond the limit of %d", len(text), MaxDigits)
	}
	payload, dictionary := compress(join(text))
	start := len(b)
	b = append(b, markers[version]...)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, e.id(text))
	if version > 1 {
		b = binary.LittleEndian.AppendUint32(b, checksum(payload))
	}
	for _, n := range []int{len(text), len(payload), dictionary, len(e.Program), len(e.Label)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = append(append(b, e.Program...), e.Label...)
	check := checksum(b[start+markerSize+checkSize:])
	binary.LittleEndian.PutUint32(b[start+markerSize:], check)
	return append(b, payload...), nil
}

// parseHead reads the head of the frame that b begins with.
func parseHead(b []byte) (frameHead, error) {
	version := versionOf(b)
	if len(b) >= markerSize && version == 0 {
		return frameHead{}, errors.New("no entry begins here")
	}
	if version == 0 || len(b) < fixedSize(version) {
		return frameHead{}, errCut
	}
	rest := b[fixedSize(version):]
	var n [5]int
	for i, limit := range [5]int{MaxDigits, maxPayload, 1 << 30, MaxName, MaxName} {
		v, used := binary.Uvarint(rest)
		if used == 0 {
			return frameHead{}, errCut
		}
		if used < 0 || v > uint64(limit) {
			return frameHead{}, errors.New("a number in its head is beyond the limit")
		}
		n[i], rest = int(v), rest[used:]
	}
	if len(rest) < n[3]+n[4] {
		return frameHead{}, errCut
	}
	h := frameHead{
		version: version,
		id:      binary.LittleEndian.Uint64(b[markerSize+checkSize:]),
		digits:  n[0], payload: n[1], dictionary: n[2],
		program: string(rest[:n[3]]), label: string(rest[n[3] : n[3]+n[4]]),
		size: len(b) - len(rest) + n[3] + n[4],
	}
	if binary.LittleEndian.Uint32(b[markerSize:]) != checksum(b[markerSize+checkSize:h.size]) {
		return frameHead{}, errors.New("its head has another checksum")
	}
	if version > 1 {
		h.sum = binary.LittleEndian.Uint32(b[fixedSize(version)-checkSize:])
	}
	return h, nil
}

// parseFrame reads the frame that b begins with, and says how long it is. If err is not
// nil but the head could be read, that is returned.
func parseFrame(b []byte) (e Entry, h frameHead, err error) {
	if h, err = parseHead(b); err != nil {
		return Entry{}, h, err
	}
	e = Entry{Program: h.program, Label: h.label}
	if err := e.check(); err != nil {
		return Entry{}, h, err
	}
	if len(b) < h.size+h.payload {
		return Entry{}, h, errCut
	}
	if h.dictionary > newest {
		return Entry{}, h, dictionaryError(h.dictionary)
	}
	payload := b[h.size : h.size+h.payload]
	if h.version > 1 && checksum(payload) != h.sum {
		return Entry{}, h, errors.New("its payload has another checksum")
	}
	packed, err := decompress(payload, h.dictionary, (h.digits+1)/2)
	if err != nil {
		return Entry{}, h, err
	}
	text := split(packed, h.digits)
	e.Tape = schedule.FromBytes(text).Canonical()
	if e.id(text) != h.id || string(e.Tape.Bytes()) != string(text) {
		return Entry{}, h, errors.New("its tape has another checksum")
	}
	return e, h, nil
}

// join puts two digits into every byte.
func join(text []byte) []byte {
	out := make([]byte, (len(text)+1)/2)
	for i, c := range text {
		out[i/2] |= c & 0xf << (i % 2 * 4)
	}
	return out
}

// split is the inverse of join.
func split(packed []byte, digits int) []byte {
	text := make([]byte, digits)
	for i := range text {
		text[i] = '0' + packed[i/2]>>(i%2*4)&0xf
	}
	return text
}
