package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// POS gives every pending step a random priority and takes the highest. The thread that
// took one draws anew for its next, and so does every thread whose pending step conflicts
// with it, the same cell and one of them a write (Yuan, Yang and Gu, "Partial order aware
// concurrency sampling", CAV 2018, section 3).
//
// Deviations: conflicts are those that operations name ([schedule.Op.Conflicts]), so what
// a step touches besides is missed; what an idle agent will touch is not known, and
// conflicts with nothing.
type POS struct{ ranks }

// NewPOS returns a POS.
func NewPOS(seed uint64) *POS { return &POS{ranks{chance: newChance(seed), threads: few}} }

// Begin implements [Sampler].
func (p *POS) Begin() {
	p.pcg.keep = false
	p.begin()
}

// Step implements [Sampler].
func (p *POS) Step(t *schedule.Thread) bool {
	p.took(t.ID)
	if t.Op().Cell == nil {
		return true
	}
	for _, o := range t.Exec().Threads() {
		if o.Op().Conflicts(t.Op()) && o != t && !o.Idle() && !o.Finished() {
			p.priority[o.ID] = p.pcg.Uint64()
		}
	}
	return true
}
