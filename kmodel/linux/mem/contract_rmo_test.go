package mem_test

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/litmus"
)

// TestContractRMO tests what exploring rests on where loads pass loads.
func TestContractRMO(t *testing.T) {
	rows := slices.Concat(rmbTests, dependTests)
	for i := range rows {
		rows[i].RMO = true
	}
	litmus.Contract(t, rows, rmo())
}
