package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// maxWaiting bounds the writes of a process that wait for their turn; who comes then waits to wait.
	maxWaiting = 1024
	// maxBatch and maxBatchTime bound the writes that are committed together. A write takes 0.1 to 1 ms, and a commit about as
	// long as ten of them where the disk is waited for: more would make the first wait for little.
	maxBatch     = 256
	maxBatchTime = 20 * time.Millisecond
	// maxCommitTime bounds a transaction on PostgreSQL, with the wait for those of other processes. On SQLite it is the
	// connection's busy_timeout that bounds the wait, and the rest has no network in it.
	maxCommitTime = 30 * time.Second
)

// errAbandoned is what the others of a batch get when one of its writes panics.
var errAbandoned = errors.New("the transaction was abandoned")

// writer commits the writes of a process one batch after the other. It has no goroutine: of those who wait, one leads and
// commits for all.
type writer struct {
	*database
	waiting chan *write
	// lead has room for one: who has put something in leads, until he takes it out.
	lead  chan struct{}
	wrote func(*eventRows)
}

func newWriter(d *database, wrote func(*eventRows)) *writer {
	return &writer{database: d, waiting: make(chan *write, maxWaiting), lead: make(chan struct{}, 1), wrote: wrote}
}

// write is one write that waits for its turn.
type write struct {
	do   func(*tx) error
	done chan error
	// claimed is set by the leader who begins it, or by its caller who no longer wants it.
	claimed atomic.Bool
}

// write runs do in a transaction and commits it unless do fails: then it leaves nothing behind. Nobody else writes
// meanwhile, in whatever process: what do reads stays true until it has written. The transaction may be shared with other
// writes, which neither see nor feel each other fail; do runs on another goroutine then, and once at most. Who gives up
// waiting (the context ends) has written nothing.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	w := &write{do: func(tx *tx) error { return underClaim(ctx, tx, do) }, done: make(chan error, 1)}
	select {
	case s.writer.waiting <- w:
	case <-ctx.Done():
		return ctx.Err()
	}
	gone := ctx.Done()
	for {
		select {
		case err := <-w.done:
			return err
		case s.writer.lead <- struct{}{}:
			if len(w.done) > 0 { // another has led meanwhile
				<-s.writer.lead
				continue
			}
			s.writer.commitWaiting(ctx)
		case <-gone:
			if w.claimed.CompareAndSwap(false, true) {
				return ctx.Err()
			}
			gone = nil // it is being written
		}
	}
}

// next returns a write that waits, nil if none does.
func (w *writer) next() *write {
	for {
		select {
		case next := <-w.waiting:
			if next.claimed.CompareAndSwap(false, true) {
				return next
			}
		default:
			return nil
		}
	}
}

// commitWaiting commits a batch of those who wait, and ends the lead.
func (w *writer) commitWaiting(ctx context.Context) {
	defer func() { <-w.lead }()
	first := w.next()
	if first == nil {
		return
	}
	life := context.WithoutCancel(ctx)
	if w.dialect == onPostgres {
		var cancel context.CancelFunc
		life, cancel = context.WithTimeout(life, maxCommitTime)
		defer cancel()
	}
	b := &batch{}
	defer b.abandon() // unless it is through
	b.run(life, w, first)
	if w.dialect == onSQLite {
		_ = w.known.compile(life, w.pool) // what cannot be compiled now fails when it is run
	}
}

// batch is some writes in one transaction.
type batch struct {
	tx *tx
	// written are those that are done if the transaction is committed.
	written []*write
	// current is the one that is under way; nil between them.
	current *write
	through bool
}

func (b *batch) run(life context.Context, w *writer, first *write) {
	b.current = first
	begun, err := w.begin(life)
	if err != nil {
		b.end(fmt.Errorf("begin: %w", err))
		return
	}
	b.tx = begun
	if !b.first() {
		return
	}
	deadline := time.Now().Add(maxBatchTime)
	for len(b.written) < maxBatch && time.Now().Before(deadline) {
		if b.current = w.next(); b.current == nil {
			break
		}
		if err := b.one(); err != nil {
			b.end(err)
			return
		}
	}
	err = b.tx.events.insert(b.tx)
	if err == nil {
		if err = begun.began.Commit(); err != nil {
			err = fmt.Errorf("commit: %w", err)
		}
	}
	b.end(err)
	if err == nil {
		w.wrote(&b.tx.events)
	}
}

// first runs the first write, whose failure undoes the whole transaction: most batches have one.
func (b *batch) first() bool {
	if err := b.current.do(b.tx); err != nil {
		b.end(err)
		return false
	}
	b.written, b.current = append(b.written, b.current), nil
	return true
}

// one runs another write, whose failure is its own. It fails when nothing can be written any more.
func (b *batch) one() error {
	t := b.tx
	if _, err := t.ExecContext(t.life, `SAVEPOINT another`); err != nil {
		return err
	}
	mark := t.events.len()
	err := b.current.do(t)
	if err != nil {
		t.events.cut(mark)
		if _, undo := t.ExecContext(t.life, `ROLLBACK TO SAVEPOINT another`); undo != nil {
			return errors.Join(err, undo)
		}
	}
	if _, release := t.ExecContext(t.life, `RELEASE SAVEPOINT another`); release != nil {
		return errors.Join(err, release)
	}
	if err != nil {
		b.current.done <- err
	} else {
		b.written = append(b.written, b.current)
	}
	b.current = nil
	return nil
}

// end tells everybody how it went, and undoes what was not committed.
func (b *batch) end(err error) {
	b.through = true
	if err != nil && b.tx != nil {
		if undo := b.tx.began.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			err = errors.Join(err, undo)
		}
	}
	for _, w := range b.written {
		w.done <- err
	}
	if b.current != nil {
		b.current.done <- err
	}
}

// abandon ends a batch one of whose writes panics.
func (b *batch) abandon() {
	if !b.through {
		b.end(errAbandoned)
	}
}

// begin starts a transaction once no other process writes.
func (w *writer) begin(life context.Context) (*tx, error) {
	began, err := w.pool.BeginTx(life, w.dialect.options())
	if err != nil {
		return nil, err
	}
	if lock := w.dialect.lock(); lock != "" {
		if _, err := began.ExecContext(life, lock); err != nil {
			return nil, errors.Join(err, began.Rollback())
		}
	}
	return &tx{database: w.database, began: began, life: life}, nil
}
