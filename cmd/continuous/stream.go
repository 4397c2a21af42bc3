package main

import "math"

// A stream is what is known from executions that are independent of each other and all of
// one distribution: those of one sampler, which nothing that is found changes. From the
// executions that feedback directs nothing can be estimated like this; by the same formulas
// they would promise too much, by up to four orders of magnitude (Böhme, Liyanage and
// Wüstholz, "Estimating residual risk in greybox fuzzing", ESEC/FSE 2021).
//
// An execution shows many species. It discovers something, compared with all others, if it
// has one that no other has; how many of n do so, divided by n, is the estimate of the
// probability that one more execution discovers something: Good and Turing's, for
// executions instead of single animals (Good, "The population frequencies of species and
// the estimation of population parameters", Biometrika 1953). Left out one at a time, each
// of the n is the one more of the n-1 others, so its mean is right for n-1 executions, and
// not too low for more of them. It is a mean, and no bound for a single run.
type stream struct {
	executions int
	failures   int
	owner      map[uint64]int // execution that alone has shown a species, or shared
	alone      map[int]int    // how many species an execution alone has shown; never 0
	room       *allowance     // for species
	ended      bool           // there was no room for one
}

// shared is the owner of a species that two executions have shown.
const shared = -1

func newStream(room *allowance) stream {
	return stream{owner: map[uint64]int{}, alone: map[int]int{}, room: room}
}

// see adds an execution with the species that it showed, each once. Those that are shared
// already may be left out. Once there is no room for a species the stream has ended, and its
// figures stay.
func (s *stream) see(species []uint64, failed bool) {
	if s.ended {
		return
	}
	id := s.executions
	s.executions++
	if failed {
		s.failures++
	}
	for _, w := range species {
		owner, known := s.owner[w]
		switch {
		case !known && !s.room.take():
			s.ended = true
			return
		case !known:
			s.owner[w] = id
			s.alone[id]++
		case owner != shared:
			s.owner[w] = shared
			if s.alone[owner]--; s.alone[owner] == 0 {
				delete(s.alone, owner)
			}
		}
	}
}

// isShared reports whether two executions or more have shown the species.
func (s *stream) isShared(w uint64) bool {
	owner, known := s.owner[w]
	return known && owner == shared
}

// discovery returns the estimated probability that one more execution shows a species that
// none has; 1 if there was none yet.
func (s *stream) discovery() float64 {
	if s.executions == 0 {
		return 1
	}
	return float64(len(s.alone)) / float64(s.executions)
}

// bound returns a probability of failing that one execution is below with confidence 0.95,
// after executions none of which failed: if it were higher, to see no failure would
// have had a probability below 0.05. It is about 3/n. If some failed it returns 1.
func (s *stream) bound() float64 {
	if s.failures > 0 || s.executions == 0 {
		return 1
	}
	return 1 - math.Pow(0.05, 1/float64(s.executions))
}
