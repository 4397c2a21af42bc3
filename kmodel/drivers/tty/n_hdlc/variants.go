package nhdlc

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/atomic"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// What a variant has applied to the code of 2.6.29.
const (
	// flushTx is be10eb758933: TCFLSH throws away what is to be sent.
	flushTx program.Changes = 1 << iota
	// lockedPut puts what has been sent on the free list, and clears tbuf, as TCFLSH does: with
	// the lock of tx_buf_list.
	lockedPut
	// listHead is the one half of 82f2341c94d2: the lists are those of the kernel.
	listHead
	// bufReturn is the other half: there is no tbuf, and what is left goes back to the list.
	bufReturn
	// noReturn forgets that.
	noReturn
	// writeWork is 1ee33b1ca2b8: n_hdlc_tty_wakeup() leaves sending to a work item.
	writeWork
	// noCancel forgets to wait for the item when the terminal is closed.
	noCancel
)

// What the race comes to, with the fewest preemptions.
var (
	// started is a buffer that is put on tx_free_buf_list twice. Its link leads to itself then, so
	// that n_hdlc_release() finds it again when it has freed it.
	started = []program.Expect{program.Fails(schedule.UseAfterFree, 1)}
	// written is one that is there, and is tbuf.
	written = []program.Expect{program.Fails(schedule.DoubleFree, 1)}
	// fuzzed is both. (A third is rare: what is behind the buffer on the list when it is put there
	// once more is lost, as its link ends there: memory-leak.)
	fuzzed = []program.Expect{
		program.Fails(schedule.UseAfterFree, 1), program.Fails(schedule.DoubleFree, 1),
	}
	dropped = []program.Expect{program.Fails(schedule.Leak, 0)}
	// late is a work item that sends when all has been freed, or puts a buffer on
	// tx_free_buf_list when that has been emptied.
	late = []program.Expect{program.Fails(schedule.UseAfterFree, 0), program.Fails(schedule.Leak, 2)}
)

var model = program.Model[*system]{
	Object: "drivers/tty/n_hdlc",
	Variants: []program.Variant{
		{Name: "2.6.29", Versions: "2.6.29-2.6.30", About: "TCFLSH leaves alone what is to be sent"},
		{Name: "4.6", Versions: "2.6.31-4.10", Changes: flushTx,
			About: "be10eb758933: it throws that away, and tbuf, which n_hdlc_send_frames() may have"},
		{Name: "m1", Versions: "mutant", Changes: flushTx | lockedPut,
			About: "tbuf is cleared with the lock"},
		{Name: "m2", Versions: "mutant", Changes: flushTx | listHead,
			About: "the lists of 82f2341c94d2, and tbuf"},
		{Name: "4.11", Versions: "4.11-5.15", Changes: flushTx | listHead | bufReturn,
			About: "82f2341c94d2: no tbuf: what is left goes back to the list"},
		{Name: "m3", Versions: "mutant", Changes: flushTx | listHead | bufReturn | noReturn,
			About: "what is left goes nowhere"},
		{Name: "5.17", Versions: "5.16-6.13", Changes: flushTx | listHead | bufReturn | writeWork,
			About: "1ee33b1ca2b8: n_hdlc_tty_wakeup() leaves sending to a work item"},
		{Name: "m4", Versions: "mutant",
			Changes: flushTx | listHead | bufReturn | writeWork | noCancel,
			About:   "n_hdlc_tty_close() does not wait for that"},
	},
	Scenarios: []program.Scenario[*system]{
		{Name: "flush-vs-start", New: flushVsStart},
		{Name: "flush-vs-write", New: flushVsWrite},
	},
	Workloads: []program.Scenario[*system]{{Name: "workload", New: newWorkload}},
	Expected: program.Table{
		"flush-vs-start": {"4.6": started, "m1": started,
			"m2": {program.Fails(schedule.ListCorrupt, 1)}, "m4": late},
		"flush-vs-write": {"4.6": written, "m1": written, "m2": written, "m3": dropped},
		"workload": {"4.6": fuzzed, "m1": fuzzed,
			"m2": {program.Fails(schedule.ListCorrupt, 1), program.Fails(schedule.DoubleFree, 1)},
			"m3": dropped, "m4": late},
	},
	System: newSystem,
}

// Programs returns all programs.
func Programs() []program.Program { return model.Programs() }

// filesStruct is struct files_struct, which the threads of a program share: the last to exit
// closes the terminal.
type filesStruct struct {
	schedule.Object
	count atomic.Int
}

// system is what the threads of a program share.
type system struct {
	program.Changes
	program.Globals
	files  filesStruct
	tty    ttyStruct
	nHdlcs *slab.Cache[nHdlc, *nHdlc]
	bufs   *slab.Cache[nHdlcBuf, *nHdlcBuf]
}

func newSystem(c program.Changes) *system {
	s := &system{Changes: c}
	s.Global(&s.files, "files")
	s.Global(&s.tty, "tty")
	s.nHdlcs = slab.NewCache("n_hdlc", func(n *nHdlc) {
		n.system = s
		n.writeWork.Init(n.nHdlcSendFrames) // n_hdlc_tty_write_work
	})
	s.bufs = slab.NewCache[nHdlcBuf]("buf", nil)
	return s
}
