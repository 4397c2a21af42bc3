package explore

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Checkpoint has a search written to a file from time to time and when it ends, also if
// no more reports are wanted, and begun from that file if it exists.
//
// The file is replaced as a whole, so that whatever kills the process leaves the last one
// written. A search that goes on from it comes to the same numbers as one that was never
// interrupted, with any number of workers. The file of a search that has ended is good
// for one with higher limits: more nodes, a higher bound.
//
// What cannot be read (no such file is ever made) or is of another program, other
// options or another version of the model ends the search with BadCheckpoint before it
// has begun; so does a file that cannot be written, at any time. Who wants no more reports
// is not told of that: the file is as it was when it was written last. Nor is it written if
// workers had found the search Unsound, or a model had panicked, in the bound that was under
// way.
type Checkpoint struct {
	File string
	// Every is how long to work between two writes, at least. 0 means
	// DefaultCheckpointEvery. A write that takes long waits longer for the next, so that
	// it costs a twentieth of the time at most.
	Every time.Duration
}

// DefaultCheckpointEvery is what a killed search loses at most, if the file is small.
const DefaultCheckpointEvery = 30 * time.Second

// The file is
//
//	"kschedfuzz explore checkpoint 2\n"
//	the length of the header in 4 bytes; the header, in JSON
//	nodes 1 to Nodes-1, of packedNode bytes
//	edges 0 to Edges-1, of packedEdge bytes
//	xxhash of all that, 8 bytes
//
// with numbers least significant byte first. It holds what cannot be computed: nodes, in
// the order of discovery, and edges. Everything else about finished levels is computed
// from these anew, and what is still to be taken follows from how many alternatives of
// each node were.
const (
	checkpointMagic   = "kschedfuzz explore checkpoint "
	checkpointVersion = "2\n"
	maxHeader         = 1 << 24
	packedNode        = 26
	packedEdge        = 12
)

type header struct {
	Program  string
	MaxSteps int
	Mute     []string
	Symmetry bool

	Bound   int
	Starts  []uint32
	Nodes   int
	Edges   int
	Dropped []claimed
	Endings []savedEnding
	Runs    int
	Steps   uint64

	Loads []schedule.Loaded `json:",omitempty"`
}

type savedEnding struct {
	Outcome schedule.Outcome
	Reason  string `json:",omitempty"`
	Kind    string `json:",omitempty"`
	Thread  int
	Verb    string `json:",omitempty"`
	Object  string `json:",omitempty"`
	Note    string `json:",omitempty"`
	Level   uint32
	First   claimed
}

// due reports whether a checkpoint is to be written.
func (s *search) due() bool {
	return s.opt.Checkpoint.File != "" && time.Since(s.saved) >= s.pause
}

// save writes the checkpoint, if there is to be one. No worker may be on an edge.
func (s *search) save() {
	if s.opt.Checkpoint.File == "" || s.stop == Unsound || s.stop == BadCheckpoint || s.anew() {
		return
	}
	start := time.Now()
	if err := replace(s.opt.Checkpoint.File, s.write); err != nil {
		s.stop, s.err = BadCheckpoint, err
		s.halted.Store(true)
	}
	s.saved = time.Now()
	s.pause = max(s.every(), 19*s.saved.Sub(start))
}

// anew reports whether the search is to begin anew. No worker may be on an edge.
func (s *search) anew() bool {
	return slices.ContainsFunc(s.workers, func(w *worker) bool { return w.runner.LoadsKnown() != s.knew })
}

func (s *search) every() time.Duration {
	if d := s.opt.Checkpoint.Every; d > 0 {
		return d
	}
	return DefaultCheckpointEvery
}

// replace writes a file such that there is always the old one or the new one.
func replace(name string, write func(w io.Writer) error) error {
	f, err := os.Create(name + ".tmp")
	if err != nil {
		return err
	}
	if err = errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return os.Rename(f.Name(), name)
}

// write writes the file.
func (s *search) write(out io.Writer) error {
	buf := bufio.NewWriterSize(out, 1<<16)
	hash := xxhash.New()
	w := io.MultiWriter(buf, hash)
	head, err := json.Marshal(s.header())
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, checkpointMagic+checkpointVersion); err != nil {
		return err
	}
	head = append(binary.LittleEndian.AppendUint32(nil, uint32(len(head))), head...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	var rec []byte
	for id := uint32(1); id < s.size; id++ {
		rec = s.node(id).pack(rec[:0])
		if _, err := w.Write(rec); err != nil {
			return err
		}
	}
	for id := range s.size {
		rec = rec[:0]
		for _, ed := range s.alternatives(s.node(id)) {
			rec = ed.pack(rec)
		}
		if _, err := w.Write(rec); err != nil {
			return err
		}
	}
	if _, err := buf.Write(binary.LittleEndian.AppendUint64(nil, hash.Sum64())); err != nil {
		return err
	}
	return buf.Flush()
}

func (s *search) header() header {
	h := header{
		Program: s.program.Name, MaxSteps: s.opt.MaxSteps, Mute: s.opt.Mute.Names(),
		Symmetry: s.opt.Symmetry != nil,
		Bound:    s.bound, Starts: s.starts, Nodes: int(s.size), Edges: s.alts,
		Loads: s.loads.All(),
	}
	h.Runs, h.Steps = s.effort()
	for _, w := range s.workers {
		h.Dropped = append(h.Dropped, w.dropped...)
	}
	for _, end := range s.endings {
		c := end.Category
		h.Endings = append(h.Endings, savedEnding{
			c.Outcome, c.Reason, c.Kind.String(), c.Thread, c.Verb, c.Object, c.Note,
			end.level, end.first,
		})
	}
	return h
}

func (nd *node) pack(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, nd.lo)
	b = binary.LittleEndian.AppendUint64(b, nd.hi)
	b = binary.LittleEndian.AppendUint32(b, nd.parent)
	b = binary.LittleEndian.AppendUint16(b, nd.enabled)
	preempt := uint8(0)
	if nd.preempt {
		preempt = 1
	}
	return append(b, nd.n, nd.alt, uint8(nd.taken), preempt)
}

func (ed *edge) pack(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, ed.to)
	b = binary.LittleEndian.AppendUint32(b, ed.steps)
	return binary.LittleEndian.AppendUint32(b, ed.switches)
}
