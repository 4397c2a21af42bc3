package corpus

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/kschedfuzz/kschedfuzz/internal/plural"
)

// Compact writes a pack anew: sorted by [Entry.Compare], every entry once, compressed with
// the newest dictionary. Packs with the same entries come out as the same bytes (of one
// version of this package: compressors change). The old file is there until the new one is
// on the disk. A damaged pack is an error: [Repair] it first.
func Compact(name string) error {
	return rewrite(name, func(p *Pack) ([]byte, error) {
		if len(p.damage) > 0 {
			return nil, damagedError(p)
		}
		return compacted(slices.SortedFunc(p.All(), Entry.Compare))
	})
}

// compacted returns the pack of sorted entries.
func compacted(entries []Entry) ([]byte, error) {
	image, err := []byte(header), error(nil)
	for i, e := range entries {
		if i > 0 && entries[i-1].same(e) {
			continue
		}
		if image, err = appendFrame(image, version, e); err != nil {
			return nil, err
		}
	}
	return image, nil
}

func damagedError(p *Pack) error {
	first := ""
	if len(p.damage) > 1 {
		first = ", the first"
	}
	return fmt.Errorf("damaged in %s%s at offset %d; "+
		"to see what is lost: corpus verify %[4]s; to go on without it: corpus repair %[4]s",
		plural.Of(len(p.damage), "place"), first, p.damage[0].Offset, p.name)
}

// Repair writes a damaged pack anew with what is intact, in the same order, and returns
// the damage that was. The damaged file stays, with .damaged behind its name; if there is
// a file of that name already, that is an error. A pack without damage is left alone.
func Repair(name string) (damage []Damage, err error) {
	err = rewrite(name, func(p *Pack) ([]byte, error) {
		damage = p.damage
		if len(damage) == 0 {
			return nil, nil
		}
		return p.intact(), keep(p.name, p.name+".damaged")
	})
	return damage, err
}

// keep gives a file a second name, unless it has it already, from a repair that was
// killed.
func keep(name, second string) error {
	err := os.Link(name, second)
	if !errors.Is(err, os.ErrExist) {
		if err != nil {
			err = fmt.Errorf("%s: %w", second, errors.Unwrap(err))
		}
		return err
	}
	a, errA := os.Stat(name)
	b, errB := os.Stat(second)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return nil
	}
	return fmt.Errorf("%s is there already, from a repair before: move it away", second)
}

// intact returns the pack without what is damaged, its entries byte for byte.
func (p *Pack) intact() []byte {
	image := []byte(headerOf(p.version))
	for _, pos := range p.entries {
		h, err := parseHead(p.data[pos:])
		if err != nil {
			panic(fmt.Sprintf("%s: offset %d: was intact: %v", p.name, pos, err))
		}
		image = append(image, p.data[pos:pos+int64(h.size+h.payload)]...)
	}
	return image
}

// rewrite replaces the pack by what change makes of it, or leaves it if that is nil.
func rewrite(name string, change func(p *Pack) ([]byte, error)) (err error) {
	name, err = resolve(name)
	if err != nil {
		return err
	}
	unlock, err := lock(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	p, err := Open(name)
	if err != nil {
		return err
	}
	image, err := change(p)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if image == nil {
		return nil
	}
	return replace(osDisk{}, name, image)
}
