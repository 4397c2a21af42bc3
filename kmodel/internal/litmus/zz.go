package litmus

import "github.com/kschedfuzz/kschedfuzz/schedule"

func Debug(row *Test) schedule.Program { return row.program(row.orders()[0]) }
