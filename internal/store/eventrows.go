package store

import (
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// eventColumns are those of an event's row.
const eventColumns = `project, seq, id, kind, at_ms, device, session, data`

// eventParameters are as many.
const eventParameters = `(?, ?, ?, ?, ?, ?, ?, ?)`

// eventRowsAtOnce are the sizes of the statements that insert events: few, so that the database knows each already.
var eventRowsAtOnce = []int{64, 16, 4, 1}

// eventRows are the events that the writes of a transaction have told of. They are numbered and inserted at its end, all
// together: 7,000 of them one by one take ten times as long.
type eventRows struct{ list []record.Event }

func (r *eventRows) add(e record.Event) { r.list = append(r.list, e) }

func (r *eventRows) len() int { return len(r.list) }

// cut forgets those from a number on: of a write that has failed.
func (r *eventRows) cut(from int) { r.list = r.list[:from] }

// projects are those that have the events.
func (r *eventRows) projects() map[protocol.ProjectID]bool {
	told := map[protocol.ProjectID]bool{}
	for _, e := range r.list {
		told[e.Project] = true
	}
	return told
}

// insert gives each event the next number of its project and inserts them in their order. Those of a project that there is
// not are dropped.
func (r *eventRows) insert(tx *tx) error {
	if err := r.number(tx); err != nil {
		return err
	}
	list := r.list
	for _, size := range eventRowsAtOnce {
		query := `INSERT INTO events (` + eventColumns + `) VALUES ` + eventParameters + strings.Repeat(`, `+eventParameters, size-1)
		for ; len(list) >= size; list = list[size:] {
			args := make([]any, 0, 8*size)
			for _, e := range list[:size] {
				args = append(args, e.Project, e.Seq, e.ID, e.Kind, stampOf(e.At), e.Device, e.Session, string(e.Data))
			}
			if _, err := tx.ExecContext(tx.life, query, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *eventRows) number(tx *tx) error {
	count := map[protocol.ProjectID]uint64{}
	for _, e := range r.list {
		count[e.Project]++
	}
	next := map[protocol.ProjectID]uint64{}
	for project, n := range count {
		after, ok, err := one(tx.life, tx, scanEventCount, `UPDATE projects SET events = events + ? WHERE id = ? RETURNING id, events`, n, project)
		if err != nil {
			return err
		}
		if ok {
			next[project] = after.events - n + 1
		}
	}
	kept := r.list[:0]
	for _, e := range r.list {
		if seq, ok := next[e.Project]; ok {
			e.Seq = seq
			next[e.Project]++
			kept = append(kept, e)
		}
	}
	r.list = kept
	return nil
}
