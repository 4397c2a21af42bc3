package compare

// Tools are those that something has been published of, in the order of a [Publication]. The
// first six are of appendix B of Wolff et al., ASPLOS 2024: 20 trials of five minutes in the
// framework of RFF, where QL-RF is Q-learning over reads-from pairs; GenMC, which searches
// exhaustively, has one number. The others, told apart by a ', are of the artifact of Zhao et al.,
// ASPLOS 2025: 20 trials of at most 10,000 executions, of SafeStack 1,000,000, in the framework
// of SURW, where the run that SURW and PCT begin with, to profile, counts.
var Tools = []string{
	"RFF", "POS", "PCT3", "QL-RF", "PERIOD", "GenMC",
	"SURW", "POS'", "PCT3'", "PCT10'", "RW'",
}

// A Publication is what others have measured on the original of a program with each of the
// [Tools]: executions to the first failure, mean and standard deviation of the trials that came to
// one. Where not all did there is (x/20), or * for no more than that; "never": none did. "n/r":
// it cannot run the program; †: it does not report this failure, a deadlock; empty: there is
// nothing.
type Publication []string

// Published returns the publication about a program without its form, such as CS.account, or
// nil. Where it says 1±0 of RFF, POS, PCT3 or QL-RF, it is one execution and not 20: all trials
// begin with the same one.
func Published(program string) Publication { return published[program] }

