package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/internal/plural"
)

// list prints the entries.
func (c *command) list(names []string) error {
	packs, err := c.openAll(names)
	if err != nil {
		return err
	}
	for _, p := range packs {
		for e := range p.All() {
			if c.program != "" && e.Program != c.program {
				continue
			}
			line := fmt.Sprintf("%016x %s %d %s", e.ID(), e.Program, len(e.Tape.Bytes()), e.Label)
			fmt.Fprintln(c.stdout, strings.TrimRight(line, " "))
		}
	}
	return nil
}

// cat prints tapes.
func (c *command) cat(args []string) error {
	p, err := c.open(args[0])
	if err != nil {
		return err
	}
	if len(args) == 1 {
		for e := range p.All() {
			fmt.Fprintln(c.stdout, e.Tape)
		}
		return nil
	}
	for _, id := range args[1:] {
		e, err := find(p, id)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name(), err)
		}
		fmt.Fprintln(c.stdout, e.Tape)
	}
	return nil
}

// find returns the entry whose id begins so.
func find(p *corpus.Pack, id string) (found corpus.Entry, err error) {
	if _, err := strconv.ParseUint(id, 16, 64); err != nil {
		return found, fmt.Errorf("id %q: want hex digits (0-9, a-f), as corpus list prints them", id)
	}
	n := 0
	for e := range p.All() {
		if strings.HasPrefix(fmt.Sprintf("%016x", e.ID()), id) {
			found = e
			n++
		}
	}
	switch n {
	case 0:
		return found, fmt.Errorf("id %s: no such entry; to see them: corpus list %s", id, p.Name())
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("id %s: %d entries begin so, want more digits", id, n)
}

// stat prints what there is for which program.
func (c *command) stat(names []string) error {
	packs, err := c.openAll(names)
	if err != nil {
		return err
	}
	for _, p := range packs {
		fmt.Fprintf(c.stdout, "%s: %s, %d bytes, %s\n", p.Name(), plural.Of(p.Len(), "entry"), p.Size(), state(p))
		if err := c.table(p); err != nil {
			return err
		}
	}
	return nil
}

func state(p *corpus.Pack) string {
	switch n := len(p.Damage()); {
	case p.Size() == 0:
		return "the file is empty: nothing was ever written to it, or all is lost"
	case n == 0:
		return "intact"
	default:
		return "damaged in " + plural.Of(n, "place")
	}
}

// table prints entries, labels and digits of each program.
func (c *command) table(p *corpus.Pack) error {
	type row struct{ entries, labels, digits, longest int }
	rows := map[string]row{}
	for e := range p.All() {
		r, n := rows[e.Program], len(e.Tape.Bytes())
		r.entries++
		r.digits += n
		r.longest = max(r.longest, n)
		if e.Label != "" {
			r.labels++
		}
		rows[e.Program] = r
	}
	if len(rows) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "entries\tlabelled\tdigits\tlongest\t  program")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t  %s\n", r.entries, r.labels, r.digits, r.longest, name)
	}
	return w.Flush()
}

// verify prints what is damaged.
func (c *command) verify(names []string) error {
	for _, name := range names {
		p, err := corpus.Open(name) // everything is read then
		if err != nil {
			return err
		}
		c.damaged = c.damaged || len(p.Damage()) > 0 || p.Size() == 0
		fmt.Fprintf(c.stdout, "%s: %s, %s\n", name, plural.Of(p.Len(), "entry"), state(p))
		for _, d := range p.Damage() {
			fmt.Fprintf(c.stdout, "%s: %v\n", name, d)
		}
	}
	return nil
}

// repair drops what is damaged.
func (c *command) repair(args []string) error {
	name := args[0]
	damage, err := corpus.Repair(name)
	if err != nil {
		return err
	}
	if len(damage) == 0 {
		fmt.Fprintf(c.stdout, "%s: intact\n", name)
		return nil
	}
	for _, d := range damage {
		fmt.Fprintf(c.stdout, "%s: %v\n", name, d)
	}
	fmt.Fprintf(c.stdout, "%[1]s: repaired; what it was is %[1]s.damaged\n", name)
	return nil
}

// compact sorts a pack. A damaged one is left alone.
func (c *command) compact(args []string) error {
	name := args[0]
	before, err := c.open(name)
	if err != nil || c.damaged {
		return err
	}
	if err := corpus.Compact(name); err != nil {
		return err
	}
	after, err := c.open(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s: %s, %d bytes, were %d\n",
		name, plural.Of(after.Len(), "entry"), after.Size(), before.Size())
	return nil
}

// merge adds packs to a pack.
func (c *command) merge(args []string) error {
	packs, err := c.openAll(args[1:])
	if err != nil {
		return err
	}
	total := 0
	for _, p := range packs {
		total += p.Len()
	}
	return c.adding(args[0], func(add func(corpus.Entry) error) error {
		bar := c.progress("merge", total)
		defer bar.done()
		for _, p := range packs {
			for e := range p.All() {
				bar.step()
				if err := add(e); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// adding opens a pack to add to it, and says what was added. A pack that it has made is
// gone again if that fails.
func (c *command) adding(name string, fill func(add func(corpus.Entry) error) error) (err error) {
	_, missing := os.Lstat(name)
	w, err := corpus.OpenWriter(name)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && errors.Is(missing, os.ErrNotExist) {
			err = errors.Join(err, os.Remove(name)) // while nobody else may write to it
		}
		err = errors.Join(err, w.Close())
	}()
	c.warn(w.Pack())
	added, known := 0, 0
	err = fill(func(e corpus.Entry) error {
		fresh, err := w.Append(e)
		if fresh {
			added++
		} else if err == nil {
			known++
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Sync(); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s: %d added, %d there already, %s now\n",
		name, added, known, plural.Of(w.Pack().Len(), "entry"))
	return nil
}

// create makes a new pack of entries.
func create(name string, list []corpus.Entry) (err error) {
	w, err := corpus.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, w.Close()); err != nil {
			os.Remove(name)
		}
	}()
	for _, e := range list {
		if _, err := w.Append(e); err != nil {
			return err
		}
	}
	return nil
}
