package sample

import "github.com/kschedfuzz/kschedfuzz/schedule"

// SURW is uniform over the interleavings of the accesses to one object, and draws the
// rest by random priorities (Zhao, Wolff, Mathur and Roychoudhury, "Selectively uniform
// concurrency testing", ASPLOS 2025, algorithm 2). For each execution it draws a cell
// with a probability proportional to how often it is accessed. Which thread takes the
// next step on it is drawn with probabilities proportional to how many each has left;
// whoever else comes to such a step is held until that thread has taken its own.
//
// How many steps each thread takes on each cell is counted in a profile: that of the
// longest execution so far, the first of which is drawn by priorities alone. It is counted anew
// when an execution has more steps than all before, and then only, so that one unusually long one
// stays, until [SURW.Forget].
//
// Deviations: the object is one cell, so the acquire of a lock stands for itself and not for what
// is done under the lock. A thread that is not created yet is drawn by its own count as any other
// is: its creator does not count for it, and hands no turn over to it. A thread of which no step on
// the cell was counted, or that has taken as many, has no chance to be drawn, where the paper
// counts one step for it: it is held until all that were counted are taken, or nobody else can go
// on. What an idle agent will touch first is not known, so that step is never held.
type SURW struct {
	ranks

	cells   []accesses // in the order in which they were first met
	index   cellIndex
	longest int
	sum     int // of shared

	cell uint64 // drawn; 0: none
	left counts
	next int // thread that takes the next step on cell; -1: none is drawn
	run  int // number of the execution
}

// counts are numbers of steps, by thread: of each cell, in every execution, so they are small.
type counts [schedule.MaxThreads]int32

// accesses are the steps that each thread takes on a cell.
type accesses struct {
	cell    uint64
	profile counts
	shared  int // steps in the profile, if two threads take them; else 0
	now     counts
	run     int // that now is of
}

// NewSURW returns a SURW.
func NewSURW(seed uint64) *SURW {
	return &SURW{ranks: ranks{chance: newChance(seed), threads: few}}
}

// NewSURWDemote returns a SURW that draws the rest as a [Demote] does.
func NewSURWDemote(seed uint64) *SURW { return &SURW{ranks: NewDemote(seed).ranks} }

// Forget makes s as it was at first, but for its randomness: for executions of another
// program, or of another setup of a workload.
func (s *SURW) Forget() {
	s.index.forget()
	*s = SURW{
		ranks: ranks{chance: s.chance, threads: few, demotes: s.demotes},
		cells: s.cells[:0], index: s.index,
	}
}

// Begin implements [Sampler].
func (s *SURW) Begin() {
	s.begin()
	s.run++
	s.drawCell()
	s.drawNext()
}

// learn makes what was counted in the given run the profile.
func (a *accesses) learn(run int) {
	a.profile, a.shared = counts{}, 0
	if a.run != run {
		return
	}
	a.profile = a.now
	threads := 0
	for _, n := range a.profile {
		if n > 0 {
			a.shared, threads = a.shared+int(n), threads+1
		}
	}
	if threads < 2 {
		a.shared = 0
	}
}

func (s *SURW) drawCell() {
	s.cell, s.left = 0, counts{}
	if s.sum == 0 {
		return
	}
	r := s.below(s.sum)
	for i := range s.cells {
		if r -= s.cells[i].shared; r < 0 {
			s.cell, s.left = s.cells[i].cell, s.cells[i].profile
			return
		}
	}
}

// drawNext draws who takes the next step on the cell.
func (s *SURW) drawNext() {
	s.next = -1
	sum := 0
	for _, n := range s.left[:s.threads] {
		sum += int(n)
	}
	if sum == 0 {
		return
	}
	r := s.below(sum)
	for id, n := range s.left[:s.threads] {
		if r -= int(n); r < 0 {
			s.next = id
			return
		}
	}
}

// Step implements [Sampler].
func (s *SURW) Step(t *schedule.Thread) bool {
	s.took(t.ID)
	c := t.Op().Cell
	if c == nil || c.Object() == nil {
		return true
	}
	i, ok := s.index.find(c.ID())
	if !ok {
		i = len(s.cells)
		s.index.put(c.ID(), i)
		s.cells = append(s.cells, accesses{cell: c.ID()})
	}
	a := &s.cells[i]
	if a.run != s.run {
		a.run = s.run
		clear(a.now[:s.threads])
	}
	a.now[t.ID]++
	if c.ID() == s.cell {
		s.left[t.ID] = max(0, s.left[t.ID]-1)
		// Another than the one drawn may have been the only one that could.
		s.drawNext()
	}
	return true
}

// End implements [Sampler].
func (s *SURW) End(e *schedule.Exec, res schedule.Result) {
	s.threads.see(e)
	if res.Steps <= s.longest {
		return
	}
	s.longest, s.sum = res.Steps, 0
	for i := range s.cells {
		s.cells[i].learn(s.run)
		s.sum += s.cells[i].shared
	}
}

// Choose implements [schedule.Chooser].
func (s *SURW) Choose(e *schedule.Exec, n int) int {
	if e.Enabled().Empty() {
		return s.below(n)
	}
	calm := e.Alternative(0)
	best, free := calm, (*schedule.Thread)(nil)
	if !s.held(calm) {
		free = calm
	}
	others := e.Enabled().Without(calm.ID)
	for id := range others.All {
		t := e.Threads()[id]
		if s.priority[t.ID] > s.priority[best.ID] {
			best = t
		}
		if !s.held(t) && (free == nil || s.priority[t.ID] > s.priority[free.ID]) {
			free = t
		}
	}
	if free == nil {
		free = best // the one drawn waits for these, or does not come any more
	}
	return of(e, free.ID)
}

// held reports whether t must let another take its step on the cell first.
func (s *SURW) held(t *schedule.Thread) bool {
	if s.cell == 0 || s.next < 0 || t.ID == s.next || t.Idle() {
		return false
	}
	c := t.Op().Cell
	return c != nil && c.Object() != nil && c.ID() == s.cell
}
