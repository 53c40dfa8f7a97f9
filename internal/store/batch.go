package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// errAbandoned is what the others of a batch get when one of its writes panics.
var errAbandoned = errors.New("the transaction was abandoned")

// batch is some writes in one transaction.
type batch struct {
	*writer
	tx *tx
	// written are those that are done if the transaction is committed, current those that are under way, and sessions those
	// that wait to be saved together.
	written, current, sessions []*write
	through                    bool
}

func (b *batch) run(life context.Context, first *write) {
	b.current = []*write{first}
	begun, err := b.begin(life)
	if err != nil {
		b.end(fmt.Errorf("begin: %w", err))
		return
	}
	b.tx = begun
	if err := b.writeAll(first); err != nil {
		b.end(err)
		return
	}
	if err = b.tx.events.insert(b.tx); err == nil {
		if err = b.tx.began.Commit(); err != nil {
			err = fmt.Errorf("commit: %w", err)
		}
	}
	b.end(err)
	if err == nil {
		b.store.tell(&b.tx.events)
	}
}

// writeAll runs the first write and those that wait by then, sessions together. It fails when nothing can be written any more.
func (b *batch) writeAll(first *write) error {
	deadline := time.Now().Add(maxBatchTime)
	for next := first; ; next = b.next() {
		b.current = nil
		switch {
		case next == nil && len(b.sessions) == 0:
			return nil
		case next == nil || len(b.sessions) == maxRows || b.saves(next):
			if err := b.saveTogether(); err != nil {
				return err
			}
		}
		switch {
		case next == nil:
		case next.session != nil:
			b.sessions = append(b.sessions, next)
		default:
			if err := b.alone(next); err != nil {
				return err
			}
		}
		if len(b.written)+len(b.sessions) >= maxBatch || !time.Now().Before(deadline) {
			return b.saveTogether()
		}
	}
}

// saves reports whether a write is of a session that waits to be saved already: one comes after the other then.
func (b *batch) saves(w *write) bool {
	return w.session != nil && slices.ContainsFunc(b.sessions, func(other *write) bool { return other.session.ID == w.session.ID })
}

// saveTogether saves the sessions that wait, and one after the other if that fails: the fault is one's own.
func (b *batch) saveTogether() error {
	writes := b.sessions
	b.sessions = nil
	if len(writes) > 1 {
		b.current = writes
		sessions := make([]record.Session, len(writes))
		for i, w := range writes {
			sessions[i] = *w.session
		}
		var refused []error
		failed, err := b.guarded(func(tx *tx) (err error) {
			refused, err = b.store.saveSessions(tx.life, tx, sessions)
			return err
		})
		if err != nil {
			return err
		}
		b.current = nil
		if failed == nil {
			for i, w := range writes {
				b.done(w, refused[i])
			}
			return nil
		}
	}
	for i, w := range writes {
		b.sessions = writes[i+1:]
		if err := b.alone(w); err != nil {
			return err
		}
	}
	b.sessions = nil
	return nil
}

// alone runs a write, whose failure is its own.
func (b *batch) alone(w *write) error {
	b.current = []*write{w}
	failed, err := b.guarded(w.do)
	if err != nil {
		return err
	}
	b.current = nil
	b.done(w, failed)
	return nil
}

// guarded runs what may fail without harm to what was written before. It fails when that cannot be kept.
func (b *batch) guarded(do func(*tx) error) (failed, err error) {
	t := b.tx
	if len(b.written) == 0 { // most batches are one write
		if failed = do(t); failed != nil {
			err = b.again()
		}
		return failed, err
	}
	if _, err := t.ExecContext(t.life, `SAVEPOINT another`); err != nil {
		return nil, err
	}
	mark := t.events.len()
	if failed = do(t); failed != nil {
		t.events.cut(mark)
		if _, err := t.ExecContext(t.life, `ROLLBACK TO SAVEPOINT another`); err != nil {
			return failed, errors.Join(failed, err)
		}
	}
	if _, err := t.ExecContext(t.life, `RELEASE SAVEPOINT another`); err != nil {
		return failed, errors.Join(failed, err)
	}
	return failed, nil
}

// again begins another transaction in place of one that has nothing to keep.
func (b *batch) again() error {
	if err := b.tx.began.Rollback(); err != nil {
		return err
	}
	begun, err := b.begin(b.tx.life)
	if err == nil {
		b.tx = begun
	}
	return err
}

// done notes that a write is done, or tells why not.
func (b *batch) done(w *write, failed error) {
	if failed != nil {
		w.done <- failed
		return
	}
	b.written = append(b.written, w)
}

// end tells everybody how it went, and undoes what was not committed.
func (b *batch) end(err error) {
	b.through = true
	if err != nil && b.tx != nil {
		if undo := b.tx.began.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			err = errors.Join(err, undo)
		}
	}
	for _, w := range slices.Concat(b.written, b.current, b.sessions) {
		w.done <- err
	}
}

// abandon ends a batch one of whose writes panics.
func (b *batch) abandon() {
	if !b.through {
		b.end(errAbandoned)
	}
}
