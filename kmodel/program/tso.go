package program

import (
	"strings"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// suffixTSO ends the name of a variant whose memory has store buffers.
const suffixTSO = "-tso"

// CutTSO returns the name of a variant without the end that says that its memory has store
// buffers, and whether it had one.
func CutTSO(variant string) (string, bool) { return strings.CutSuffix(variant, suffixTSO) }

// TSO returns the same code on memory as that of x86, where stores wait in a buffer of their CPU
// while later loads are done: see [schedule.Exec.BufferStores]. Variant is "1f-tso" for "1f"; what
// has store buffers already is returned as it is. Threads cannot be exchanged: it has no Class.
func (p Program) TSO() Program {
	if p.HasTSO() {
		return p
	}
	p.Variant += suffixTSO
	p.Patches = strings.TrimPrefix(p.Patches+", with store buffers", ", ")
	p.Unlisted = true
	return p.buffered()
}

// HasTSO reports whether p has store buffers.
func (p Program) HasTSO() bool {
	_, ok := CutTSO(p.Variant)
	return ok
}

// buffered has the stores of p buffered.
func (p Program) buffered() Program {
	inner := p.New
	p.Class = nil
	p.New = func() Instance {
		in := inner()
		begin, abstract := in.Begin, in.Abstract
		in.Begin = func(e *schedule.Exec) {
			e.BufferStores()
			begin(e)
		}
		if abstract != nil {
			in.Abstract = func(e *schedule.Exec, hit func(uint64)) {
				abstract(e, hit)
				for _, t := range e.Threads() {
					if n := t.Waiting(); n > 0 {
						hit(waitingStores<<16 | uint64(t.ID)<<8 | uint64(n))
					}
				}
			}
		}
		in.Canonical = nil
		return in
	}
	return p
}

// waitingStores is what the words of stores that wait begin with: no model's does.
const waitingStores = 0x73746f726573 // "stores"
