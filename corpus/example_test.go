package corpus_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// entry returns the entry of an input that is digits.
func entry(program, input string) corpus.Entry {
	return corpus.Entry{Program: program, Tape: schedule.FromBytes([]byte(input)).Canonical()}
}

// An engine appends what it finds, and syncs now and then. Another process may read the
// pack at any time.
func Example() {
	dir, err := os.MkdirTemp("", "corpus")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "x.pack")

	w, err := corpus.OpenWriter(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, input := range []string{"0010002", "0010002000", "1"} {
		added, err := w.Append(entry("FuzzLookupIoctx", input))
		fmt.Println(input, added, err)
	}
	if err := w.Close(); err != nil { // syncs
		fmt.Println(err)
	}

	p, err := corpus.Open(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range p.All() {
		fmt.Printf("%016x %s %s\n", e.ID(), e.Program, e.Tape)
	}
	fmt.Println("damage:", len(p.Damage()))
	// Output:
	// 0010002 true <nil>
	// 0010002000 false <nil>
	// 1 true <nil>
	// 542fc088ac17dae6 FuzzLookupIoctx 0010002
	// 16a1674cc2785ef1 FuzzLookupIoctx 1
	// damage: 0
}

// A byte in the middle of a pack is lost: so is the entry that it was in.
func ExamplePack_Damage() {
	dir, err := os.MkdirTemp("", "corpus")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "x.pack")
	w, err := corpus.Create(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, input := range []string{"0010002", "1", "0011"} {
		w.Append(entry("FuzzPutSuper", input))
	}
	w.Close()

	data, err := os.ReadFile(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	data[len(data)/2] ^= 1
	p, err := corpus.Decode("x.pack", data)
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range p.All() {
		fmt.Println(e.Tape)
	}
	for _, d := range p.Damage() {
		fmt.Printf("lost entry %016x of %s, %d digits\n", d.ID, d.Program, d.Digits)
	}
	// Output:
	// 1
	// 0011
	// lost entry fbd6119639156085 of FuzzPutSuper, 7 digits
}

// Three tapes reach these states; two of them reach all that the three reach.
func ExampleDistil() {
	states := [][]uint64{{1, 2}, {2, 3, 4}, {1, 4}}
	fmt.Println(corpus.Distil(len(states), func(i int) []uint64 { return states[i] }))
	// Output: [0 1]
}

// The file that "go test -fuzz" would write for an input.
