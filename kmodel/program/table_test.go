package program_test

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/program"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

func some() []program.Program {
	return []program.Program{
		{Scenario: "open-vs-close", Variant: "old"},
		{Scenario: "open-vs-close", Variant: "new"},
		{Scenario: "workload", Variant: "old"},
	}
}

func TestTable(t *testing.T) {
	leak := []program.Expect{{Kind: schedule.Leak}}
	programs := program.Table{"open-vs-close": {"old": leak}}.Fill(some())
	for i, racy := range []bool{true, false, false} {
		if programs[i].Racy() != racy {
			t.Errorf("%s: racy %v, want %v", programs[i].Name(), !racy, racy)
		}
	}
	for _, test := range []struct {
		table program.Table
		want  string
	}{
		{
			program.Table{"open-vs-cloes": {"old": leak}},
			`program: the table of verdicts has a scenario "open-vs-cloes", ` +
				`the programs have open-vs-close, workload`,
		},
		{
			program.Table{"open-vs-close": {"odl": leak}},
			`program: the table of verdicts has open-vs-close in a variant "odl", ` +
				`the programs have it in old, new`,
		},
		{program.Table{"workload": {"new": leak}}, `in a variant "new", the programs have it in old`},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasSuffix(text, test.want) {
					t.Errorf("%v: panic %q, want %q", test.table, text, test.want)
				}
			}()
			test.table.Fill(some())
		}()
	}
}
