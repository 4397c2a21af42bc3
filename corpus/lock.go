//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package corpus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock makes this process the only writer of a pack until unlock is called or the
// process ends. It holds flock(2) on a file beside the pack, in which it says who it is.
// The pack itself cannot be locked: a compaction puts another file in its place.
func lock(pack string) (unlock func() error, err error) {
	name := pack + ".lock"
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, inFile(name, err)
		}
		if err := flock(f); err != nil {
			who := holder(f)
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, fmt.Errorf("%s: %s is writing it (%s)", pack, who, name)
			}
			return nil, inFile(name, err)
		}
		// The one who had it before may have removed the file that we have opened.
		if !isFile(f, name) {
			f.Close()
			continue
		}
		if err := sign(f); err != nil {
			os.Remove(name)
			f.Close()
			return nil, inFile(name, err)
		}
		return func() error { return errors.Join(os.Remove(name), f.Close()) }, nil
	}
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}

// isFile reports whether name is the file that f has open.
func isFile(f *os.File, name string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(name)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// sign writes into the lock file who has it.
func sign(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "process %d (%s) on %s\n", os.Getpid(), filepath.Base(os.Args[0]), host)
	return err
}

// holder says who has signed.
func holder(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 512))
	who := strings.TrimSpace(strings.ToValidUTF8(string(b), "?"))
	if err != nil || who == "" {
		return "another process"
	}
	return who
}
