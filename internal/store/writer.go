package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/record"
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

// writer commits the writes of a process one batch after the other. It has no goroutine: of those who wait, one leads and
// commits for all.
type writer struct {
	*database
	store   *Store
	waiting chan *write
	// lead has room for one: who has put something in leads, until he takes it out.
	lead chan struct{}
}

func newWriter(d *database, s *Store) *writer {
	return &writer{database: d, store: s, waiting: make(chan *write, maxWaiting), lead: make(chan struct{}, 1)}
}

// write is one write that waits for its turn.
type write struct {
	do func(*tx) error
	// session is what do saves, if that may as well be saved together with others; nil if not.
	session *record.Session
	done    chan error
	// claimed is set by the leader who begins it, or by its caller who no longer wants it.
	claimed atomic.Bool
}

// write runs do in a transaction and commits it unless do fails: then it leaves nothing behind. Nobody else writes
// meanwhile, in whatever process: what do reads stays true until it has written. The transaction may be shared with other
// writes, which neither see nor feel each other fail; do runs on another goroutine then, and once at most. Who gives up
// waiting (the context ends) has written nothing.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	return s.submit(ctx, &write{do: do})
}

// submit is write for a prepared one.
func (s *Store) submit(ctx context.Context, w *write) error {
	w.done = make(chan error, 1)
	if c := record.ClaimOf(ctx); c != nil {
		do := w.do
		w.do, w.session = func(tx *tx) error { return underClaim(ctx, tx, c, do) }, nil
	}
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
	b := &batch{writer: w, life: life}
	defer b.abandon() // unless it is through
	b.run(first)
	if w.dialect == onSQLite {
		_ = w.known.compile(life, w.pool) // what cannot be compiled now fails when it is run
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
