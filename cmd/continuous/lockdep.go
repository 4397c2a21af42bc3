package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kschedfuzz/kschedfuzz/cmd/internal/lockorder"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/lockdep"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// watchEvery is how often an execution is watched for the order of locks, 1 in so many. Watched,
// one takes up to half as long again; and it is a fact of one thread that it takes this lock
// while it holds that one, which is met long before a race is. It has no factor in common with
// the numbers of engine.go, so that executions of each sort are watched.
const watchEvery = 17

// The files of a report of the order of locks.
const (
	orderFile     = "lockdep.json" // an orderReport
	orderTextFile = "report.txt"
)

// An orderReport is something that is wrong with the order of locks of a target, as all its
// executions together show it. It is no failure of any. The exported fields never change.
type orderReport struct {
	Target  string `json:"target"`
	Program string `json:"program"`
	lockorder.Report
	Found      time.Time `json:"found"`
	Executions int64     `json:"executions"` // of the target, until then

	target *target
	active bool // it has been shown since this process was started
}

// regression reports whether it is of a program that must never fail.
func (r *orderReport) regression() bool { return !r.target.program.Racy() }

// name returns the name of its directory.
func (r *orderReport) name() string {
	return directory(r.Target, r.String(), r.Target, r.Title, strings.Join(r.Chain, "-"))
}

// watched returns begin such that some executions are watched for the order of locks.
func (x *inProcess) watched(begin func(*schedule.Exec)) func(*schedule.Exec) {
	watched := x.order.Watch(begin)
	return func(e *schedule.Exec) {
		if x.n%watchEvery == 0 {
			watched(e)
		} else {
			begin(e)
		}
	}
}

// learn tells the target what executions have shown of the order of locks since the last time.
func (x *inProcess) learn() error {
	n := x.order.Len()
	if n == x.learned {
		return nil
	}
	x.learned = n
	return x.target.learn(x.order.Facts())
}

// learn takes in what executions have shown of the order of locks. What is wrong with it now, and
// was not before, is on the disk when it returns.
func (t *target) learn(facts []lockdep.Fact) error {
	if !t.order.Learn(facts) {
		return nil
	}
	return t.tellOrder()
}

// tellOrder looks at what is known of the order of locks, and brings the reports that are new, or
// have new executions, to the disk.
func (t *target) tellOrder() error {
	t.mu.Lock()
	fresh := t.misordered()
	t.mu.Unlock()
	for _, r := range fresh {
		files, err := r.files()
		if err == nil {
			err = t.store.publish(orderDir, r.name(), files)
		}
		if err != nil {
			return err
		}
		t.wrong(r)
	}
	return nil
}

// misordered looks at what is known of the order of locks, and returns the reports that are new.
// One whose executions did not show it any more, but others do, is made again with these.
func (t *target) misordered() (fresh []*orderReport) {
	active := 0
	for _, r := range t.orders {
		if r.active {
			active++
		}
	}
	for _, rep := range t.order.Reports() {
		old := t.orders[rep.String()]
		if old != nil && old.active || active >= maxBugs {
			continue
		}
		active++
		r := &orderReport{
			Target: t.name, Program: t.program.Name(), target: t, Found: t.now(), active: true,
			Report:     lockorder.Tell(t.program, 0, []lockdep.Report{rep})[0],
			Executions: t.totals.Executions,
		}
		if old != nil {
			r.Found, r.Executions = old.Found, old.Executions
		}
		t.orders[rep.String()] = r
		fresh = append(fresh, r)
	}
	return fresh
}

// files returns the files of the report.
func (r *orderReport) files() (map[string][]byte, error) {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "WARNING: %s\n\nprogram %s\n\n", r.Title, r.Program)
	for _, line := range r.Lines(r.Program, "") {
		fmt.Fprintln(&text, line)
	}
	return map[string][]byte{orderFile: append(data, '\n'), orderTextFile: text.Bytes()}, nil
}

// loadOrders reads the reports of orders of locks, of the given targets, and runs each again. What
// they show now and is in none of them, since a class has another name, is a report too. What is
// wrong with one of them is said, and is no error.
func (s *store) loadOrders(targets map[string]*target) error {
	names, err := s.reports(orderDir)
	if err != nil {
		return err
	}
	var loaded []*target
	for _, name := range names {
		r := new(orderReport)
		file := filepath.Join(s.dir, orderDir, name, orderFile)
		err := readJSON(file, r)
		if r.target = targets[r.Target]; err == nil && (r.target == nil || r.name() != name) {
			continue // it is not fuzzed now, or a copy
		}
		if err == nil {
			err = r.check(file)
		}
		if err != nil {
			s.unreadable(err)
			continue
		}
		if _, err := readFile(filepath.Join(s.dir, orderDir, name, orderTextFile)); err != nil {
			s.unreadable(err)
			r.active = false // for it to be made again
		}
		r.target.orders[r.String()] = r
		loaded = append(loaded, r.target)
	}
	for _, t := range loaded { // workers may show no more than the reports did
		if err := t.tellOrder(); err != nil {
			return err
		}
	}
	return nil
}

// check runs the executions of the report again, tells the target what they show, and notes
// whether that is still the report. The file is the one that it was read from.
func (r *orderReport) check(file string) error {
	var order lockdep.Order
	runner := schedule.NewRunner(lockdep.Watched(r.target.program.Schedule(), &order))
	defer runner.Close()
	for _, f := range r.Facts {
		tape, err := schedule.Parse(f.Tape)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		runner.RunTape(tape)
	}
	r.target.order.Learn(order.Facts())
	r.active = slices.ContainsFunc(order.Reports(), func(rep lockdep.Report) bool {
		return rep.String() == r.String()
	})
	return nil
}

// misorders returns the status of each report of the order of locks.
func (t *target) misorders() (list []LockdepStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.orders {
		s := LockdepStatus{
			Target: r.Target, Program: r.Program, Title: r.Title, Chain: r.Chain,
			Regression: r.regression(), Active: r.active, Found: r.Found.UTC(), At: r.Executions,
			Report: orderDir + "/" + r.name(),
		}
		for _, f := range r.Facts {
			s.Facts = append(s.Facts, LockdepFact(f))
		}
		list = append(list, s)
	}
	return list
}
