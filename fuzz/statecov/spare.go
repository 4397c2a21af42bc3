//go:build !libfuzzer

package statecov

// arms owns 32 counters for every call that is inlined: the compiler gives one
// to each arm of an if, even where both are empty. Its inlining cost is 32,
// where 80 is allowed.
func arms(t bool) {
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
	if t {
	}
}

// spare is the code whose counters are the spare ones: 128 times 32. Only find
// calls it.
func spare(t bool) {
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
	arms(t)
}
