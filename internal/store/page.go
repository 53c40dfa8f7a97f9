package store

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// MaxPage bounds the rows of one page of a list; a limit of 0, or over it, means as many.
const MaxPage = 100

// position is a place in a list that has the newest first. Lists go on after the last row seen rather than at a
// number of rows, so that what is created meanwhile shifts nothing.
type position struct {
	created stamp
	id      string
}

// A cursor is a position that callers hand back without looking into it.
func (p position) cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", p.created, p.id))
}

func parseCursor(cursor string) (position, error) {
	if cursor == "" {
		return position{created: math.MaxInt64}, nil
	}
	bad := protocol.Errorf(protocol.CodeInvalid, "this cursor came from no list")
	if len(cursor) > 2*protocol.MaxNameBytes {
		return position{}, bad
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return position{}, bad.Because(err)
	}
	created, id, ok := strings.Cut(string(text), " ")
	ms, err := strconv.ParseInt(created, 10, 64)
	if !ok || err != nil {
		return position{}, bad
	}
	return position{stamp(ms), id}, nil
}

// pageSize returns how many rows to ask for: one more than to give, to know whether there is a next page.
func pageSize(limit int) int {
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	return limit + 1
}

// cut takes the extra row off and returns the cursor to the next page, empty at the end.
func cut[T any](rows []T, size int, at func(T) (time.Time, string)) ([]T, string) {
	if len(rows) < size {
		return rows, ""
	}
	rows = rows[:size-1]
	created, id := at(rows[len(rows)-1])
	return rows, position{stampOf(created), id}.cursor()
}
