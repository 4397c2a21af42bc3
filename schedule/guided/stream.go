package guided

import "math"

// A stream is executions that are independent of each other, and alike, told apart by where
// they ended. From it the probability that one more ends where none has ended yet can be
// bounded, which in the guided executions it cannot: they do what has not been done, and
// their share of new ends falls faster than there are none left (Böhme, Liyanage and
// Wüstholz, "Estimating residual risk in greybox fuzzing", ESEC/FSE 2021, sections 3 and 5).
//
// Every time that it has become twice as long, the ends so far are frozen, and the next as
// many executions are trials: each is new by the same probability, that which the frozen
// ends have left. It only gets less after that. The bound is Chernoff's for a binomial, at
// 95%, which for no new end in n trials is 1-0.05^(1/n), about 3/n. The estimator of the
// paper, Good and Turing's, takes all executions, but has no such bound that is any good
// for few of them.
type stream struct {
	index index // of ends
	ends  []uint64
	limit int
	n     int // executions

	frozen int // ends known when the trials began
	trials int
	fresh  int // trials that ended elsewhere
	bound  float64
}

func (s *stream) init(limit int) {
	s.ends, s.limit, s.bound = make([]uint64, 1), limit, 1
	s.index.init(func(id uint32) uint64 { return s.ends[id] })
}

// add counts an execution that ended in the given state. Beyond the limit an end is new each
// time, which makes the bound higher than it need be.
func (s *stream) add(end uint64) {
	id := s.index.find(end)
	if id == 0 && len(s.ends) <= s.limit {
		s.ends = append(s.ends, end)
		s.index.put(end, uint32(len(s.ends)-1))
	}
	s.n++
	s.trials++
	if id == 0 || int(id) > s.frozen {
		s.fresh++
	}
	if s.n&(s.n-1) == 0 { // a power of two
		s.bound = upper(s.fresh, s.trials)
		s.frozen, s.trials, s.fresh = len(s.ends)-1, 0, 0
	}
}

// upper returns the least probability at which so few successes in n independent trials
// are, by Chernoff's bound, less than 5% likely.
func upper(successes, n int) float64 {
	x := float64(successes) / float64(n)
	low, high := x, 1.0
	for range 60 {
		if p := (low + high) / 2; float64(n)*divergence(x, p) < math.Log(20) {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// divergence returns that of Kullback and Leibler between coins that show x and p.
func divergence(x, p float64) float64 {
	sum := 0.0
	if x > 0 {
		sum += x * math.Log(x/p)
	}
	if x < 1 {
		sum += (1 - x) * math.Log((1-x)/(1-p))
	}
	return sum
}
