// Continuous fuzzes all targets for as long as it lives, on one machine: it keeps a corpus
// through every stop, minimizes, certifies, explains and reports every failure once, and
// shows on a page how far it is.
//
//	go run ./cmd/continuous data
//	go run ./cmd/continuous -for 10m data
//
// Usage:
//
//	continuous [flags] directory
//
// The directory is new, empty, or one that an earlier run has left; that is gone on with.
// The flags are
//
//	-for time       end after this time: 10m. Reports that are due by then are made first
//	-executions n   end after so many executions
//	-config file    read the configuration from file
//	-v              print a line for every input that is kept, once it is on the disk
//
// SIGTERM and SIGINT end it too, within a second if the machine has a processor to spare, and
// nothing is lost by them; a report that is being made then is made at the next start. Whatever
// ends it, it prints a summary.
//
// # Configuration
//
// A file in TOML, all of which may be left out. This is what it means then:
//
//	targets = []                # fuzz targets or full names of programs; none: all targets
//	guided  = []                # of them, those that the guided engine works on as well
//	seeds   = []                # packs of cmd/corpus to begin with; they are only read
//	workers = 0                 # goroutines that fuzz; 0: one for each processor
//	http    = "127.0.0.1:8766"  # where the page is; "off": nowhere
//	memory  = "1GiB"            # soft limit; half of it is for species, a quarter for inputs,
//	                            # an eighth for what the guided engine knows
//	disk    = "4GiB"            # of the directory; inputs beyond it are not kept
//	native  = ""                # source of kschedfuzz: have the Go fuzzer run as well
//
// Paths are as the shell would take them. What is wrong is refused before anything is made,
// with the line. (A file and not flags, since a service is configured once and its
// configuration is kept somewhere.)
//
// # How it fuzzes
//
// Every worker has turns of some ten milliseconds at the targets. Half of the time is dealt
// out equally, the other half by what the targets still discover; share.go says how. The
// species that are discovered are the states of the model in the abstraction that its author
// gave it (program.Instance.Abstract), all words of a decision taken together. In a turn, one
// execution in five is of a stationary stream, sampled by POS and directed by nothing that
// was found; from these and no others the probability of discovering something is estimated
// (stream.go). The others are mutations of inputs, and now and then executions of the other
// samplers. An input is kept if it passes and shows a new species. With one worker and
// without the Go fuzzer the corpus is a function of configuration, corpus and the number of
// executions and starts.
//
// Of a target that guided names, every second execution that is not of the stream is run by the
// guided engine (go doc ./schedule/guided); what one worker's has come to all know. It is told of
// what comes from elsewhere, so of the corpus at every start; what it knows beyond the corpus is
// lost at the end. Its executions are kept like the others, if they show a new species. Where
// nothing is left to see for it, the others have its part again.
//
// A failure is counted by its signature (package triage). A fast run has no names, so the
// signature is looked up for the first failure that looks like this (kind, operation,
// object, threads) and for each 64th; the rest count as duplicates of what the last one
// turned out to be.
//
// It is on the page at once. Its report takes from 10 ms to 20 s, and reports are made one after
// the other: regressions first, then of the target whose reports have taken the least time, so that
// the first of a target does not wait for the tenth of another.
//
// One execution in 17 is watched for the order of locks (package lockdep): what is taken while
// what is held, by all executions of a target. What lockdep would report of that has a directory
// of its own with an execution for each dependency, and is no failure of any. The packs and the
// species are as if nobody had looked.
//
// With native set, go test -fuzz runs beside the workers, as a child process, one target at a
// time and 20,000 inputs in a turn, from the newest inputs of the corpus. What it finds is
// run again in this process like all that comes from elsewhere, so a crash of the Go fuzzer is
// the same failure as one found here.
//
// # The directory
//
//	corpus.pack    inputs of all targets, as cmd/corpus reads them at any time. While a
//	               process has corpus.pack.lock a second one is refused
//	failing.pack   a tape for every failure, from before its report is made
//	failures/      a directory for each signature of each target, which appears when it is
//	               whole: report.txt, .md, .json, .html, .patch, golden.txtar for
//	               cmd/minimize, tape (an input for every engine) and bug.json. If its tape
//	               passes at a start, it is made again once the same signature is met
//	lockdep/       a directory for each report of the order of locks of each target: report.txt
//	               and lockdep.json. At every start its executions are run again; if they do
//	               not show it any more, it is made again when others do
//	state.json     counts and histories, replaced every 5 s
//	native/        of the Go fuzzer; can be removed when nothing runs
//
// Entries of the packs are appended, and synced before they are acknowledged (-v); all other
// files are written beside, synced and renamed. So kill -9 costs up to 5 s of counts and no
// input, and a loss of power costs no more.
//
// What is damaged or missing is no reason not to start, unless it is a pack of which nothing can
// be read. A report that is not whole is made again, if its failure is still met. What a new
// report or a new state.json takes the place of is set aside, with .1 behind its name, or the next
// number that is free: nothing that a person may have put there is changed or removed.
//
// # The page
//
// http has a page without scripts, the same as JSON at /status.json
// (docs/status.schema.json), metrics for Prometheus at /metrics, and the reports. Nothing can
// be changed through it. Whoever can reach the address can read it.
//
// # Exit status
//
//	0  done
//	1  a regression: a program that must never fail has failed, now or in an earlier run, and
//	   its minimal tape still fails; or there is a report of the order of its locks
//	2  wrong usage or configuration; a disk that cannot be written; a model that does not do
//	   the same twice
//
// "go run" itself exits with 1 whatever it is; go build keeps the number.
package main
