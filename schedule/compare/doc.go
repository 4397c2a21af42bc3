// Package compare measures how many executions strategies take to the first failure of
// programs, and writes it down: a [Cell] for each program and strategy, with a number for
// each seed, as CSV to be gone on from, as Markdown and as a plot.
//
// A strategy is a [sample.Sampler] by a name. A seed that has not come to a failure after so
// many executions, the cap, gives up; so does the one that is under way when the cell has taken
// as many steps as it may, its budget ([Limits]). Where a seed gave up its number is censored:
// the mean, the median and the log-rank test take it for what is known of it, that it is more
// than this. A budget bounds what it takes to know that a strategy finds nothing. It depends
// on what has been seen up to there only, so it does not favour any outcome.
//
// All strategies are measured on the same programs, by the same engine, from seed 0 on; what
// has been published about programs of the same names is printed beside as orientation
// ([Published]), since those are the originals and ours are rewritten.
//
// A cell has the revision of its strategy, a number that goes up whenever the same seed decides
// otherwise. What is of an older one than there is now ([Table] Revisions) is marked.
//
// Executions are counted, not time. Of the time a rate is printed, that is worth something
// for the machine it was measured on and where there were many.
//
// To read the code: cell.go is what is measured, logrank.go whether a difference is one,
// csv.go, markdown.go and plot.go what is written, older.go the mark of what is of an older
// revision, published.go the numbers of others.
package compare
