package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNative has the Go fuzzer take a turn at a target that is clean and one that fails. What
// it found is given to the targets, and nothing is left behind.
func TestNative(t *testing.T) {
	needsEngines(t)
	c := configOf(t, "FuzzFixedPipeRelease", "FuzzPutSuper", "fs/aio/workload@1d")
	c.Native = source{"../.."}
	ctx := context.Background()
	x, err := newCampaign(c, t.TempDir(), 10, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer x.store.close()
	if err := x.buildNative(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(x.native.targets); n != 2 {
		t.Fatalf("%d targets", n)
	}
	for _, target := range x.native.targets {
		if _, err := (nativeEngine{x, target}).turn(ctx); err != nil {
			t.Fatal(err)
		}
		if len(target.todo) == 0 {
			t.Errorf("%s: no inputs found", target.name)
		}
	}
	// The other one fails before it counts.
	if n := x.native.targets[0].totals.Native; n < nativeInputs {
		t.Errorf("%d inputs run", n)
	}
	// One of those for FuzzPutSuper fails, here too.
	failing := x.native.targets[1]
	e := newInProcess(failing, roomFor(1<<62), 1)
	defer e.close()
	for len(failing.todo) > 0 {
		o := e.run()
		if _, err := e.tell(&o); err != nil {
			t.Fatal(err)
		}
	}
	if len(failing.bugs) != 1 {
		t.Errorf("%d failures", len(failing.bugs))
	}
	left, err := filepath.Glob(filepath.Join(x.store.dir, nativeDir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}

	// A binary that cannot run is an error, and one that is stopped is none of ours.
	script := []byte("#!/bin/sh\necho no luck\nexit 3\n")
	if err := os.WriteFile(x.nativeBinary(), script, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = (nativeEngine{x, failing}).turn(ctx)
	if err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("a broken binary: %v", err)
	}
}

func TestNativeWithoutTargets(t *testing.T) {
	c := configOf(t, "fs/aio/workload@1d")
	c.Native = source{"../.."}
	x, err := newCampaign(c, t.TempDir(), 10, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer x.store.close()
	want := "native: no fuzz target is among the targets, only programs: " +
		"leave it out of the configuration"
	if err := x.buildNative(context.Background()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
