// Package libfuzzer holds the fuzz targets as engines other than Go's own take them:
//
//	func FuzzLookupIoctx(data []byte) int
//
// libFuzzer calls them in binaries that ossfuzz/build.sh makes of package archive, on
// OSS-Fuzz and elsewhere; dvyukov's go-fuzz calls them as they are. The targets are those of
// package fuzz, in their default variants, and read the same bytes, so corpora may be
// exchanged. An input that fails ends the process with the report of the failure on standard
// error; the last line of that is the command to type next.
//
// Under the build tag libfuzzer the states that the model reaches go to libFuzzer's extra
// counters (package statecov), and libFuzzer mutates inputs with [Mutate] and [CrossOver],
// which know tapes and have a sampler draw schedules; package archive exports them.
//
// For dvyukov's go-fuzz, whose last commit is of 2022, go.mod has to require what it links
// in, which nothing here imports:
//
//	go install github.com/dvyukov/go-fuzz/go-fuzz@latest
//	go install github.com/dvyukov/go-fuzz/go-fuzz-build@latest
//	go get github.com/dvyukov/go-fuzz/go-fuzz-dep
//	go-fuzz-build -func FuzzLookupIoctx -o aio.zip ./fuzz/libfuzzer
//	go-fuzz -bin aio.zip -workdir aio
//
// It is shown no states, only the coverage of the models, and takes much longer. What fails is
// aio/crashers/<hash>, where the command at the end of the report has libFuzzer's crash-<hash>.
//
// There is no flag for another variant here; that is what go test -fuzz and cmd/minimize
// are for. Start reading at [Run].
package libfuzzer

import (
	"crypto/sha1"
	"fmt"
	"io"
	"os"

	"github.com/kschedfuzz/kschedfuzz/fuzz/target"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
)

// fuzzers holds the fuzzer of each target that was asked for. An engine's process runs one target
// in one goroutine.
var fuzzers = map[string]*target.Fuzzer{}

// Run runs one input of the target of that name. It returns 0, which tells the engine that
// coverage is to decide about the input. If the input fails, it prints the report and panics.
func Run(name string, data []byte) int {
	if title := run(os.Stderr, name, data); title != "" {
		panic(name + ": " + title)
	}
	return 0
}

// run returns the title of the failure, or "".
func run(w io.Writer, name string, data []byte) string {
	x := fuzzer(name)
	failed, err := x.Run(data)
	if err != nil {
		panic(err)
	}
	if !failed {
		return ""
	}
	r, err := x.Report(command(name, data))
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(w, "\n%s\n", r.Text)
	return r.Title
}

// fuzzer returns the fuzzer of the target of that name.
func fuzzer(name string) *target.Fuzzer {
	if x, ok := fuzzers[name]; ok {
		return x
	}
	found, err := kmodel.FindTarget(name)
	if err != nil {
		panic(err)
	}
	p, err := found.Program("")
	if err != nil {
		panic(err)
	}
	fuzzers[name] = target.New(p)
	return fuzzers[name]
}

// command is what to type next. The file is where libFuzzer puts the input, unless it was
// told to put it elsewhere.
func command(name string, data []byte) string {
	return fmt.Sprintf("go run ./cmd/minimize -target %s crash-%x", name, sha1.Sum(data))
}
