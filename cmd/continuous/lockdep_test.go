package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// inverted is a workload two of whose system calls take two locks in two orders.
const inverted = "mm/list_lru/workload@P6-abba"

// enough is so many executions that both orders are met, twice over.
const enough = 200

// TestLockdep: what is wrong with the order of locks is reported once, with an execution for each
// dependency; it is so again at every start, until it is not so any more; and of a program that
// must never fail it is a regression.
func TestLockdep(t *testing.T) {
	dir := t.TempDir()
	x := fuzzIn(t, configOf(t, inverted), dir, enough)
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
	const told = "REGRESSION: the order of locks of " + inverted
	if err != nil || n < 1 || !strings.Contains(out.String(), told) {
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

// TestLockdepChanged: the model has changed since a report was made. If its executions show the
// same under other names, that is a report, though no execution adds to it; if others show the
// same, it is made again with these.
func TestLockdepChanged(t *testing.T) {
	if testing.Short() {
		t.Skip("it fuzzes three times")
	}
	cfg, dir := configOf(t, inverted), t.TempDir()
	first := fuzzIn(t, cfg, dir, enough).status().Lockdep[0]
	change := func(from, to string) {
		t.Helper()
		name := filepath.Join(dir, first.Report, orderFile)
		data := []byte(strings.ReplaceAll(read(t, dir, first.Report, orderFile), from, to))
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	change("list_lrus_mutex", "old_mutex")
	var named orderReport
	if err := readJSON(filepath.Join(dir, first.Report, orderFile), &named); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(dir, orderDir, named.name())
	if err := os.Rename(filepath.Join(dir, first.Report), moved); err != nil {
		t.Fatal(err)
	}
	reports := func(executions int64) (active []LockdepStatus, all int) {
		list := fuzzIn(t, cfg, dir, executions).status().Lockdep
		for _, r := range list {
			if r.Active {
				active = append(active, r)
			}
		}
		return active, len(list)
	}
	active, all := reports(1)
	if len(active) != 1 || all != 2 || active[0].Report != first.Report {
		t.Fatalf("with another name: %d reports, %+v", all, active)
	}
	if err := os.RemoveAll(moved); err != nil {
		t.Fatal(err)
	}

	for _, f := range active[0].Facts {
		change(strconv.Quote(f.Tape), strconv.Quote("0"))
	}
	if active, all := reports(1); len(active) != 0 || all != 1 {
		t.Fatalf("with executions that show nothing: %d reports, %+v", all, active)
	}
	again, all := reports(enough)
	if len(again) != 1 || all != 1 || !again[0].Found.Equal(active[0].Found) {
		t.Fatalf("shown by others: %d reports, %+v", all, again)
	}
	if active, _ := reports(1); len(active) != 1 {
		t.Error("the executions on the disk are still those that show nothing")
	}
	if old := read(t, dir, first.Report+".1", orderFile); !strings.Contains(old, `"tape": "0"`) {
		t.Errorf("set aside:\n%s", old)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, orderDir, "*")); len(files) != 2 {
		t.Errorf("%v", files)
	}

	// What cannot be read is no reason not to start, and the facts make the text again.
	remove(t, dir, first.Report, orderTextFile)
	if again, _ := reports(1); len(again) != 1 || !again[0].Found.Equal(active[0].Found) ||
		read(t, dir, first.Report, orderTextFile) == "" {
		t.Errorf("without its text: %+v", again)
	}
	remove(t, dir, first.Report, orderFile)
	if active, all := reports(1); len(active) != 0 || all != 0 {
		t.Errorf("without its facts: %d reports, %+v", all, active)
	}
	if active, all := reports(enough); len(active) != 1 || all != 1 {
		t.Errorf("met again: %d reports, %+v", all, active)
	}

	// A copy of one that was so once is none.
	report := os.DirFS(filepath.Join(dir, first.Report+".1"))
	if err := os.CopyFS(filepath.Join(dir, orderDir, "old-01234567"), report); err != nil {
		t.Fatal(err)
	}
	before, _ := filepath.Glob(filepath.Join(dir, orderDir, "*"))
	active, all = reports(1)
	after, _ := filepath.Glob(filepath.Join(dir, orderDir, "*"))
	if len(active) != 1 || all != 1 || len(after) != len(before) {
		t.Errorf("with a copy: %d reports, %+v; %v", all, active, after)
	}
}

// TestLockdepLimit: what is not so any more leaves room for what is.
func TestLockdepLimit(t *testing.T) {
	for _, active := range []bool{false, true} {
		if testing.Short() && !active {
			continue // as in TestLockdep there is one more
		}
		x, err := newCampaign(configOf(t, inverted), t.TempDir(), enough, new(bytes.Buffer))
		if err != nil {
			t.Fatal(err)
		}
		orders := x.targets[0].orders
		for i := range maxBugs {
			orders[strconv.Itoa(i)] = &orderReport{target: x.targets[0], active: active}
		}
		if err := errors.Join(x.run(context.Background(), 0), x.store.close()); err != nil {
			t.Fatal(err)
		}
		if fresh := len(orders) > maxBugs; fresh == active {
			t.Errorf("%d reports are so: %v, a new one: %v", maxBugs, active, fresh)
		}
	}
}
