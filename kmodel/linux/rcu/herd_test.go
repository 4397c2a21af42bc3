package rcu_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// The tests of testdata/*.litmus: a table with one entry and a count in plain words, so that
// herd7 can read them. A freed word says that the object is gone. What herd7 and the kernel's
// memory model say of them is in testdata/herd7.txt; scripts/compare/herd asks them again.
// The rows named lookup-object have no such test: herd7 knows nothing of freed memory.

// herd makes one of them: a table entry and a count of 1.
func herd(body func(p *prog)) func(*litmus.Program) {
	return build(rcu.Split, func(p *prog) {
		p.Begin(func(*schedule.Exec) {
			p.table.Init(1)
			p.ref.Init(1)
		})
		body(p)
	})
}

// destroys adds P0, io_destroy.
func (p *prog) destroys(sync func(t *schedule.Thread)) {
	p.Thread("P0", func(t *schedule.Thread) {
		p.table.Xchg(t, 0)
		if p.ref.DecAndTest(t) {
			sync(t)
			p.freed.WriteOnce(t, 1)
		}
	})
}

// looksUp adds a lookup. r[i] says that it took the reference and then found the object
// freed.
func (p *prog) looksUp(name string, i int, get func(t *schedule.Thread) bool) {
	p.Thread(name, func(t *schedule.Thread) {
		rcu.ReadLock(t)
		took := p.table.Read(t) == 1 && get(t)
		rcu.ReadUnlock(t)
		if took {
			p.r[i].Set(p.freed.ReadOnce(t))
			p.ref.DecAndTest(t)
		}
	})
}

// inc takes the reference, whatever the count; incNotZero only while it is not 0.
func (p *prog) inc(t *schedule.Thread) bool {
	p.ref.Inc(t)
	return true
}

func (p *prog) incNotZero(t *schedule.Thread) bool { return p.ref.AddUnless(t, 1, 0) }

// lookup is the object that the tests above stand for: the count is in it, and the last
// put frees it.
func (p *prog) lookup(get func(t *schedule.Thread, o *object) bool) {
	put := func(t *schedule.Thread, o *object) {
		if o.refs.DecAndTest(t) {
			rcu.Call(t, &o.rcu)
		}
	}
	p.owned().Begin(func(*schedule.Exec) { p.o.refs.Init(1) })
	p.Thread("io_destroy", func(t *schedule.Thread) {
		p.unlink(t)
		put(t, p.o)
	})
	p.Thread("lookup", func(t *schedule.Thread) {
		rcu.ReadLock(t)
		o := p.p.Dereference(t)
		took := o != nil && get(t, o)
		rcu.ReadUnlock(t)
		if took {
			o.data.ReadOnce(t)
			put(t, o)
		}
	})
}

func getInc(t *schedule.Thread, o *object) bool {
	o.refs.Inc(t)
	return true
}

func getIncNotZero(t *schedule.Thread, o *object) bool { return o.refs.IncNotZero(t) }

var herdTests = []litmus.Test{{
	// The count goes from 0 to 1: RCU delays the free, and not for the reader's
	// reference.
	Name: "lookup-ioctx-buggy", Build: herd(func(p *prog) {
		p.destroys(rcu.Synchronize)
		p.looksUp("P1", 0, p.inc)
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "58 pass, 3 exists",
}, {
	// A reference is taken only from a count that is not 0.
	Name: "lookup-ioctx-fixed", Build: herd(func(p *prog) {
		p.destroys(rcu.Synchronize)
		p.looksUp("P1", 0, p.incNotZero)
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "42 pass",
}, {
	// As above with two readers.
	Name: "lookup-ioctx-fixed-2r", Build: herd(func(p *prog) {
		p.destroys(rcu.Synchronize)
		p.looksUp("P1", 0, p.incNotZero)
		p.looksUp("P2", 1, p.incNotZero)
		p.Exists(func() bool { return p.r[0].Get() == 1 || p.r[1].Get() == 1 })
	}),
	Verdict: litmus.Never, Counts: "40292 pass",
}, {
	// No grace period: the reader looks at an object that has been freed, within its
	// section.
	Name: "lookup-ioctx-norcu", Build: herd(func(p *prog) {
		p.destroys(func(*schedule.Thread) {})
		p.Thread("P1", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			if p.table.Read(t) == 1 {
				p.r[0].Set(p.freed.ReadOnce(t))
			}
			rcu.ReadUnlock(t)
		})
		p.Exists(func() bool { return p.r[0].Get() == 1 })
	}),
	Verdict: litmus.Sometimes, Counts: "25 pass, 1 exists",
}, {
	// lookup-ioctx-buggy with an object: it is used after the section, when it has been
	// freed; or freed twice, since the count falls to 0 twice.
	Name: "lookup-object-buggy", Build: build(rcu.Split, func(p *prog) { p.lookup(getInc) }),
	Bad:     schedule.UseAfterFree,
	Verdict: litmus.Sometimes, Counts: "39 pass, 6 lock-rule, 36 use-after-free",
}, {
	// lookup-ioctx-fixed with an object.
	Name: "lookup-object-fixed", Build: build(rcu.Split, func(p *prog) { p.lookup(getIncNotZero) }),
	Bad: schedule.UseAfterFree, Verdict: litmus.Never, Counts: "42 pass",
}, {
	// lookup-ioctx-norcu with an object: inc_not_zero itself touches what has been freed.
	Name: "lookup-object-norcu", Build: build(rcu.Split, func(p *prog) {
		p.Begin(func(*schedule.Exec) { p.o.refs.Init(1) })
		p.Thread("io_destroy", func(t *schedule.Thread) {
			p.unlink(t)
			if p.o.refs.DecAndTest(t) {
				slab.Free(t, "kfree", p.o)
			}
		})
		p.Thread("lookup", func(t *schedule.Thread) {
			rcu.ReadLock(t)
			if o := p.p.Dereference(t); o != nil && o.refs.IncNotZero(t) {
				o.refs.Dec(t)
			}
			rcu.ReadUnlock(t)
		})
	}),
	Bad: schedule.UseAfterFree, Verdict: litmus.Sometimes, Counts: "30 pass, 1 use-after-free",
}}

// TestHerd7 compares the verdicts of the table with those of herd7, which must have judged
// every test that it can read.
func TestHerd7(t *testing.T) {
	files, err := filepath.Glob("testdata/*.litmus")
	if err != nil || len(files) == 0 {
		t.Fatalf("no litmus tests: %v", err)
	}
	text, err := os.ReadFile("testdata/herd7.txt")
	if err != nil {
		t.Fatal(err)
	}
	judged := map[string]string{}
	for line := range strings.Lines(string(text)) {
		var name, verdict string
		if _, err := fmt.Sscanf(line, "Observation %s %s", &name, &verdict); err != nil {
			t.Fatalf("herd7.txt: %q: %v", line, err)
		}
		judged[name] = verdict
	}
	for _, row := range herdTests {
		if want, ok := judged[row.Name]; ok && row.Verdict.String() != want {
			t.Errorf("%s: %v, herd7 says %s", row.Name, row.Verdict, want)
		} else if !ok && !strings.HasPrefix(row.Name, "lookup-object-") {
			t.Errorf("%s: herd7 was not asked", row.Name)
		}
		delete(judged, row.Name)
	}
	if len(judged) != 0 {
		t.Errorf("no rows for %v", judged)
	}
	if len(files) != 4 {
		t.Errorf("%d litmus tests, want 4", len(files))
	}
}
