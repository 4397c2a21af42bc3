// Package plural says how many there are of something, in messages: "1 entry", "2 entries".
package plural

import (
	"fmt"
	"strings"
)

type integer interface{ int | int64 | uint64 }

// Of returns the number and the word for it.
func Of[N integer](n N, what string) string { return fmt.Sprint(n, " ", Word(n, what)) }

// Word returns the word for so many, as "entries" of "entry". It knows regular plurals only.
func Word[N integer](n N, what string) string {
	if n == 1 {
		return what
	}
	if stem, ok := strings.CutSuffix(what, "y"); ok && !strings.ContainsAny(what[len(stem)-1:len(stem)], "aeiou") {
		return stem + "ies"
	}
	if strings.HasSuffix(what, "s") || strings.HasSuffix(what, "ch") {
		return what + "es"
	}
	return what + "s"
}
