package protocol

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// All lookups are alike. A state is the shared words, what there is to know of the
// destroyer and the callback, and one word for each lookup; exchanging lookups exchanges
// words, so sorted words are the same for all states that differ in names only.

// firstLookup is the number of the first lookup, the destroyer's being 0.
const firstLookup = 1

// class is [program.Program.Class]. The callback is not asked about: it cannot fail.
func class(thread int) int { return min(thread, firstLookup) }

// finished is the place of a thread that has finished. Its locals are dead.
const finished = 7

// canonical is [program.Instance.Canonical]. It says everything as it is, without a
// hash, until the end. The number of a lookup is the place of its word, that of another
// thread its own.
func (m *machine) canonical(
	e *schedule.Exec, last *schedule.Thread,
) (schedule.State, []uint8) {
	var words [2 + MaxLookups]uint64
	threads := e.Threads()
	rcu := threads[len(threads)-1]
	words[0] = m.ref.Value()
	for _, c := range []*schedule.Cell{&m.table, &m.dead, &m.queued, &m.freed} {
		words[0] = words[0]<<1 | c.Value()
	}
	words[0] = words[0]<<1 | bit(last == rcu)
	words[1] = m.word(threads[0], last, m.dzero.Value())
	lookups := words[2 : 2+len(m.lookups)]
	for i, l := range m.lookups {
		locals := l.reading.Value()<<2 | l.got.Value()<<1 | l.zero.Value()
		lookups[i] = m.word(threads[firstLookup+i], last, locals)<<8 | uint64(i)
	}
	slices.Sort(lookups)
	m.numbers = append(m.numbers[:0], make([]uint8, len(threads))...)
	m.numbers[rcu.ID] = uint8(rcu.ID)
	for i, w := range lookups {
		m.numbers[firstLookup+int(w&0xff)] = uint8(firstLookup + i)
		lookups[i] = w >> 8
	}

	var buf [8 * (1 + len(words))]byte
	for i, w := range words[:2+len(m.lookups)] {
		binary.LittleEndian.PutUint64(buf[8*i:], w)
	}
	s := schedule.State{Lo: xxhash.Sum64(buf[:])}
	buf[len(buf)-1] = 1
	s.Hi = xxhash.Sum64(buf[:])
	return s, m.numbers
}

// word says what there is to know of a thread.
func (m *machine) word(t, last *schedule.Thread, locals uint64) uint64 {
	if t.Finished() {
		return finished
	}
	return locals<<4 | bit(t == last)<<3 | m.places[t.ID]
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
