package schedule

import (
	"fmt"
	"unicode/utf8"
)

// MaxAlternatives is the largest number of alternatives one decision may have.
// A decision is kept in one byte.
const MaxAlternatives = 255

// escape is the digit that does not end a decision: it adds escape to the value
// and the next digit goes on. Digits 0 to 14 end one.
const escape = 15

// A Tape is the decisions of an execution, in order. The end of the tape stands
// for 0 for ever. A decision out of range is reduced modulo the number of
// alternatives when it is taken, so every Tape is a valid schedule of every
// program.
//
// It has two written forms. The text ([Tape.String], [Parse]) is one
// hexadecimal digit a decision; a decision of 15 or more is written as one f
// for every 15 and a last digit below 15. The bytes ([Tape.Bytes],
// [FromBytes]) are what fuzzing engines mutate: the low four bits of every byte
// are the digit. The characters 0 to 9 are therefore the same in both, and the
// byte minimizer of the Go fuzzer, which tries '0' first, makes them easy to read
// as far as they are digits.
//
// Only ASCII is digits. Engines that know nothing of tapes make bytes of all values, and if
// each were a decision, a thread would hardly ever go on for more than a step, while most
// failures take a few switches far apart. So from its first byte that is not ASCII on an input
// says no decisions, but is what the rest of the execution is drawn from ([drawn]): whatever an
// engine changes there is another schedule of a sampler after the same beginning. Which
// decisions these are shows in an execution only ([Runner.TapeOf]), and a Tape has no such end.
type Tape []uint8

// FromBytes decodes the digits that in begins with, up to its drawn end. It never fails.
func FromBytes(in []byte) Tape {
	r := ByteReader{in: in[:digits(in)]}
	var s Tape
	for r.pos < len(r.in) {
		s = append(s, r.next())
	}
	return s
}

// Bytes encodes s such that FromBytes returns it again.
func (s Tape) Bytes() []byte { return s.encode("0123456789:;<=>?") }

// String encodes s in text such that Parse returns it again.
func (s Tape) String() string { return string(s.encode("0123456789abcdef")) }

func (s Tape) encode(digits string) []byte {
	out := make([]byte, 0, len(s))
	for _, d := range s {
		for ; d >= escape; d -= escape {
			out = append(out, digits[escape])
		}
		out = append(out, digits[d])
	}
	return out
}

// Parse reads the text form strictly: lower-case hexadecimal digits and nothing
// else. The error names the position, counted from 0.
func Parse(text string) (Tape, error) {
	var s Tape
	sum, open := 0, false
	for i := 0; i < len(text); i++ {
		var d int
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			d = int(c - '0')
		case 'a' <= c && c <= 'f':
			d = int(c-'a') + 10
		default:
			return nil, fmt.Errorf("tape position %d: %q is not a hex digit (0-9, a-f)", i, c)
		}
		sum += d
		if sum >= MaxAlternatives {
			return nil, fmt.Errorf("tape position %d: decision %d is beyond the limit of %d alternatives",
				i, sum, MaxAlternatives)
		}
		if open = d == escape; open {
			continue
		}
		s = append(s, uint8(sum))
		sum = 0
	}
	if open {
		return nil, fmt.Errorf("tape position %d: ends inside a decision (f is followed by another digit)", len(text))
	}
	return s, nil
}

// Canonical returns s without its trailing zeros, which say nothing. The
// result shares the array of s. (The other half of the canonical form, digits
// reduced to their range, is what [Runner.Taken] of an execution has.)
func (s Tape) Canonical() Tape {
	n := len(s)
	for n > 0 && s[n-1] == 0 {
		n--
	}
	return s[:n]
}

// A Chooser takes the decisions of an execution.
//
// Choose is called once for each decision with the number of alternatives n,
// at least 2. It returns a number from 0 to n-1, or a negative one to abandon
// the execution there ([Abandoned]). It may look at e: see
// [Exec.State], [Exec.Running], [Exec.Alternative].
type Chooser interface {
	Choose(e *Exec, n int) int
}

// A ByteReader is the lenient reader: it takes decisions from any bytes, and 0
// after their end. The zero value reads the empty input.
type ByteReader struct {
	in    []byte
	pos   int
	drawn drawn
}

// Reset makes r read in from the start. It keeps in, which must not change
// while r is used.
func (r *ByteReader) Reset(in []byte) { r.in, r.pos, r.drawn.begun = in, 0, false }

// Choose implements [Chooser].
func (r *ByteReader) Choose(e *Exec, n int) int {
	if r.pos >= len(r.in) {
		return 0
	}
	if r.in[r.pos] >= utf8.RuneSelf {
		return r.draw(e, n)
	}
	d := int(r.next())
	if d >= n {
		d %= n
	}
	return d
}

// draw takes a decision of the drawn end, which begins at r.pos.
func (r *ByteReader) draw(e *Exec, n int) int {
	if r.pos >= MaxInput {
		return 0
	}
	if !r.drawn.begun {
		r.drawn.begin(r.in, r.pos)
	}
	return r.drawn.choose(e, n)
}

// next decodes one decision: escapes add up, and stop adding at the limit.
func (r *ByteReader) next() uint8 {
	sum := 0
	for r.pos < len(r.in) && r.in[r.pos] < utf8.RuneSelf {
		d := int(r.in[r.pos] & 0xf)
		r.pos++
		if d < escape {
			sum += d
			break
		}
		sum += escape
		if sum >= MaxAlternatives {
			break
		}
	}
	return uint8(min(sum, MaxAlternatives-1))
}

// A TapeReader reads a tape leniently: decisions out of range are reduced, the
// end means 0.
type TapeReader struct {
	s   Tape
	pos int
}

// Reset makes r read s from the start. It keeps s.
func (r *TapeReader) Reset(s Tape) { r.s, r.pos = s, 0 }

// Choose implements [Chooser].
func (r *TapeReader) Choose(_ *Exec, n int) int {
	if r.pos >= len(r.s) {
		return 0
	}
	d := int(r.s[r.pos])
	r.pos++
	if d >= n {
		d %= n
	}
	return d
}

// A strictReader reads a tape that was written down: what does not fit is an
// error that names its position, and the execution is abandoned there.
type strictReader struct {
	s   Tape
	pos int
	err error
}

func (r *strictReader) Choose(_ *Exec, n int) int {
	if r.pos >= len(r.s) {
		return 0
	}
	d := int(r.s[r.pos])
	if d >= n {
		r.err = fmt.Errorf("decision %d: %x does not fit, there are %d alternatives (0-%x)", r.pos, d, n, n-1)
		return -1
	}
	r.pos++
	return d
}

// finish reports what is wrong with the tape once the execution is over.
func (r *strictReader) finish() error {
	if r.err == nil && len(r.s.Canonical()) > r.pos {
		r.err = fmt.Errorf("decision %d: the execution is over after %d decisions, the tape has %d",
			r.pos, r.pos, len(r.s))
	}
	return r.err
}
