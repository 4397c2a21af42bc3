package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// inverted is a workload two of whose system calls take two locks in two orders.
const inverted = "mm/list_lru/workload@P6-abba"

// TestLockdep: what is wrong with the order of locks is reported once, with an execution for each
// dependency; it is so again at every start, until it is not so any more; and of a program that
// must never fail it is a regression.
func TestLockdep(t *testing.T) {
	dir := t.TempDir()
	x := fuzzIn(t, configOf(t, inverted), dir, 1000)
	list := x.status().Lockdep
	if len(list) != 1 {
		t.Fatalf("%d reports: %+v", len(list), list)
	}
	r := list[0]
	if r.Title != lockdep.Circular || len(r.Facts) != 2 || !r.Active || r.Regression ||
		strings.Join(r.Chain, " ") != "list_lrus_mutex memcg_cache_ids_sem list_lrus_mutex" {
		t.Errorf("%+v", r)
	}
	for _, f := range r.Facts {
		var o lockdep.Order
		runner := schedule.NewRunner(lockdep.Watched(x.targets[0].program.Schedule(), &o))
		tape, err := schedule.Parse(f.Tape)
		if err != nil {
			t.Fatal(err)
		}
		runner.RunTape(tape)
		runner.Close()
		shown := false
		for _, g := range o.Facts() {
			shown = shown || g.From == f.From && g.To == f.To && g.Kind.String() == f.Kind
		}
		if !shown || !strings.Contains(f.Text, " holding "+f.From+" since ") {
			t.Errorf("%+v: shown: %v", f, shown)
		}
	}
	text := read(t, dir, r.Report, orderTextFile)
	for _, want := range []string{"WARNING: " + r.Title + "\n", "\nprogram " + inverted + "\n",
		r.Facts[0].Text[:20], " -tape " + r.Facts[1].Tape + " " + inverted + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var kept orderReport
	if err := json.Unmarshal([]byte(read(t, dir, r.Report, orderFile)), &kept); err != nil {
		t.Error(err)
	}

	get := func(path string) string {
		w := httptest.NewRecorder()
		x.handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
		return w.Body.String()
	}
	if get("/"+r.Report+"/"+orderTextFile) != text {
		t.Error("another report is served")
	}
	for _, want := range []string{"<h2>Order of locks</h2>", "/" + r.Report + "/" + orderFile,
		"list_lrus_mutex → memcg_cache_ids_sem → list_lrus_mutex"} {
		if !strings.Contains(get("/"), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	validate(t, get("/status.json"))

	again := fuzzIn(t, configOf(t, inverted), dir, 1).status().Lockdep
	if len(again) != 1 || !again[0].Active || !again[0].Found.Equal(r.Found) {
		t.Errorf("at the next start: %+v", again)
	}
	var out bytes.Buffer
	cmd := command{dir: dir, executions: 1}
	n, err := cmd.fuzz(context.Background(), broken(configOf(t, inverted)), &out, new(bytes.Buffer))
	if err != nil || n < 1 || !strings.Contains(out.String(), "REGRESSION: the order of locks of "+inverted) {
		t.Errorf("%d regressions, %v:\n%s", n, err, &out)
	}
	mended := configOf(t, "mm/list_lru/workload@P6")
	mended.Targets[0].name = inverted
	if s := fuzzIn(t, mended, dir, 1).status(); len(s.Lockdep) != 1 || s.Lockdep[0].Active {
		t.Errorf("mended: %+v", s.Lockdep)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, orderDir, "*")); len(files) != 1 {
		t.Errorf("%v", files)
	}
}
