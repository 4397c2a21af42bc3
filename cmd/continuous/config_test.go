package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus"
	"github.com/kschedfuzz/kschedfuzz/kmodel"
)

// configFile writes a configuration, and beside it a pack seeds.pack.
func configFile(t *testing.T, text string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	w, err := corpus.Create("seeds.pack")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("c.toml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return "c.toml"
}

func TestConfig(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(configFile(t, `
targets = ["FuzzPutSuper", "fs/aio/workload@1d"]
guided = ["fs/aio/workload@1d"]
seeds = ["seeds.pack"]
workers = 3
http = "[::1]:0"
memory = "64MiB"
disk = "2GiB"
native = "`+root+`"
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Targets) != 2 || c.Targets[0].program.Name() != "fs/super/workload@m1" ||
		c.Targets[1].name != "fs/aio/workload@1d" || c.Workers != 3 || c.HTTP.addr != "[::1]:0" ||
		c.Memory.bytes != 64<<20 || c.Disk.bytes != 2<<30 || c.Native.dir != root ||
		c.Seeds[0].name != "seeds.pack" || len(c.Guided) != 1 {
		t.Errorf("got %+v", c)
	}
	c, err = readConfig("")
	if err != nil || len(c.Targets) != len(kmodel.Targets()) || c.Workers == 0 {
		t.Errorf("without a file: %+v, %v", c, err)
	}
}

func TestBadConfig(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"targets = [\n\t\"FuzzPutSuper\",\n\t\"FuzzNothing\",\n]",
			`c.toml:3: targets: target "FuzzNothing": no such target`},
		{"# x\ntargets = [\"fs/aio/workload@9\"]",
			`c.toml:2: targets: fs/aio/workload has no variant "9"; it has 1a, `},
		{"targets = [\"FuzzPutSuper\", \"FuzzPutSuper\"]",
			"c.toml:1: targets: FuzzPutSuper is there twice"},
		{"# \"FuzzPutSuper\"\ntargets = [\n\t\"FuzzPutSuper\",\n\t'FuzzPutSuper',\n]",
			"c.toml:4: targets: FuzzPutSuper is there twice"},
		{"targets = [\"FuzzPutSuper\"]\nguided = [\"FuzzLookupIoctx\"]",
			"c.toml:2: guided: FuzzLookupIoctx is not among the targets"},
		{"guided = [\"FuzzNothing\"]",
			`c.toml:1: guided: target "FuzzNothing": no such target`},
		{"\nworker = 3", "c.toml:2: worker: no such setting; " +
			"there are: targets, guided, seeds, workers, http, memory, disk, native"},
		{"[limits]\ndisk = \"1GiB\"", "c.toml:1: limits: no such setting"},
		{"[targets]", `c.toml:1: targets: want a list of names, such as ["FuzzLookupIoctx"]`},
		{"\n[[guided]]", "c.toml:2: guided: want a list of names, "},
		{"targets = \"FuzzPutSuper\"", "c.toml:1: targets: want a list of names, "},
		{"targets = [1]", "c.toml:1: targets: want a list of names, "},
		{"seeds = [{}]", `c.toml:1: seeds: want a list of files, such as ["seeds.pack"]`},
		{"memory = {}", `c.toml:1: memory: want text, such as "1GiB"`},
		{"# disk\n\"disk\" = 4", `c.toml:2: disk: want text, such as "4GiB"`},
		{"workers = 1\nDisk=1.5", `c.toml:2: Disk: want text, such as "4GiB"`},
		{"http = 8766", `c.toml:1: http: want text, such as "127.0.0.1:8766"`},
		{"native = true", "c.toml:1: native: want text, "},
		{"native.dir = \"x\"", "c.toml:1: native: want text, "},
		{"workers = -1", "c.toml:1: workers: want a number from 0 to 65535"},
		{"workers = 65536", "c.toml:1: workers: want a number from 0 to 65535"},
		{"workers = \"2\"", "c.toml:1: workers: want a number from 0 to 65535"},
		{"\n\nmemory = \"12\"",
			`c.toml:3: memory: "12": want a number with MiB or GiB behind it, such as 512MiB`},
		{"disk = \"63MiB\"", `c.toml:1: disk: "63MiB": below the least, 64MiB`},
		{"disk = \"-1GiB\"", `c.toml:1: disk: "-1GiB": want a number`},
		{"disk = \"9999999999999999999GiB\"", `c.toml:1: disk: "9999999999999999999GiB": want a number`},
		{"http = \"8766\"", `c.toml:1: http: "8766": want host:port, such as 127.0.0.1:8766, or off`},
		{"http = \":99999\"", `c.toml:1: http: ":99999": want host:port`},
		{"seeds = [\"none.pack\"]", "c.toml:1: seeds: none.pack: no such file or directory"},
		{"seeds = [\n\"c.toml\"]", "c.toml:2: seeds: c.toml: "},
		{"native = \".\"", "c.toml:1: native: go.mod: no such file or directory"},
		{"disk = \"1GiB\"\ndisk = \"1GiB\"", "c.toml:2: disk: key disk is already defined"},
		{"targets = [", "c.toml:1: "},
		{"\n=", "c.toml:2: "},
		{strings.Repeat("#\n", maxConfig/2) + "workers = 1", "c.toml: larger than the limit of 1048576 bytes"},
	} {
		_, err := readConfig(configFile(t, test.text))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%.99q:\ngot  %v\nwant %s", test.text, err, test.want)
		}
	}
	_, err := readConfig("none.toml")
	if err == nil || err.Error() != "none.toml: no such file or directory" {
		t.Errorf("no file: %v", err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("targets = [\"FuzzPutSuper\"]\nworkers = 3\nhttp = \"off\"\nmemory = \"64MiB\"")
	f.Add("[targets]")
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := readConfig(name)
		missing := func(n targetName) bool { return n.program.New == nil }
		if err == nil && (len(c.Targets) == 0 || slices.ContainsFunc(c.Targets, missing) ||
			c.Workers == 0 || c.Memory.bytes < least) {
			t.Errorf("%q: %+v", text, c)
		}
	})
}
