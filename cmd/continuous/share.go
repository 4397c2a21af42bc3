package main

import "sync"

// A share deals out the time of the workers, in turns, to the targets. Half of it is dealt
// out equally, so that no target is ever given up. The other half is dealt out in
// proportion to the species that each target's last turns discovered; a turn counts for
// 7/8 of what the next one does. Turns are measured in steps of the models, not in seconds:
// a step takes much the same time in all of them, and so the order of turns is a function
// of what was found.
//
// The order is that of smooth weighted round robin: in each round every target is given
// its part as credit, and the one with most credit has the turn and pays for it.
type share struct {
	mu      sync.Mutex
	targets []*target
	news    []float64
	credit  []float64
}

// fading is how much of what a target has discovered still counts a turn later.
const fading = 7.0 / 8

func newShare(targets []*target) *share {
	n := len(targets)
	return &share{targets: targets, news: make([]float64, n), credit: make([]float64, n)}
}

// next returns the number of the target whose turn it is.
func (s *share) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := 0
	for i, part := range s.parts() {
		s.credit[i] += part
		if s.credit[i] > s.credit[best] {
			best = i
		}
	}
	s.credit[best]--
	return best
}

// parts returns the part of the time of each target. They add up to 1.
func (s *share) parts() []float64 {
	sum := 0.0
	for _, n := range s.news {
		sum += n
	}
	parts := make([]float64, len(s.news))
	for i, n := range s.news {
		parts[i] = 1 / float64(len(parts))
		if sum > 0 {
			parts[i] = parts[i]/2 + n/sum/2
		}
	}
	return parts
}

// done tells of a turn of target i, in which so many species were new.
func (s *share) done(i, news int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news[i] = s.news[i]*fading + float64(news)
	if s.news[i] < 1.0/1024 {
		s.news[i] = 0
	}
}

// part returns the part of the time of target i.
func (s *share) part(i int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts()[i]
}
