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
	life context.Context
	// tx is nil while there is nothing in it to keep.
	tx *tx
	// written are those that are done if the transaction is committed, current those that are under way, sessions those that wait
	// to be saved together, and ahead is the one that was taken last, until it is one of the others; nil if none.
	written, current, sessions []*write
	ahead                      *write
	through                    bool
}

func (b *batch) run(first *write) {
	b.ahead = first
	err := b.open()
	if err == nil {
		err = b.writeAll(first)
	}
	if err == nil && b.tx != nil {
		if err = b.tx.events.insert(b.tx); err == nil {
			if err = b.tx.began.Commit(); err != nil {
				err = fmt.Errorf("commit: %w", err)
			}
		}
	}
	b.end(err)
	if err == nil && b.tx != nil {
		b.store.tell(&b.tx.events)
	}
}

// open begins the transaction unless that is done.
func (b *batch) open() (err error) {
	if b.tx != nil {
		return nil
	}
	if b.tx, err = b.begin(b.life); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return nil
}

// writeAll runs the first write and those that wait by then. Sessions are saved together, after the others. It fails when nothing
// can be written any more.
func (b *batch) writeAll(first *write) error {
	deadline := time.Now().Add(maxBatchTime)
	for b.ahead = first; b.ahead != nil || len(b.sessions) > 0; b.ahead = b.next() {
		if b.ahead == nil || len(b.sessions) == maxRows || b.saves(b.ahead) {
			if err := b.saveTogether(); err != nil {
				return err
			}
		}
		if err := b.take(); err != nil {
			return err
		}
		if len(b.written)+len(b.sessions) >= maxBatch || !time.Now().Before(deadline) {
			return b.saveTogether()
		}
	}
	return nil
}

// take runs the write that is ahead, or has it wait to be saved with others.
func (b *batch) take() error {
	w := b.ahead
	b.ahead = nil
	switch {
	case w == nil:
	case w.session != nil:
		b.sessions = append(b.sessions, w)
	default:
		return b.alone(w)
	}
	return nil
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
	if err := b.open(); err != nil {
		return nil, err
	}
	t := b.tx
	if len(b.written) == 0 { // most batches are one write
		if failed = do(t); failed != nil {
			b.tx = nil
			_ = t.began.Rollback() // what failed says more
		}
		return failed, nil
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
	if b.ahead != nil {
		b.current = append(b.current, b.ahead)
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
