package corpus

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A faultyDisk is a disk on which the operation of that number fails, counted from 0: a
// write after so many bytes.
type faultyDisk struct {
	osDisk
	fault, written int
	done           int  // operations
	stuck          bool // so do all operations after it
}

var errFault = &os.PathError{Op: "test", Path: "x", Err: errFull}

// fails counts an operation and reports whether it is to fail.
func (d *faultyDisk) fails() bool {
	d.done++
	return d.done-1 == d.fault || d.stuck && d.done-1 > d.fault
}

func (d *faultyDisk) create(name string, mode os.FileMode) (newFile, error) {
	if d.fails() {
		return nil, errFault
	}
	f, err := d.osDisk.create(name, mode)
	return &faultyFile{f, d}, err
}

func (d *faultyDisk) rename(from, to string) error {
	if d.fails() {
		return errFault
	}
	return d.osDisk.rename(from, to)
}

func (d *faultyDisk) remove(name string) error {
	if d.fails() {
		return errFault
	}
	return d.osDisk.remove(name)
}

func (d *faultyDisk) syncDir(dir string) error {
	if d.fails() {
		return errFault
	}
	return d.osDisk.syncDir(dir)
}

// A faultyFile is a file of a faultyDisk.
type faultyFile struct {
	newFile
	disk *faultyDisk
}

func (f *faultyFile) Write(b []byte) (int, error) {
	if !f.disk.fails() {
		return f.newFile.Write(b)
	}
	n, _ := f.newFile.Write(b[:min(f.disk.written, len(b))])
	return n, errFault
}

func (f *faultyFile) Sync() error {
	if f.disk.fails() {
		return errFault
	}
	return f.newFile.Sync()
}

func (f *faultyFile) Close() error {
	err := f.newFile.Close()
	if f.disk.fails() {
		return errFault
	}
	return err
}

// TestFaultyCompaction has every operation of a compaction fail, alone and with all that come
// after it, a write after every number of bytes (with -short every fiftieth). The pack is there
// whole whatever happens, as it was or compacted, and the next compaction works, whatever was
// left lying.
func TestFaultyCompaction(t *testing.T) {
	all := three(t)
	slices.Reverse(all)
	want, err := compacted(slices.SortedFunc(slices.Values(all), Entry.Compare))
	if err != nil {
		t.Fatal(err)
	}
	operations, apart := 0, 1
	if testing.Short() {
		apart = 50
	}
	for fault := 0; fault == operations; fault++ {
		for written := 0; written <= len(want); written += apart {
			for _, stuck := range []bool{false, true} {
				d := &faultyDisk{fault: fault, written: written, stuck: stuck}
				if compactOn(t, d, all, want) {
					operations = max(operations, fault+1)
				}
			}
			if fault != 1 { // no write
				break
			}
		}
	}
	if operations != 6 { // create, write, sync, close, rename, sync the directory
		t.Errorf("%d operations can fail", operations)
	}
}

// compactOn compacts a new pack on a disk and reports whether that failed.
func compactOn(t *testing.T, d *faultyDisk, all []Entry, want []byte) bool {
	t.Helper()
	name := newPack(t, all...)
	before := read(t, name)
	err := replace(d, name, want)
	after := read(t, name)
	if err != nil && !errors.Is(err, errFull) {
		t.Errorf("fault %d: %v", d.fault, err)
	}
	renamed := d.fault > 4 // what fails after that, fails when it is in place
	if bytes.Equal(after, want) != (err == nil || renamed) ||
		bytes.Equal(after, before) != (err != nil && !renamed) {
		t.Errorf("fault %d after %d bytes, %v: %q", d.fault, d.written, err, after)
	}
	left, _ := filepath.Glob(name + ".*")
	if len(left) > 0 && !d.stuck {
		t.Errorf("fault %d: left %v", d.fault, left)
	}
	if err := Compact(name); err != nil {
		t.Errorf("fault %d, again: %v", d.fault, err)
	}
	if got := read(t, name); !bytes.Equal(got, want) {
		t.Errorf("fault %d, again: %q", d.fault, got)
	}
	return err != nil
}
