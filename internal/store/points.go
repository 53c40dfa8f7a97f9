package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxGrant bounds what is given or taken at once, and what a project can have: a billion points.
const maxGrant = 1_000_000_000 * record.Point

const entryColumns = `project, seq, kind, at_ms, amount, balance, held, absorbed, bytes, time_ms, session, allocation, reference, note`

func scanEntry(row *sql.Rows) (record.Entry, error) {
	var e record.Entry
	var at stamp
	var ms int64
	err := row.Scan(&e.Project, &e.Seq, &e.Kind, &at, &e.Amount, &e.Balance, &e.Held, &e.Absorbed, &e.Bytes, &ms,
		&e.Session, &e.Allocation, &e.Reference, &e.Note)
	e.At, e.Time = at.time(), time.Duration(ms)*time.Millisecond
	return e, err
}

// AddPoints gives a project points, or takes some back that are neither used nor reserved, and has it pay the relay with
// points from then on. Repeating it with the same reference changes nothing; an empty one is never repeated. It fails
// with CodeNotFound for a project that there is not, with CodeConflict for a reference that stood for another amount and
// where there is less to take back, with CodeInvalid for an amount that cannot be.
func (s *Store) AddPoints(ctx context.Context, id protocol.ProjectID, amount record.Points, reference, note string) (entry record.Entry, err error) {
	if amount == 0 || amount > maxGrant || amount < -maxGrant {
		return entry, protocol.Errorf(protocol.CodeInvalid, "points are given or taken one millionth to a billion at once")
	}
	if err := checkName("the reference", reference); err != nil {
		return entry, err
	}
	if err := checkName("the note", note); err != nil {
		return entry, err
	}
	err = s.write(ctx, func(tx *tx) error {
		t := s.openTill(tx)
		p, err := t.of(ctx, id)
		if err != nil {
			return err
		}
		if p == nil {
			return notFound("there is no project %q", id)
		}
		known, again, err := one(ctx, tx, scanEntry,
			`SELECT `+entryColumns+` FROM ledger WHERE project = ? AND reference = ? AND reference <> ''`, id, reference)
		if err != nil {
			return err
		}
		if again {
			if entry = known; known.Amount != amount {
				return protocol.Errorf(protocol.CodeConflict, "the reference %q stands for another amount", reference)
			}
			return nil
		}
		if entry, err = t.give(ctx, p, amount, reference, note); err != nil {
			return err
		}
		return t.close(ctx)
	})
	return entry, about(err, "add points to project %s", id)
}

func (t *till) give(ctx context.Context, p *purse, amount record.Points, reference, note string) (record.Entry, error) {
	e := record.Entry{Kind: record.EntryGrant, Amount: amount, Reference: reference, Note: note}
	switch {
	case amount < 0 && -amount > p.free():
		return e, protocol.Errorf(protocol.CodeConflict, "the project has %.6f points that can be taken", p.free().Float())
	case amount < 0:
		e.Kind = record.EntryCorrection
	case p.plan.Purse.Balance+amount > maxGrant:
		return e, protocol.Errorf(protocol.CodeInvalid, "a project has a billion points at most")
	}
	if !p.plan.Purse.Prepaid {
		p.plan.Purse.Prepaid = true
		if _, err := t.tx.ExecContext(ctx, `UPDATE projects SET prepaid = TRUE WHERE id = ?`, p.plan.Project); err != nil {
			return e, err
		}
	}
	e, err := t.enter(ctx, p, e)
	if amount > 0 {
		p.fills++
		p.plan.Purse.Filled = p.plan.Purse.Balance
	}
	return e, err
}

// Entries returns a page of a project's ledger that the filter chooses, the newest first, and the cursor to the next page,
// empty at the end.
func (s *Store) Entries(ctx context.Context, in protocol.ProjectID, f record.EntryFilter, cursor string, limit int) ([]record.Entry, string, error) {
	before, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	where, args := `project = ? AND seq < ?`, []any{in, before.created}
	if f.Session != "" {
		where, args = where+` AND session = ?`, append(args, f.Session)
	}
	if f.Kind != "" {
		where, args = where+` AND kind = ?`, append(args, f.Kind)
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanEntry,
		`SELECT `+entryColumns+` FROM ledger WHERE `+where+` ORDER BY seq DESC LIMIT ?`, append(args, size)...)
	if err != nil || len(list) < size {
		return list, "", about(err, "list entries of the ledger")
	}
	list = list[:size-1]
	return list, position{created: stamp(list[size-2].Seq)}.cursor(), nil //nolint:gosec // a count
}
