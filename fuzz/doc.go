// Package fuzz holds the native fuzz targets, one for each kernel object:
//
//	go test -fuzz=FuzzLookupIoctx ./fuzz
//	go test -fuzz=FuzzLookupIoctx ./fuzz -variant=1a
//
// A target is the workload scenario of its object, in the variant that its document
// found broken: the bytes choose threads and system calls first, and then the schedule. What
// targets begin with (seeds_test.go) chooses the former only, and leaves the latter to an end
// that is drawn (schedule.Tape), so that most of what the engine makes up is the schedule of a
// sampler. Its FuzzFixed twin is the same workload with the upstream fix applied, and must never
// fail. The flag -variant picks the code of another kernel, or a mutant.
//
// Besides the coverage of the model's Go code, the fuzzer is fed the states that the
// model reaches ([statecov]). A failure is minimized before it is reported.
//
// The targets are test files, since that is where Go looks for them. Nothing else is
// here; start reading at target_test.go, and then package fuzz/target, which is what the
// engines share. What is linked into this package's test is instrumented, and its counters are
// read after every execution, so keep its imports few.
//
// [statecov]: https://pkg.go.dev/github.com/kschedfuzz/kschedfuzz/fuzz/statecov
package fuzz
