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

// Reading a checkpoint. The file is described in checkpoint.go.

// resume makes s the search that the checkpoint has saved, if there is one.
func (s *search) resume() error {
	name := s.opt.Checkpoint.File
	s.saved, s.pause = time.Now(), s.every()
	if name == "" || s.opt.anew {
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
	s.restore(h)
	return nil
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
	if _, err := io.ReadFull(r, size[:]); err != nil ||
		binary.LittleEndian.Uint32(size[:]) > maxHeader {
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
	switch mute := s.opt.Mute.Names(); {
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
	slots := len(*s.table.Load())
	for slots/4*3 <= h.Nodes {
		slots *= 2
	}
	s.rehash(slots)
	var rec [packedNode]byte
	for range h.Nodes - 1 {
		if _, err := io.ReadFull(r, rec[:]); err != nil {
			return errDamaged
		}
		var nd node
		nd.unpack(rec[:])
		if nd.n == 0 || !s.reserve(int(nd.n), 0) {
			return errDamaged
		}
		s.publish(s.add(nd))
	}
	if s.alts != h.Edges {
		return errDamaged
	}
	s.node(0).taken = 1
	for id := range s.size {
		edges := s.alternatives(s.node(id))
		for i := range edges {
			if _, err := io.ReadFull(r, rec[:packedEdge]); err != nil {
				return errDamaged
			}
			edges[i].unpack(rec[:packedEdge])
		}
	}
	return nil
}

// restore computes from the graph what the file does not hold.
func (s *search) restore(h header) {
	s.bound, s.starts = h.Bound, h.Starts
	s.loads.Add(h.Loads)
	for _, w := range s.workers {
		w.runner.Loads.Add(h.Loads)
	}
	s.knew = s.loads.Len()
	w := s.workers[0]
	w.dropped = h.Dropped
	w.runs.Store(int64(h.Runs))
	w.steps.Store(h.Steps)
	s.now, s.next = s.now[:0], s.next[:0]
	for level := range s.starts {
		from, to := s.span(level)
		for id := from; id < to; id++ {
			s.node(id).level = uint32(level)
			s.requeue(id)
		}
	}
	for _, e := range h.Endings {
		kind, _ := schedule.ParseKind(e.Kind)
		s.meetEnding(Category{e.Outcome, e.Reason, kind, e.Thread, e.Verb, e.Object, e.Note},
			int(e.Level), e.First)
	}
	s.known = s.endings
	for level := range s.bound {
		s.finishLevel(level, len(s.workers) > 1)
	}
	for _, end := range s.endings {
		if int(end.level) == s.bound {
			end.witness = s.witness(end.first, s.bound)
		}
	}
}

// requeue puts a node where its edges wait to be taken. In both queues nodes are in the
// order of discovery, as they were.
func (s *search) requeue(id uint32) {
	nd := s.node(id)
	switch level := int(nd.level); {
	case nd.taken == uint32(nd.n):
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
	n := int(s.size) - 1
	for i := range min(probes, n) {
		id := 1 + uint32(i*n/min(probes, n))
		for alt := range uint8(s.node(id).taken) {
			if c := (claimed{id, alt}); !s.workers[0].leadsWhereItLed(c) {
				return fmt.Errorf("a checkpoint of another version of %s, which goes on "+
					"differently after tape %q: delete it, and the search begins anew",
					s.program.Name, s.workers[0].runner.Taken())
			}
		}
	}
	return nil
}

func (nd *node) unpack(b []byte) {
	nd.lo, nd.hi = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	nd.parent = binary.LittleEndian.Uint32(b[16:])
	nd.enabled = binary.LittleEndian.Uint16(b[20:])
	nd.n, nd.alt, nd.taken, nd.preempt = b[22], b[23], uint32(b[24]), b[25] != 0
}

func (ed *edge) unpack(b []byte) {
	ed.to = binary.LittleEndian.Uint32(b)
	ed.steps = binary.LittleEndian.Uint32(b[4:])
	ed.switches = binary.LittleEndian.Uint32(b[8:])
}
