package corpus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A disk is what replacing a file needs of the file system. Tests have one that fails.
type disk interface {
	// create makes an empty file, also in the place of one that is there.
	create(name string, mode os.FileMode) (newFile, error)
	rename(from, to string) error
	remove(name string) error
	// syncDir brings a directory to the disk: which files there are.
	syncDir(dir string) error
}

// A newFile is a file that is written once.
type newFile interface {
	io.WriteCloser
	Sync() error
}

// osDisk is the file system.
type osDisk struct{}

func (osDisk) create(name string, mode os.FileMode) (newFile, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
}

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) remove(name string) error     { return os.Remove(name) }

func (osDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return inFile(dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return inFile(dir, err)
	}
	return nil
}

// replace puts a file with that content in the place of name. Whenever the process ends,
// and whatever fails, one of the two is there, whole.
func replace(d disk, name string, image []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return inFile(name, err)
	}
	next := name + ".tmp"
	f, err := d.create(next, info.Mode().Perm())
	if err != nil {
		return inFile(next, err)
	}
	_, err = f.Write(image)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(inFile(next, err), d.remove(next))
	}
	if err := d.rename(next, name); err != nil {
		err = fmt.Errorf("%s: %w", name, errors.Unwrap(err))
		return errors.Join(err, d.remove(next))
	}
	return d.syncDir(filepath.Dir(name))
}