var published = map[string]Publication{
	"CB.stringbuffer": {
		"15±18", "18±23", "195±174", "1405±1592", "27±37", "n/r",
		"8±7", "23±19", "281±261", "26±24", "2243±2324 (19/20)",
	},
	"CHESS.IWSQ": {
		"1±0", "1±0", "24±19*", "never", "57±0", "n/r",
		"6±5", "14±11", "48±36", "13±14", "never",
	},
	"CHESS.IWSQWS": {
		"7±6", "9±9", "16±0*", "16±14", "224±80", "n/r",
		"6±5", "5±4", "907±740", "204±220", "26±28",
	},
	"CHESS.SWSQ": {
		"1±0", "1±0", "12±0*", "never", "249±101", "n/r",
		"7±6", "6±5", "842±679", "199±216", "",
	},
	"CHESS.WSQ": {
		"10±8", "10±9", "12±14", "never", "57±0", "n/r",
		"6±4", "12±7", "48±49", "16±14", "",
	},
	"CS.account": {
		"1±0", "1±0", "9±7", "6±8", "10±0", "5",
		"6±5", "4±3", "4±2", "4±3", "18±24",
	},
	"CS.bluetooth_driver": {
		"45±35", "72±79", "161±162", "155±154", "9±0", "4",
		"70±55", "36±29", "112±73", "83±86", "215±225",
	},
	"CS.carter01": {
		"2±1", "2±1", "5±4", "1±0", "4±1*†", "4†",
		"", "2±2", "5±3", "3±1", "1±0",
	},
	"CS.circular_buffer": {
		"2±1", "2±1", "5±4", "2±1", "3±0", "8",
		"3±1", "2±1", "9±7", "5±3", "4±3",
	},
	"CS.deadlock01": {
		"5±4", "4±3", "20±20", "1±0", "3±0†", "3†",
		"2±0", "4±3", "13±12", "7±6", "3±3",
	},
	"CS.lazy01": {
		"6±6", "5±4", "10±6", "12±15", "7±2", "5",
		"2±0", "5±3", "5±3", "5±3", "21±21",
	},
	"CS.queue": {
		"1±0", "1±0", "12±14", "1±0", "4±1", "22",
		"2±0", "1±1", "3±2", "2±0", "1±0",
	},
	"CS.reorder_3": {
		"7±5", "223±166", "241±336", "45843±32338*", "6±0", "n/r",
		"7±7", "86±70", "185±199", "148±191", "never",
	},
	"CS.reorder_5": {
		"6±4", "4377±4208 (17/20)", "1126±1045", "never", "12±0", "n/r",
		"10±9", "2169±2182", "647±517", "1094±1216", "never",
	},
	"CS.reorder_10": {
		"6±4", "never", "2356±2302", "never", "27±0", "n/r",
		"17±11", "never", "3225±2426 (16/20)", "4462±3266 (12/20)", "never",
	},
	"CS.reorder_100": {
		"6±4", "never", "7447±0 (1/20)", "never", "297±0", "n/r",
		"194±214", "never", "never", "never", "never",
	},
	"CS.reorder_20": {
		"6±4", "never", "2128±2284", "never", "39±0", "n/r",
		"6±4", "never", "3005±2680", "3297±2877 (17/20)", "never",
	},
	"CS.reorder_50": {
		"6±4", "never", "12346±6682 (7/20)", "never", "129±0", "n/r",
		"13±12", "never", "3304±1721 (6/20)", "9422±0 (1/20)", "never",
	},
	"CS.stack": {
		"2±1", "2±2", "2±2", "1±0", "8±0", "20",
		"5±3", "2±1", "3±2", "3±1", "176±136",
	},
	"CS.token_ring": {
		"5±5", "7±5", "8±6", "12±12", "2±0", "14",
		"8±6", "9±11", "8±6", "8±8", "13±13",
	},
	"CS.twostage": {
		"8±7", "15±16", "9±9", "336±501", "4±0", "3",
		"8±4", "15±12", "13±14", "9±10", "464±581",
	},
	"CS.twostage_100": {
		"56±71", "never", "3888±3473 (6/20)", "never", "690±0", "n/r",
		"454±444", "6674±2877 (3/20)", "7466±831 (3/20)", "5726±2591 (9/20)", "never",
	},
	"CS.twostage_20": {
		"22±19", "185±215", "188±168", "never", "76±0", "n/r",
		"6±3", "156±137", "159±151", "101±92", "never",
	},
	"CS.twostage_50": {
		"35±27", "1984±1238 (19/20)", "849±870", "never", "286±0", "n/r",
		"20±17", "1637±1385", "1676±1715", "692±392", "never",
	},
	"CS.wronglock": {
		"1±0", "1±0", "88±98", "37±32", "4±2", "3",
		"7±7", "10±14", "51±50", "20±20", "36±42",
	},
	"CVE-2009-3547": {
		"1±0", "1±0", "6±5", "1±0", "2±0", "n/r",
		"4±2", "3±2", "4±2", "3±2", "5±4",
	},
	"CVE-2011-2183": {
		"2±2", "2±1", "9±9", "1±0", "3±0", "n/r",
		"3±2", "2±2", "5±3", "3±2", "2±1",
	},
	"CVE-2013-1792": {
		"23±43", "50±62", "87±65", "388±361", "13±0", "1",
		"15±13", "39±33", "95±83", "50±61", "364±289",
	},
	"CVE-2015-7550": {
		"6±5", "7±7", "8±7", "1±0", "3±0", "n/r",
		"6±6", "6±5", "9±6", "4±4", "1±1",
	},
	"CVE-2016-1972": {
		"39±29", "86±78", "never", "74±39*", "3±0*", "n/r",
		"11±8", "34±34", "4902±2391 (16/20)", "2712±2704 (19/20)", "299±256",
	},
	"CVE-2016-1973": {
		"3±3", "7±6", "8±5", "5947±6063", "6±0", "n/r",
		"5±3", "5±4", "10±8", "6±3", "308±333",
	},
	"CVE-2016-7911": {
		"13±10", "12±11", "16±13", "1±0", "3±0", "n/r",
		"8±9", "11±9", "20±18", "15±15", "3±2",
	},
	"CVE-2016-9806": {
		"11±8", "14±10", "4±3", "554±577", "6±0", "n/r",
		"3±2", "7±5", "7±6", "4±3", "2209±2065",
	},
	"CVE-2017-15265": {
		"36±39", "never", "never", "never", "11±0", "n/r",
		"never", "never", "never", "never", "never",
	},
	"CVE-2017-6346": {
		"5±4", "13±14", "15±11", "1±0", "5±0", "n/r",
		"15±10", "10±9", "24±18", "20±19", "3±4",
	},
	"Inspect.boundedBuffer": {
		"8±7", "6±5", "15±16", "14±13", "8±7*", "n/r",
		"9±7", "5±4", "20±18", "6±4", "7±7",
	},
	"Inspect.qsort_mt": {
		"322±344", "646±753", "3838±4458", "never", "27±0", "n/r",
		"3048±2669 (19/20)", "3004±2787 (18/20)", "4714±2931 (14/20)", "3689±2997 (15/20)",
		"3442±2806 (19/20)",
	},
	"RADBench.bug4": {
		"163±151", "216±209", "15599±9907*", "never", "never", "n/r",
		"23±24", "240±185", "1973±2668 (19/20)", "1044±1440", "1688±1590 (19/20)",
	},
	"RADBench.bug6": {
		"4±3", "11±8", "61±49", "1±0", "24±0†", "n/r",
		"4±3", "18±10", "42±39", "21±21", "48±46",
	},
	"SafeStack": {
		"never", "never", "never", "never", "never", "n/r",
		"368921±329371 (19/20)", "never", "never", "never", "never",
	},
	"Splash2.lu": {
		"1±0", "1±0", "never", "47±38", "2±1", "n/r",
		"3±2", "3±2", "4±3", "3±2", "43±46",
	},
}
