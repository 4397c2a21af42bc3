//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package corpus

import (
	"fmt"
	"runtime"
)

// lock would make this process the only writer of a pack. Without flock(2) nobody could
// be sure of it, so there are only readers.
func lock(pack string) (unlock func() error, err error) {
	return nil, fmt.Errorf("%s: writing needs flock(2), which %s has not", pack, runtime.GOOS)
}
