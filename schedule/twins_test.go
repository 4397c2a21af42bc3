package schedule_test

import (
	"strings"
	"testing"

	. "github.com/kschedfuzz/kschedfuzz/schedule"
)

// twins are two threads of one name, a third of another, and an agent of the same.
func twins(r *ring, e *Exec) {
	e.Go("io_destroy", r.killCtx)
	e.Go("io_submit", r.ioSubmit)
	e.Go("io_destroy", r.killCtx)
	e.Agent("io_destroy", r)
}

// TestColumnsTwins: threads of one name are numbered, everywhere.
func TestColumnsTwins(t *testing.T) {
	r := NewRunner(ringProgram(twins))
	defer r.Close()
	tr, err := r.Replay(nil)
	if err != nil {
		t.Fatal(err)
	}
	var names, plain []string
	for _, info := range tr.Threads {
		names, plain = append(names, info.Name), append(plain, info.Plain())
	}
	if got, want := strings.Join(names, " "), "io_destroy#1 io_submit io_destroy#2 io_destroy"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
	want := "io_destroy io_submit io_destroy io_destroy"
	if got := strings.Join(plain, " "); got != want {
		t.Errorf("plain names %q, want %q", got, want)
	}
	var out strings.Builder
	if err := tr.WriteColumns(&out, 160); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(out.String(), "\n")
	if got, want := strings.Join(strings.Fields(head), " "),
		"io_destroy#1 io_submit io_destroy#2 [io_destroy]"; got != want {
		t.Errorf("heading %q, want %q", got, want)
	}
}
