package compare

// A Publication is what others have measured on the original of a program: executions to
// the first failure, mean and standard deviation of 20 trials, "never", or empty if there is
// nothing. (x/20) trials have found it where not all have.
type Publication struct {
	RFF, POS, PCT3 string // appendix B of Wolff et al., ASPLOS 2024
	SURW           string // from the artifact of Zhao et al., ASPLOS 2025, its profile run included
}

// Published returns the publication about a program without its form, such as CS.account.
// Where it says 1±0 of RFF, POS or PCT3, it is one execution and not 20: all trials begin with
// the same one.
func Published(program string) Publication { return published[program] }

var published = map[string]Publication{
	"CB.stringbuffer":     {"15±18", "18±23", "195±174", "8±7"},
	"CHESS.WSQ":           {"10±8", "10±9", "12±14", "6±4"},
	"CS.account":          {"1±0", "1±0", "9±7", "6±5"},
	"CS.bluetooth_driver": {"45±35", "72±79", "161±162", "70±55"},
	"CS.carter01":         {"2±1", "2±1", "5±4", ""},
	"CS.circular_buffer":  {"2±1", "2±1", "5±4", "3±1"},
	"CS.deadlock01":       {"5±4", "4±3", "20±20", "2±0"},
	"CS.lazy01":           {"6±6", "5±4", "10±6", "2±0"},
	"CS.queue":            {"1±0", "1±0", "12±14", "2±0"},
	"CS.reorder_3":        {"7±5", "223±166", "241±336", "7±7"},
	"CS.reorder_5":        {"6±4", "4377±4208 (17/20)", "1126±1045", "10±9"},
	"CS.reorder_10":       {"6±4", "never", "2356±2302", "17±11"},
	"CS.reorder_100":      {"6±4", "never", "7447±0 (1/20)", "194±214"},
	"CS.reorder_20":       {"6±4", "never", "2128±2284", "6±4"},
	"CS.reorder_50":       {"6±4", "never", "12346±6682 (7/20)", "13±12"},
	"CS.stack":            {"2±1", "2±2", "2±2", "5±3"},
	"CS.token_ring":       {"5±5", "7±5", "8±6", "8±6"},
	"CS.twostage":         {"8±7", "15±16", "9±9", "8±4"},
	"CS.twostage_100":     {"56±71", "never", "3888±3473 (6/20)", "454±444"},
	"CS.twostage_20":      {"22±19", "185±215", "188±168", "6±3"},
	"CS.twostage_50":      {"35±27", "1984±1238 (19/20)", "849±870", "20±17"},
	"CS.wronglock":        {"1±0", "1±0", "88±98", "7±7"},
	"CVE-2009-3547":       {"1±0", "1±0", "6±5", "4±2"},
	"CVE-2013-1792":       {"23±43", "50±62", "87±65", "15±13"},
	"CVE-2015-7550":       {"6±5", "7±7", "8±7", "6±6"},
	"CVE-2016-1972":       {"39±29", "86±78", "never", "11±8"},
	"CVE-2016-1973":       {"3±3", "7±6", "8±5", "5±3"},
	"CVE-2017-15265":      {"36±39", "never", "never", "never"},
	"SafeStack":           {"never", "never", "never", "368921±329371 (19/20)"},
}
