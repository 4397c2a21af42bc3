package super

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/internal/verify"
)

var bornSuite = verify.Suite{Programs: Births()}

func TestBornVerdicts(t *testing.T)    { bornSuite.Verdicts(t) }
func TestBornCounts(t *testing.T)      { bornSuite.Counts(t, "testdata/born.txt") }
func TestBornDeterminism(t *testing.T) { bornSuite.Determinism(t) }
func TestBornAllocs(t *testing.T)      { bornSuite.Allocs(t) }
