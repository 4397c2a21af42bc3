package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus"
)

// guidedConfig is a configuration that has the guided engine work on all its targets.
func guidedConfig(t testing.TB, names ...string) config {
	c := configOf(t, names...)
	c.Guided = c.Targets
	return c
}

// TestGuidedSame: with one worker the corpus is a function of the number of executions with the
// guided engine too, and another one than without it.
func TestGuidedSame(t *testing.T) {
	names := []string{"FuzzGetNetNsById", "FuzzFixedPipeRelease"}
	guided := guidedConfig(t, names...)
	dirs, executions := [3]string{}, int64(1500)
	if testing.Short() {
		executions = 300
	}
	for i, c := range []config{guided, guided, configOf(t, names...)} {
		dirs[i] = t.TempDir()
		fuzzIn(t, c, dirs[i], executions)
	}
	a, b, without := read(t, dirs[0], corpusFile), read(t, dirs[1], corpusFile),
		read(t, dirs[2], corpusFile)
	if a != b || a == without {
		t.Errorf("two corpora: %t; that without the guided engine: %t", a != b, a == without)
	}
}

// TestGuidedAgain: what the guided engine has found is in the corpus like all else, each entry
// with a species that is new; at the next start it is told of every entry, and all species
// are back.
func TestGuidedAgain(t *testing.T) {
	c := guidedConfig(t, "FuzzFixedPipeRelease")
	dir := t.TempDir()
	first := fuzzIn(t, c, dir, 3000).targets[0]
	p, err := corpus.Open(filepath.Join(dir, corpusFile))
	if err != nil {
		t.Fatal(err)
	}
	if s := first.guide.Stats(); s.Executions < 1000 || s.Memories < 10 || s.Unguided != 0 {
		t.Errorf("%+v", s)
	}
	second := fuzzIn(t, c, dir, int64(p.Len())).targets[0]
	s := second.guide.Stats()
	if len(second.species) != len(first.species) || s.Executions != p.Len() || s.Memories < 10 {
		t.Errorf("%d species, %d before; %d entries; %+v",
			len(second.species), len(first.species), p.Len(), s)
	}
}

// TestGuidedWorkers: the workers' engines of a target share, and keep to the limit of memory.
func TestGuidedWorkers(t *testing.T) {
	c := guidedConfig(t, "FuzzFixedLookupIoctx", "FuzzGetNetNsById")
	c.Workers, c.Memory = 3, size{least}
	executions, guided := int64(6000), 1500
	if testing.Short() {
		executions, guided = 2000, 500
	}
	x := fuzzIn(t, c, t.TempDir(), executions)
	opt, sum := x.guidedOptions(), 0
	for _, target := range x.targets {
		s := target.guide.Stats()
		if sum += s.Executions; s.Decisions > opt.Nodes || s.Memories > opt.Entries || s.Memories == 0 {
			t.Errorf("%s: %+v, allowed %+v", target.name, s, opt)
		}
	}
	if all := int64(2 * opt.Nodes * bytesPerNode * len(c.Guided)); sum < guided || all > least/8 {
		t.Errorf("%d executions; %d bytes", sum, all)
	}
	if len(x.targets[1].bugs) == 0 {
		t.Error("no failure found")
	}
}

// TestGuidedConfig: the file says for which targets.
func TestGuidedConfig(t *testing.T) {
	file := configFile(t, `
targets = ["FuzzPutSuper", "FuzzFixedLookupIoctx"]
guided = ["FuzzFixedLookupIoctx"]
`)
	c, err := readConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	x, err := newCampaign(c, dir, 1, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer x.store.close()
	if x.targets[0].guide != nil || x.targets[1].guide == nil {
		t.Error("another target is guided")
	}
}
