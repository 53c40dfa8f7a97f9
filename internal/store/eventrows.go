package store

import (
	"maps"
	"slices"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// eventColumns are those of an event's row.
const eventColumns = `project, seq, id, kind, at_ms, device, session, data`

// eventParameters are as many.
const eventParameters = `(?, ?, ?, ?, ?, ?, ?, ?)`

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
	for part := range parts(tx.dialect, r.list) {
		args := make([]any, 0, 8*len(part))
		for _, e := range part {
			args = append(args, e.Project, e.Seq, e.ID, e.Kind, stampOf(e.At), e.Device, e.Session, string(e.Data))
		}
		query := `INSERT INTO events (` + eventColumns + `) VALUES ` + repeated(eventParameters, len(part))
		if _, err := tx.ExecContext(tx.life, query, args...); err != nil {
			return err
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
	for part := range parts(tx.dialect, slices.Sorted(maps.Keys(count))) {
		var cases, ids []any
		for _, project := range part {
			cases, ids = append(cases, project, count[project]), append(ids, project)
		}
		after, err := all(tx.life, tx, scanEventCount, `UPDATE projects SET events = events + CASE id`+
			strings.Repeat(` WHEN ? THEN CAST(? AS BIGINT)`, len(part))+` END WHERE id IN (`+repeated("?", len(part))+`) RETURNING id, events`,
			slices.Concat(cases, ids)...)
		if err != nil {
			return err
		}
		for _, p := range after {
			next[p.project] = p.events - count[p.project] + 1
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
