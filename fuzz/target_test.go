package fuzz

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
	"github.com/kschedfuzz/kschedfuzz/fuzz/statecov"
	"github.com/kschedfuzz/kschedfuzz/fuzz/target"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
)

var variant = flag.String("variant", "", "fuzz this `variant` of the object instead of the target's own")

// fuzz is the body of every target.
func fuzz(f *testing.F, name string) {
	found, err := kmodel.FindTarget(name)
	if err != nil {
		f.Fatal(err)
	}
	p, err := found.Program(*variant)
	if err != nil {
		switch {
		case *variant == "":
			f.Fatal(err)
		case !fuzzing(name) && (fuzzingAny() || anyObjectHas(*variant)):
			f.Skipf("-variant=%s is of another object", *variant)
		}
		f.Fatalf("-variant=%s: %v", *variant, err)
	}
	statecov.KeepFinds()
	oneProcessor()
	x := newFuzzer(found, p)
	f.Cleanup(x.Close)
	f.Add([]byte(nil))
	for _, in := range seeds(p) {
		f.Add(in)
	}
	f.Fuzz(x.run)
}

// fuzzing reports whether target name is the one that -fuzz selects.
func fuzzing(name string) bool {
	pattern := flag.Lookup("test.fuzz").Value.String()
	ok, err := regexp.MatchString(pattern, name)
	return pattern != "" && err == nil && ok
}

// fuzzingAny reports whether a target is fuzzed, so that the others need not answer.
func fuzzingAny() bool { return flag.Lookup("test.fuzz").Value.String() != "" }

// anyObjectHas reports whether there is a target with that variant.
func anyObjectHas(variant string) bool {
	return slices.ContainsFunc(kmodel.Targets(), func(t kmodel.Target) bool {
		_, err := t.Program(variant)
		return err == nil
	})
}

// oneProcessor has the workers of the engine run on one processor each: there are as
// many as there are processors, and the engine passes every input from one goroutine to
// another, which is dear across processors.
func oneProcessor() {
	if flag.Lookup("test.fuzz").Value.String() == "" {
		return
	}
	if _, given := os.LookupEnv("GOMAXPROCS"); !given {
		os.Setenv("GOMAXPROCS", "1")
	}
}

// A fuzzer runs the inputs of one target.
type fuzzer struct {
	*target.Fuzzer
	target  kmodel.Target
	variant string
}

func newFuzzer(t kmodel.Target, p program.Program) *fuzzer {
	return &fuzzer{target.New(p), t, p.Variant}
}

// run runs one input.
func (x *fuzzer) run(t *testing.T, in []byte) {
	failed, err := x.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	if failed {
		x.report(t, in)
	}
}

// report fails the test with what a developer wants to see, the next command to type last.
func (x *fuzzer) report(t *testing.T, in []byte) {
	command := "go run ./cmd/minimize "
	if x.variant != x.target.Variant {
		command += "-variant=" + x.variant + " "
	}
	r, err := x.Report(command + x.corpusFile(t, in))
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal(r.Text)
}

// corpusFile names the file of the input, as seen from the top of the repository: the
// one that a seed was read from, or the one that the engine will write.
func (x *fuzzer) corpusFile(t *testing.T, in []byte) string {
	_, base, _ := strings.Cut(t.Name(), "/")
	if base == "" || strings.HasPrefix(base, "seed#") {
		base = gofile.Name(gofile.Format(in))
	}
	return "fuzz/testdata/fuzz/" + x.target.Name + "/" + base
}
