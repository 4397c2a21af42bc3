package corpus

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"
)

var (
	train     = flag.Int("train", 0, "make dictionary `n`, which must be a new one")
	trainFrom = flag.String("from", "", "the `pack` of which -train makes it")
)

// dictionarySize is enough: one of twice the size saves nothing, and every program that
// links this package carries it.
const dictionarySize = 8 << 10

// TestTrain makes a dictionary of the tapes of a pack:
//
//	go test ./corpus -run=Train -train=2 -from=$PWD/x.pack
//
// To use it, set newest. The older dictionaries stay, so that older packs are readable.
// Dictionary 1 is of the 1,578 inputs that the Go fuzzer had found for six targets.
func TestTrain(t *testing.T) {
	if *train == 0 {
		t.Skip("no -train")
	}
	name := fmt.Sprintf("dict/%d.zstd", *train)
	if _, err := os.Stat(name); err == nil {
		t.Fatalf("%s: a dictionary is never changed", name)
	}
	p, err := Open(*trainFrom)
	if err != nil {
		t.Fatal(err)
	}
	var samples [][]byte
	for e := range p.All() {
		if s := join(e.Tape.Bytes()); len(s) >= 8 {
			samples = append(samples, s)
		}
	}
	d, err := dict.BuildZstdDict(samples, dict.Options{
		MaxDictSize: dictionarySize, HashBytes: 6,
		ZstdDictID: uint32(*train), ZstdLevel: zstd.SpeedFastest,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, d, 0o644); err != nil {
		t.Fatal(err)
	}
}
