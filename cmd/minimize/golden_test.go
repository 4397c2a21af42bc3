package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

// TestGolden replays the interleavings that the documents tell, and minimizes them
// again: they are what they were, step by step, and there is nothing smaller. They were
// checked by hand against the step lists of the kernel's functions. With -short it takes every
// third.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) < 6 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	preemptions := map[string]int{
		"aio-1b-two-destroys": 1, "aio-1d-freed-under-lookup": 1, "aio-1e-count-from-0": 1,
		"aio-1e-freed-after-unlock": 2, "aio-m1-freed-under-lookup": 1, "aio-exit-full-table": 2,
		"netns-walked-to-cleanup-list": 1, "netns-freed-and-queued": 1, "pipe-unlock-after-free": 1,
		"eventpoll-unlock-after-free": 1, "posix-cpu-timers-freed-under-tick": 1,
		"userfaultfd-merged-under-dump": 1, "io_uring-freed-before-wake-up": 1,
		"file-received-garbage": 3, "file-detached-twice": 4, "file-reused": 1,
		"eventpoll-forgotten-first": 1, "aio_poll-queued-again": 1,
		"aio_poll-lock-inside": 1, "aio_poll-left-first": 2,
		"namespace-torn-sum": 1, "namespace-legitimized-late": 2,
		"mremap-freed-before-flush": 1, "list_lru-walked-to-dispose-list": 2,
		"tlb-mask-read-too-early": 1, "exec_mmap-dropped-twice": 1,
		"select-looked-at-before-queued": 1, "powerpc-active_cpus-twice": 1,
		"gup-followed-as-a-read": 1, "gup-dirty-by-a-read": 1, "gup-dirty-by-continue": 1,
		"n_hdlc-freed-twice": 1, "n_hdlc-free-and-tbuf": 1,
		"n_tty-filled-beyond-end": 1, "n_tty-freed-at-push": 1,
		"packet-taken-off-another-list": 1, "packet-version-changed": 0,
		"vsock-freed-under-setsockopt": 1, "vsock-found-without-transport": 1,
		"vsock-added-twice-after-rst": 1, "vsock-added-twice-after-reset": 0,
		"vsock-freed-before-count": 1, "vsock-freed-before-count-rst": 2,
		"maple_tree-torn": 1, "maple_tree-freed-under-walk": 1, "maple_tree-passed-by": 1,
		"maple_tree-left-out": 1, "maple_tree-gone": 1, "mmap_lock-woken-at-freed-mm": 5,
		"unix_gc-peeked-meanwhile": 1, "unix_gc-queued-late": 1, "unix_gc-not-called": 1,
		"unix_gc-taken-for-two": 0, "unix_gc-freed-on-the-ring": 2, "unix_gc-counted-down": 2,
	}
	for i, file := range files {
		if testing.Short() && i%3 != 0 {
			continue
		}
		name := filepath.Base(file[:len(file)-len(".txtar")])
		t.Run(name, func(t *testing.T) {
			g, err := triage.ReadGolden(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := kmodel.Find(g.Program)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Check(p.Schedule()); err != nil {
				t.Fatal(err)
			}
			res, err := triage.Minimize(context.Background(), p.Schedule(), g.Tape,
				triage.Options{Mute: g.Mute})
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Trace.Tape.String(); got != g.Tape.String() {
				t.Errorf("minimized to %s, the file has %s", got, g.Tape)
			}
			if want, ok := preemptions[name]; ok && res.Final.Preemptions != want {
				t.Errorf("%d preemptions, want %d", res.Final.Preemptions, want)
			}
			if !res.Certificate.Proven() {
				t.Errorf("not proven minimal: %v", &res.Certificate)
			}
		})
	}
}
