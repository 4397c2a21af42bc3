package gofile

import (
	"fmt"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"go test fuzz v1\n[]byte(\"0010\")\n", "0010"},
		{"go test fuzz v1\r\n[]byte(`00`)\r\n", "00"},
		{"go test fuzz v1\n[]byte(\"\\xff\")", "\xff"},
	} {
		got, err := Parse("f", []byte(test.file))
		if err != nil || string(got) != test.want {
			t.Errorf("%q: got %q, %v", test.file, got, err)
		}
	}
	for _, test := range []struct{ file, want string }{
		{"", `f:1: not a file of the Go fuzzer: begins with "", want "go test fuzz v1"`},
		{"go test fuzz v2\n",
			`f:1: not a file of the Go fuzzer: begins with "go test fuzz v2", want "go test fuzz v1"`},
		{"go test fuzz v1\n", `f:2: the file is truncated: want []byte("...")`},
		{"go test fuzz v1\nint(7)\n", `f:2: "int(7)", want []byte("...")`},
		{"go test fuzz v1\n[]byte(\"0", `f:2: the file is truncated: no closing bracket`},
		{"go test fuzz v1\n[]byte('a')\n", `f:2: "'a'" is not a Go string`},
		{"go test fuzz v1\n[]byte(\"0\")\nint(1)\n",
			`f:3: a second argument: the targets of kschedfuzz have one`},
	} {
		if _, err := Parse("f", []byte(test.file)); err == nil || err.Error() != test.want {
			t.Errorf("%q:\ngot  %v\nwant %s", test.file, err, test.want)
		}
	}
}

func TestTargetOf(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"fuzz/testdata/fuzz/FuzzLookupIoctx/916d", "FuzzLookupIoctx"},
		{"/cache/fuzz/github.com/kschedfuzz/kschedfuzz/fuzz/FuzzLookupIoctx/916d", "FuzzLookupIoctx"},
		{"/tmp/FuzzLookupIoctx/916d", ""},
		{"/tmp/fuzz/corpus/916d", ""},
		{"/tmp/916d", ""},
	} {
		if got := TargetOf(test.file); got != test.want {
			t.Errorf("%s: got %q, want %q", test.file, got, test.want)
		}
	}
}

func TestTargetOfData(t *testing.T) {
	ours := string(Format([]byte("0")))
	for _, test := range []struct{ file, data, want string }{
		{"/tmp/FuzzLookupIoctx/916d", ours, "FuzzLookupIoctx"},
		{"/tmp/FuzzLookupIoctx/916d", "0010", ""},
		{"/tmp/fuzz/FuzzLookupIoctx/916d", "0010", "FuzzLookupIoctx"},
		{"/tmp/corpus/916d", ours, ""},
	} {
		if got := TargetOfData(test.file, []byte(test.data)); got != test.want {
			t.Errorf("%s with %q: got %q, want %q", test.file, test.data, got, test.want)
		}
	}
}

func ExampleFormat() {
	fmt.Printf("%s", Format([]byte("0010")))
	// Output:
	// go test fuzz v1
	// []byte("0010")
}

// TestName compares with a file of the engine's own.
func TestName(t *testing.T) {
	if got, want := Name(Format([]byte("0"))), "582528ddfad69eb5"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Format([]byte("0010\xff")))
	f.Add([]byte("go test fuzz v1\n[]byte(`0`)\r\n"))
	f.Add([]byte("go test fuzz v1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		data, err := Parse("f", file)
		if err != nil {
			return
		}
		back, err := Parse("f", Format(data))
		if err != nil || string(back) != string(data) {
			t.Errorf("%q: read %q, then %q, %v", file, data, back, err)
		}
	})
}
