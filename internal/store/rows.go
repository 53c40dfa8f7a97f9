package store

import (
	"iter"
	"strings"
)

// maxRows bounds the rows of one statement.
const maxRows = 64

// compiledRows are the sizes of SQLite's statements with lists of rows: few, so that each is compiled already.
var compiledRows = []int{maxRows, 16, 4, 1}

// parts cuts a list into what one statement takes. On PostgreSQL they are as few as can be: each is a way to the server and
// back.
func parts[T any](d dialect, list []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(list) > 0 {
			size := min(len(list), maxRows)
			if d == onSQLite {
				for _, size = range compiledRows {
					if size <= len(list) {
						break
					}
				}
			}
			if !yield(list[:size]) {
				return
			}
			list = list[size:]
		}
	}
}

// repeated is the parameters of so many rows, or so many in a list.
func repeated(parameters string, rows int) string {
	return parameters + strings.Repeat(", "+parameters, rows-1)
}
