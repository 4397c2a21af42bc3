package explore

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A Checkpoint has a search written to a file from time to time and when it ends, and
// begun from that file if it exists.
//
// The file is replaced as a whole, so that whatever kills the process leaves the last one
// written. A search that goes on from it comes to the same numbers as one that was never
// interrupted, with any number of workers. The file of a search that has ended is good
// for one with higher limits: more nodes, a higher bound.
//
// What cannot be read (no such file is ever made) or is of another program, other
// options or another version of the model ends the search with BadCheckpoint before it
// has begun; so does a file that cannot be written, at any time.
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
//	"kschedfuzz explore checkpoint 1\n"
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
	checkpointVersion = "1\n"
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
	if s.opt.Checkpoint.File == "" || s.stop == Unsound || s.stop == BadCheckpoint {
		return
	}
	start := time.Now()
	if err := replace(s.opt.Checkpoint.File, s.write); err != nil {
		s.stop, s.err = BadCheckpoint, err
	}
	s.saved = time.Now()
	s.pause = max(s.every(), 19*s.saved.Sub(start))
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
	for i := range s.nodes[1:] {
		rec = s.nodes[1+i].pack(rec[:0])
		if _, err := w.Write(rec); err != nil {
			return err
		}
	}
	for i := range s.edges {
		rec = s.edges[i].pack(rec[:0])
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
		Program: s.program.Name, MaxSteps: s.opt.MaxSteps, Mute: kindNames(s.opt.Mute),
		Symmetry: s.opt.Symmetry != nil,
		Bound:    s.bound, Starts: s.starts, Nodes: len(s.nodes), Edges: len(s.edges),
		Dropped: s.dropped, Runs: s.runs, Steps: s.steps,
	}
	for i := range s.endings {
		end := &s.endings[i]
		c := end.Category
		h.Endings = append(h.Endings, savedEnding{
			c.Outcome, c.Reason, c.Kind.String(), c.Thread, c.Verb, c.Object, c.Note,
			end.level, end.first,
		})
	}
	return h
}

func kindNames(set schedule.Kinds) (names []string) {
	for _, k := range set.All() {
		names = append(names, k.String())
	}
	return names
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
	return append(b, nd.n, nd.alt, nd.taken, preempt)
}

func (nd *node) unpack(b []byte) {
	nd.lo, nd.hi = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	nd.parent = binary.LittleEndian.Uint32(b[16:])
	nd.enabled = binary.LittleEndian.Uint16(b[20:])
	nd.n, nd.alt, nd.taken, nd.preempt = b[22], b[23], b[24], b[25] != 0
}

func (ed *edge) pack(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, ed.to)
	b = binary.LittleEndian.AppendUint32(b, ed.steps)
	return binary.LittleEndian.AppendUint32(b, ed.switches)
}

func (ed *edge) unpack(b []byte) {
	ed.to = binary.LittleEndian.Uint32(b)
	ed.steps = binary.LittleEndian.Uint32(b[4:])
	ed.switches = binary.LittleEndian.Uint32(b[8:])
}

