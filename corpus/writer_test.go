package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// newPack returns the name of a pack of entries, in a directory of its own.
func newPack(t testing.TB, entries ...Entry) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.pack")
	w, err := Create(name)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, entries...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func appendAll(t testing.TB, w *Writer, entries ...Entry) {
	t.Helper()
	for _, e := range entries {
		if _, err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t testing.TB, name string) *Pack {
	t.Helper()
	p, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantError compares the text of err, in which DIR stands for the directory.
func wantError(t *testing.T, err error, dir, want string) {
	t.Helper()
	if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAppend(t *testing.T) {
	all := three(t)
	name := newPack(t, all[:2]...)
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	before := w.Pack()
	zeros := all[0]
	zeros.Tape = append(slices.Clone(zeros.Tape), 0, 0)
	zeros.Label = "another"
	for _, test := range []struct {
		e     Entry
		added bool
	}{{all[0], false}, {all[2], true}, {all[2], false}, {zeros, false}, {all[1], false}} {
		added, err := w.Append(test.e)
		if err != nil || added != test.added {
			t.Errorf("%v: added %v, %v", test.e, added, err)
		}
		wantEntries(t, open(t, name), w.Pack().entriesForTest()...) // a reader sees it at once
	}
	wantEntries(t, before, all[:2]...)
	wantEntries(t, w.Pack(), all...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	_, err = w.Append(all[0])
	wantError(t, err, filepath.Dir(name), "DIR/x.pack: the writer is closed")
	wantError(t, w.Sync(), filepath.Dir(name), "DIR/x.pack: the writer is closed")
	wantEntries(t, open(t, name), all...)
	files, _ := os.ReadDir(filepath.Dir(name))
	if len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

func (p *Pack) entriesForTest() []Entry { return slices.Collect(p.All()) }

// TestOneID makes two entries collide: the second is neither lost nor taken for the first.
func TestOneID(t *testing.T) {
	all := three(t)
	w, err := OpenWriter(newPack(t, all[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.index[all[1].ID()] = 0 // the place of the second is taken by the first
	for _, want := range []bool{true, false} {
		if added, err := w.Append(all[1]); err != nil || added != want {
			t.Errorf("added %v, %v", added, err)
		}
	}
	wantEntries(t, w.Pack(), all[:2]...)
}

// TestAppendDamaged appends to packs that were cut or lost their first line. What was cut is
// gone, whether something is appended or not; other damage stays.
func TestAppendDamaged(t *testing.T) {
	all := three(t)
	b := image(t, all[:2]...)
	last := starts(t, b)[1]
	for n := range len(b) {
		if testing.Short() && n%8 != 0 && n < last {
			continue
		}
		name := filepath.Join(t.TempDir(), "x.pack")
		write(t, name, b[:n])
		w, err := OpenWriter(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := open(t, name).Damage(); len(d) > 0 || len(w.Pack().Damage()) > 0 {
			t.Errorf("cut at %d, opened: damage %v, of the writer %v", n, d, w.Pack().Damage())
		}
		appendAll(t, w, all[2])
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if d := open(t, name).Damage(); len(d) > 0 {
			t.Errorf("cut at %d, appended to: damage %v", n, d)
		}
		want := all[2:]
		if n >= last {
			want = []Entry{all[0], all[2]}
		}
		wantEntries(t, open(t, name), want...)
	}
	name := filepath.Join(t.TempDir(), "x.pack")
	write(t, name, b[5:])
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, all...)
	wantEntries(t, w.Pack(), all...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	wantEntries(t, open(t, name), all...)
	if d := open(t, name).Damage(); len(d) != 1 {
		t.Errorf("without its first line: damage %v", d)
	}
}

// TestLostAgain appends an entry that is there, but damaged.
func TestLostAgain(t *testing.T) {
	all := three(t)
	b := image(t, all...)
	b[starts(t, b)[1]-3] ^= 1
	b[len(b)-1] ^= 1 // the last is damaged and not cut: it stays
	name := filepath.Join(t.TempDir(), "x.pack")
	write(t, name, b)
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, all...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p := open(t, name)
	wantEntries(t, p, all[1], all[0], all[2])
	if len(p.Damage()) != 2 {
		t.Errorf("damage %v", p.Damage())
	}
}

func TestCreate(t *testing.T) {
	name := newPack(t)
	dir := filepath.Dir(name)
	_, err := Create(name)
	wantError(t, err, dir, "DIR/x.pack: file exists")
	_, err = OpenWriter(filepath.Join(dir, "no", "x.pack"))
	wantError(t, err, dir, "DIR/no/x.pack.lock: no such file or directory")
	write(t, name, []byte("something else"))
	_, err = OpenWriter(name)
	wantError(t, err, dir, "DIR/x.pack: not a pack of kschedfuzz")
	if got := string(read(t, name)); got != "something else" {
		t.Errorf("now it is %q", got)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(newPack(t), link); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWriter(link)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := OpenWriter(w.Pack().Name()); err == nil {
		t.Error("two writers, one of them by a symbolic link")
	}
}

func TestTwoWriters(t *testing.T) {
	name := newPack(t, three(t)...)
	dir := filepath.Dir(name)
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	want := fmt.Sprintf("DIR/x.pack: process %d (%s) on %s is writing it (DIR/x.pack.lock)",
		os.Getpid(), filepath.Base(os.Args[0]), host)
	_, err = OpenWriter(name)
	wantError(t, err, dir, want)
	wantError(t, Compact(name), dir, want)
	_, err = Repair(name)
	wantError(t, err, dir, want)
	wantEntries(t, open(t, name), three(t)...) // readers do not mind
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, name+".lock", []byte("left behind by a process that was killed"))
	w, err = OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestManyWriters has goroutines fight for the lock: one at a time has it.
func TestManyWriters(t *testing.T) {
	name := newPack(t)
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := 0; i < 10; {
				w, err := OpenWriter(name)
				if err != nil {
					continue // another one has it
				}
				appendAll(t, w, entry(t, fmt.Sprintf("Fuzz%d", g), fmt.Sprintf("%d1", i)))
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				i++
			}
		})
	}
	group.Wait()
	if p := open(t, name); p.Len() != 4*10 || len(p.Damage()) > 0 {
		t.Errorf("%d entries, damage %v", p.Len(), p.Damage())
	}
}

// A diskFile fails when it is told to.
type diskFile struct {
	*os.File
	room    int // bytes that still fit
	stuck   bool
	syncErr error
}

var errFull = errors.New("no space left on device")

func (d *diskFile) WriteAt(b []byte, off int64) (int, error) {
	if len(b) <= d.room {
		d.room -= len(b)
		return d.File.WriteAt(b, off)
	}
	n, _ := d.File.WriteAt(b[:d.room], off)
	d.room -= n
	return n, errFull
}

func (d *diskFile) Truncate(size int64) error {
	if d.stuck {
		return errors.New("input/output error")
	}
	return d.File.Truncate(size)
}

func (d *diskFile) Sync() error { return d.syncErr }

// TestFullDisk fills the disk at every byte of an entry, with and without the leave to
// take back what was written; then there is room again.
func TestFullDisk(t *testing.T) {
	all := three(t)
	frame := len(image(t, all[1])) - len(header)
	for _, stuck := range []bool{false, true} {
		for room := range frame {
			if testing.Short() && room%8 != 0 && room != frame-1 {
				continue
			}
			name := newPack(t, all[0])
			w, err := OpenWriter(name)
			if err != nil {
				t.Fatal(err)
			}
			disk := &diskFile{File: w.file.(*os.File), room: room, stuck: stuck}
			w.file = disk
			if _, err := w.Append(all[1]); !errors.Is(err, errFull) {
				t.Fatalf("room for %d of %d bytes: %v", room, frame, err)
			}
			wantEntries(t, w.Pack(), all[0])
			wantEntries(t, open(t, name), all[0])
			disk.room = 1000
			appendAll(t, w, all[2], all[1])
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			wantEntries(t, open(t, name), all[0], all[2], all[1])
		}
	}
}

// TestFullDiskAtFirst: a pack that cannot be begun leaves nothing, and can be made once there is
// room. A file that was there, empty as touch(1) makes one, stays.
func TestFullDiskAtFirst(t *testing.T) {
	for _, there := range []bool{false, true} {
		name := filepath.Join(t.TempDir(), "x.pack")
		if there {
			write(t, name, nil)
		}
		for room := range len(header) {
			full := func(f *os.File) file { return &diskFile{File: f, room: room} }
			if _, err := openWriter(name, os.O_CREATE, full); !errors.Is(err, errFull) {
				t.Fatalf("room for %d bytes: %v", room, err)
			}
			files, _ := os.ReadDir(filepath.Dir(name))
			if there != (len(files) == 1) {
				t.Fatalf("room for %d bytes, there before %v: left %v", room, there, files)
			}
		}
		w, err := OpenWriter(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailedSync: what a failed sync leaves is not known, so the writer stops.
func TestFailedSync(t *testing.T) {
	name := newPack(t)
	dir := filepath.Dir(name)
	w, err := OpenWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	disk := &diskFile{File: w.file.(*os.File), room: 1000, syncErr: errFull}
	w.file = disk
	want := "DIR/x.pack: no space left on device"
	wantError(t, w.Sync(), dir, want)
	disk.syncErr = nil
	wantError(t, w.Sync(), dir, want)
	_, err = w.Append(three(t)[0])
	wantError(t, err, dir, want)
	wantError(t, w.Close(), dir, want)
}

// TestCompact: the same entries come out as the same bytes, whatever the history.
func TestCompact(t *testing.T) {
	all := append(three(t), entry(t, "FuzzPutSuper", "1"), entry(t, "FuzzPutSuper", "01"))
	var want []byte
	for turn := range all {
		name := newPack(t, append(slices.Clone(all[turn:]), all[:turn]...)...)
		if turn == 1 {
			write(t, name, append(read(t, name), read(t, name)[len(header):]...)) // all twice
		}
		for range 2 {
			if err := Compact(name); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = read(t, name)
			}
			if got := read(t, name); !bytes.Equal(got, want) {
				t.Fatalf("turn %d: other bytes:\n%q\n%q", turn, got, want)
			}
		}
		wantEntries(t, open(t, name), slices.SortedFunc(slices.Values(all), Entry.Compare)...)
		files, _ := os.ReadDir(filepath.Dir(name))
		if len(files) != 1 {
			t.Errorf("left behind: %v", files)
		}
	}
}

func TestRepair(t *testing.T) {
	all := three(t)
	name := newPack(t, all...)
	dir := filepath.Dir(name)
	if damage, err := Repair(name); err != nil || len(damage) > 0 {
		t.Errorf("intact: %v, %v", damage, err)
	}
	b := read(t, name)
	broken := slices.Clone(b)
	broken[starts(t, b)[1]] ^= 1
	broken[0] ^= 1
	write(t, name, broken)
	wantError(t, Compact(name), dir, "DIR/x.pack: damaged in 2 places, the first at offset 0; "+
		"to see what is lost: corpus verify DIR/x.pack; to go on without it: corpus repair DIR/x.pack")
	damage, err := Repair(name)
	if err != nil || len(damage) != 2 {
		t.Errorf("damage %v, %v", damage, err)
	}
	if !bytes.Equal(read(t, name+".damaged"), broken) {
		t.Error("what was damaged is not kept")
	}
	if got, want := read(t, name), image(t, all[0], all[2]); !bytes.Equal(got, want) {
		t.Errorf("repaired to %q, want %q", got, want)
	}
	write(t, name, broken)
	if err := os.Remove(name + ".damaged"); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(name, name+".damaged"); err != nil { // a repair that was killed
		t.Fatal(err)
	}
	if damage, err := Repair(name); err != nil || len(damage) != 2 {
		t.Errorf("damage %v, %v", damage, err)
	}
	write(t, name, broken)
	_, err = Repair(name)
	wantError(t, err, dir, "DIR/x.pack: "+
		"DIR/x.pack.damaged is there already, from a repair before: move it away")
	if !bytes.Equal(read(t, name), broken) {
		t.Error("changed all the same")
	}
}
