package main

import (
	"flag"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hint names what a wrong key of a mapping with these flags may have been meant to be.
func hint(flag string, flags []string) string {
	if slices.Contains(ofCamera, flag) || flag == "id" {
		return ": it belongs to a camera, under cameras"
	}
	nearest, least := "", 3 // two slips of the hand
	for _, known := range flags {
		if d := distance(flag, known); d < least && d < len(known) {
			nearest, least = known, d
		}
	}
	if nearest == "" {
		keys := slices.Clone(flags)
		slices.Sort(keys)
		return "; it can have " + key(strings.Join(keys, ", "))
	}
	return ": did you mean " + key(nearest) + "?"
}

// key is how the file writes the names of flags.
func key(flags string) string { return strings.ReplaceAll(flags, "-", "_") }

// shown is how a wrong key is shown: a text that went astray may hold a password.
func shown(key string) string {
	if len(key) > 40 || strings.ContainsAny(key, "@:/") {
		return "that is no word"
	}
	return strconv.Quote(key)
}

// distance counts the letters to add, drop or change that make one word the other (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// password is one in a URL, wherever that stands.
var password = regexp.MustCompile(`://[^/@\s]*:[^/@\s]+@`)

// secretive reports whether the settings of a camera hold a code or a password.
func secretive(set *flag.FlagSet) (found bool) {
	set.VisitAll(func(f *flag.Flag) {
		value := f.Value.String()
		found = found || f.Name == "enroll" && value != "" || password.MatchString(value)
	})
	return found
}