// resume makes s the search that the checkpoint has saved, if there is one.
func (s *search) resume() error {
	name := s.opt.Checkpoint.File
	s.saved, s.pause = time.Now(), s.every()
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	if err := s.read(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := s.verify(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// errDamaged is what is wrong with a file that is not as it was written.
var errDamaged = errors.New("the checkpoint is truncated or damaged: " +
	"delete it, and the search begins anew")

// read reads the file. Its length is checked before anything is made of it, and its hash
// before anything is believed.
func (s *search) read(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	hash := xxhash.New()
	file := bufio.NewReaderSize(f, 1<<16)
	r := io.TeeReader(file, hash)
	h, length, err := readHeader(r)
	if err != nil {
		return err
	}
	if err := s.fits(h); err != nil {
		return err
	}
	length += packedNode*int64(h.Nodes-1) + packedEdge*int64(h.Edges) + 8
	if h.Nodes < 1 || h.Edges < 1 || length != info.Size() {
		return errDamaged
	}
	if err := s.readGraph(r, h); err != nil {
		return err
	}
	var sum [8]byte
	want := hash.Sum64()
	if _, err := io.ReadFull(file, sum[:]); err != nil || binary.LittleEndian.Uint64(sum[:]) != want {
		return errDamaged
	}
	return s.restore(h)
}

// readHeader reads what comes before the nodes, and returns its length too.
func readHeader(r io.Reader) (h header, length int64, err error) {
	magic := make([]byte, len(checkpointMagic)+len(checkpointVersion))
	n, _ := io.ReadFull(r, magic)
	version := string(magic[len(checkpointMagic):])
	switch {
	case n < len(magic) && strings.HasPrefix(checkpointMagic+checkpointVersion, string(magic[:n])):
		return h, 0, errDamaged
	case string(magic[:len(checkpointMagic)]) != checkpointMagic:
		return h, 0, errors.New("not a checkpoint of a search; give the name of a new file")
	case version != checkpointVersion:
		return h, 0, fmt.Errorf("a checkpoint of version %q, want %q: delete it, or go on with "+
			"the version of the command that has written it", version, checkpointVersion)
	}
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return h, 0, errDamaged
	}
	if binary.LittleEndian.Uint32(size[:]) > maxHeader {
		return h, 0, errDamaged
	}
	head := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r, head); err != nil {
		return h, 0, errDamaged
	}
	if err := json.Unmarshal(head, &h); err != nil {
		return h, 0, errDamaged
	}
	return h, int64(len(magic) + len(size) + len(head)), nil
}

// fits compares what was searched with what is to be.
func (s *search) fits(h header) error {
	switch mute := kindNames(s.opt.Mute); {
	case h.Program != s.program.Name:
		return fmt.Errorf("a checkpoint of %s, not of %s: give each its own file",
			h.Program, s.program.Name)
	case h.MaxSteps != s.opt.MaxSteps:
		return fmt.Errorf("a checkpoint with at most %d steps an execution, not %d (0: the default)",
			h.MaxSteps, s.opt.MaxSteps)
	case fmt.Sprint(h.Mute) != fmt.Sprint(mute):
		return fmt.Errorf("a checkpoint that goes on after %v, not after %v", h.Mute, mute)
	case h.Symmetry != (s.opt.Symmetry != nil):
		return errors.New("a checkpoint with symmetry, and a search without, or the other way")
	case h.Bound > s.opt.Bound:
		return fmt.Errorf("a checkpoint that has come to %s: ask for as many, or more",
			preemptions(h.Bound))
	}
	return nil
}

// readGraph reads nodes and edges.
func (s *search) readGraph(r io.Reader, h header) error {
	s.nodes = make([]node, 1, h.Nodes)
	s.edges = make([]edge, 0, h.Edges)
	var rec [packedNode]byte
	first := uint32(1)
	for range h.Nodes - 1 {
		if _, err := io.ReadFull(r, rec[:]); err != nil {
			return errDamaged
		}
		var nd node
		nd.unpack(rec[:])
		nd.edge = first
		first += uint32(nd.n)
		s.nodes = append(s.nodes, nd)
	}
	s.nodes[0] = node{n: 1, taken: 1}
	for range h.Edges {
		if _, err := io.ReadFull(r, rec[:packedEdge]); err != nil {
			return errDamaged
		}
		var ed edge
		ed.unpack(rec[:packedEdge])
		s.edges = append(s.edges, ed)
	}
	return nil
}

// restore computes from the graph what the file does not hold.
func (s *search) restore(h header) error {
	s.bound, s.starts, s.dropped = h.Bound, h.Starts, h.Dropped
	s.runs, s.steps = h.Runs, h.Steps
	for len(s.table)/4*3 <= len(s.nodes) {
		s.table = make([]uint32, 2*len(s.table))
	}
	s.now, s.next = s.now[:0], s.next[:0]
	for level := range s.starts {
		from, to := s.span(level)
		for id := from; id < to; id++ {
			s.nodes[id].level = uint32(level)
			s.requeue(id)
		}
	}
	for _, e := range h.Endings {
		kind, _ := schedule.ParseKind(e.Kind)
		s.meetEnding(Category{e.Outcome, e.Reason, kind, e.Thread, e.Verb, e.Object, e.Note},
			int(e.Level), e.First)
	}
	for level := range s.bound {
		s.finishLevel(level)
		if err := s.realize(level); err != nil {
			return err
		}
	}
	for i := range s.endings {
		if end := &s.endings[i]; int(end.level) == s.bound {
			end.witness = s.witness(end.first, s.bound)
		}
	}
	return nil
}

// requeue puts a node into the table and where its edges wait to be taken. In both
// queues nodes are in the order of discovery, as they were.
func (s *search) requeue(id uint32) {
	nd := &s.nodes[id]
	if id != 0 {
		slot, _ := s.find(nd.key)
		s.table[slot] = id
	}
	switch level := int(nd.level); {
	case nd.taken == nd.n:
	case nd.preempt && level == s.bound:
		s.next = append(s.next, id)
	case nd.preempt && level == s.bound-1 || level == s.bound:
		s.now = append(s.now, id)
	}
}

// probes is how many nodes of a checkpoint verify looks at.
const probes = 256

// verify takes the edges of some nodes again, spread evenly, to see whether the program
// is still the one that was searched. It says so at once where it is not; of what it
// overlooks the search finds some when it comes by.
func (s *search) verify() error {
	n := len(s.nodes) - 1
	for i := range min(probes, n) {
		id := 1 + uint32(i*n/min(probes, n))
		for alt := range s.nodes[id].taken {
			if c := (claimed{id, alt}); !s.workers[0].leadsWhereItLed(c) {
				return fmt.Errorf("a checkpoint of another version of %s, which goes on "+
					"differently after tape %q: delete it, and the search begins anew",
					s.program.Name, append(s.path(nil, id), alt).String())
			}
		}
	}
	return nil
}
