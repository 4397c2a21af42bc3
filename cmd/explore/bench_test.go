package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule/compare"
)

// TestReadCells cuts a file off at every byte, as a kill might: what comes of it can be gone
// on with, and only the last line is lost.
func TestReadCells(t *testing.T) {
	var whole bytes.Buffer
	a := compare.Cell{Program: "a", Strategy: "walk", Cap: 9, Runs: []int{1, 2}}
	b := compare.Cell{Program: "b", Strategy: "walk", Cap: 9, Runs: []int{3, 0}}
	if err := compare.WriteCSV(&whole, true, a, b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "table.csv")
	counts := map[int]int{}
	for n := range whole.Len() + 1 {
		if err := os.WriteFile(file, whole.Bytes()[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		cells, err := readCells(file)
		left, _ := os.ReadFile(file)
		if err != nil || len(left) > 0 && left[len(left)-1] != '\n' {
			t.Fatalf("cut at %d: %v, %q is left", n, err, left)
		}
		counts[len(cells)]++
	}
	if len(counts) != 3 || counts[2] != 1 {
		t.Errorf("cells read: %v", counts)
	}
	if cells, err := readCells(file + ".none"); cells != nil || err != nil {
		t.Errorf("no file: %v, %v", cells, err)
	}
}
