package statecov

import (
	"flag"
	"runtime"
	"slices"
	"testing"
)

var instrumented = flag.Bool("instrumented", false,
	"this binary was compiled with -fuzz and inlining, so Hit has to work")

// engineInstruments is what go test asks before it adds the counters
// (internal/platform.FuzzInstrumented).
var engineInstruments = slices.Contains([]string{"amd64", "arm64", "loong64"}, runtime.GOARCH) &&
	slices.Contains([]string{"darwin", "freebsd", "linux", "openbsd", "windows"}, runtime.GOOS)

// TestActive checks Active against what the command line says of the build.
// The binary itself is not asked: it might be wrong in the same way.
func TestActive(t *testing.T) {
	want := engineInstruments && (*instrumented || fuzzing())
	if Active() != want {
		t.Errorf("Active() = %v, want %v", Active(), want)
	}
}

func TestKeepFinds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flags func(*flag.FlagSet)
		want  string
	}{
		{"default", func(fs *flag.FlagSet) { fs.String(minimizeTime, "60s", "") }, "1x"},
		{"given", func(fs *flag.FlagSet) { fs.String(minimizeTime, "60s", ""); fs.Set(minimizeTime, "7x") }, "7x"},
		{"given as the default", func(fs *flag.FlagSet) { fs.String(minimizeTime, "60s", ""); fs.Set(minimizeTime, "60s") }, "60s"},
		{"no such flag", func(*flag.FlagSet) {}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func(real *flag.FlagSet) { flag.CommandLine = real }(flag.CommandLine)
			flag.CommandLine = flag.NewFlagSet("test", flag.PanicOnError)
			tt.flags(flag.CommandLine)
			for range 2 { // the second call must not mistake our 1x for the user's
				KeepFinds()
			}
			got := ""
			if f := flag.Lookup(minimizeTime); f != nil {
				got = f.Value.String()
			}
			if got != tt.want {
				t.Errorf("-%s=%q, want %q", minimizeTime, got, tt.want)
			}
		})
	}
	// The name, and 1x as a value of it, are those of package testing.
	f := flag.Lookup(minimizeTime)
	if f == nil {
		t.Fatalf("package testing has no flag -%s", minimizeTime)
	}
	defer func(old string) { f.Value.Set(old) }(f.Value.String())
	if err := f.Value.Set("1x"); err != nil {
		t.Errorf("package testing refuses -%s=1x: %v", minimizeTime, err)
	}
}

// BenchmarkHit measures Hit, and the loop around it alone. Section Cost of the
// package comment says how to run it in a build for fuzzing. The hashes are
// made by one addition: they are bad ones but reach every counter in turn, and
// a good hash costs several times a Hit.
func BenchmarkHit(b *testing.B) {
	const odd = 0x9e3779b97f4a7c15
	b.Run("loop", func(b *testing.B) {
		h := uint64(0)
		for range b.N {
			h += odd
		}
		sink = h
	})
	b.Run("hit", func(b *testing.B) {
		h := uint64(0)
		for range b.N {
			h += odd
			Hit(h)
		}
		sink = h
	})
}

var sink uint64
