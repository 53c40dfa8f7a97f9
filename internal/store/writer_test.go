package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

var errUndone = errors.New("undone")

// alert is an event that says what it is.
func alert(s *Store, in protocol.ProjectID, what string) record.Event {
	return record.Event{Project: in, Kind: record.EventDeviceAlert, At: s.now(), Device: protocol.DeviceID(what), Data: json.RawMessage(`{}`)}
}

// busy keeps the writer from committing until its end is called: what is written meanwhile is one batch.
func busy(t *testing.T, s *Store) (end func()) {
	t.Helper()
	s.writer.lead <- struct{}{}
	return func() { <-s.writer.lead }
}

// history returns what a project's events say, and wants their numbers to have no gap.
func history(t *testing.T, s *Store, in protocol.ProjectID) []string {
	t.Helper()
	var said []string
	for after := uint64(0); ; {
		page := must(s.Events(t.Context(), in, record.EventFilter{After: after}, 0))(t)
		if len(page) == 0 {
			return said
		}
		for _, e := range page {
			if after++; e.Seq != after {
				t.Fatalf("project %s: got number %d after %d", in, e.Seq, after-1)
			}
			said = append(said, string(e.Device))
		}
	}
}

func TestWritesOfABatchFailAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		ctx := t.Context()
		must(s.CreateProject(ctx, "acme", ""))(t)
		const writes = 3 * maxBatch
		failed := make([]error, writes)
		var group sync.WaitGroup
		release := busy(t, s)
		for i := range writes {
			group.Go(func() {
				in := []protocol.ProjectID{protocol.DefaultProject, "acme"}[i%2]
				failed[i] = s.write(ctx, func(tx *tx) error {
					for part := range 3 {
						if err := insertEvent(ctx, tx, alert(s, in, fmt.Sprintf("%d-%d", i, part))); err != nil {
							return err
						}
					}
					_, err := insertProject(ctx, tx, record.Project{ID: protocol.ProjectID(fmt.Sprintf("p%d", i)), Created: s.now()})
					switch {
					case err != nil:
						return err
					case i%5 == 0:
						return errUndone
					case i%7 == 0:
						_, err := tx.ExecContext(ctx, `INSERT INTO nothing VALUES (?)`, i)
						return err
					}
					return nil
				})
			})
		}
		release()
		group.Wait()
		want := map[string]int{}
		for i, err := range failed {
			switch {
			case i%5 == 0 && !errors.Is(err, errUndone), i%5 != 0 && i%7 == 0 && err == nil, i%5 != 0 && i%7 != 0 && err != nil:
				t.Errorf("write %d: got %v", i, err)
			case err == nil:
				for part := range 3 {
					want[fmt.Sprintf("%d-%d", i, part)]++
				}
			}
			if _, known := s.Project(ctx, protocol.ProjectID(fmt.Sprintf("p%d", i))); (known == nil) != (err == nil) {
				t.Errorf("write %d failed with %v and its project is there: %t", i, err, known == nil)
			}
		}
		for _, said := range append(history(t, s, protocol.DefaultProject), history(t, s, "acme")...) {
			want[said]--
		}
		for said, n := range want {
			if n != 0 {
				t.Errorf("event %s: %d too few", said, n)
			}
		}
	})
}

func TestEventsStandInTheOrderOfTheirWrites(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		here, _ := newStore(t, at)
		there := open(t, at, newClock())
		const each = 40
		var group sync.WaitGroup
		for i, s := range []*Store{here, there, here, there} {
			group.Go(func() {
				for n := range each {
					if err := s.write(t.Context(), func(tx *tx) error {
						return insertEvent(t.Context(), tx, alert(s, protocol.DefaultProject, fmt.Sprintf("%d %d", i, n)))
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		next := [4]int{}
		for _, said := range history(t, here, protocol.DefaultProject) {
			var i, n int
			if _, err := fmt.Sscan(said, &i, &n); err != nil || n != next[i] {
				t.Errorf("got %q, want number %d of it", said, next[i])
			}
			next[i] = n + 1
		}
		if next != [4]int{each, each, each, each} {
			t.Errorf("got %v events", next)
		}
	})
}

func TestWhoNoLongerWaitsHasWrittenNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		release := busy(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		var group sync.WaitGroup
		group.Go(func() {
			gone <- s.write(ctx, func(tx *tx) error { return insertEvent(ctx, tx, alert(s, protocol.DefaultProject, "gone")) })
		})
		for len(s.writer.waiting) == 0 {
			continue
		}
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		release()
		// One whose context ends while it writes takes nobody with it.
		release = busy(t, s)
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		group.Go(func() {
			if err := s.write(t.Context(), func(tx *tx) error {
				return insertEvent(t.Context(), tx, alert(s, protocol.DefaultProject, "kept"))
			}); err != nil {
				t.Error(err)
			}
		})
		for len(s.writer.waiting) < 2 { // the one that has gone is still in the queue
			continue
		}
		group.Go(func() {
			if err := s.write(ctx, func(tx *tx) error {
				cancel()
				_, err := insertProject(ctx, tx, record.Project{ID: "late"})
				return err
			}); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		for len(s.writer.waiting) < 3 {
			continue
		}
		release()
		group.Wait()
		if got := history(t, s, protocol.DefaultProject); len(got) != 1 || got[0] != "kept" {
			t.Errorf("got %v", got)
		}
	})
}

func TestAWriteThatPanicsUndoesItsBatchAndNoMore(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		release := busy(t, s)
		results := make(chan any, 3)
		var group sync.WaitGroup
		run := func(do func(*tx) error) {
			waiting := len(s.writer.waiting)
			group.Go(func() {
				defer func() {
					if fault := recover(); fault != nil {
						results <- fault
					}
				}()
				results <- s.write(t.Context(), do)
			})
			for len(s.writer.waiting) == waiting {
				continue
			}
		}
		run(func(tx *tx) error {
			return insertEvent(t.Context(), tx, alert(s, protocol.DefaultProject, "lost"))
		})
		run(func(*tx) error { panic("a fault of ours") })
		release()
		group.Wait()
		close(results)
		abandoned, panicked := 0, 0
		for result := range results {
			if err, ok := result.(error); ok && errors.Is(err, errAbandoned) {
				abandoned++
			} else if result == "a fault of ours" {
				panicked++
			}
		}
		// Whoever led has the panic, and the others are told.
		if panicked != 1 || abandoned != 1 {
			t.Errorf("got %d panics and %d abandoned", panicked, abandoned)
		}
		if err := s.write(t.Context(), func(tx *tx) error {
			return insertEvent(t.Context(), tx, alert(s, protocol.DefaultProject, "kept"))
		}); err != nil {
			t.Error(err)
		}
		if got := history(t, s, protocol.DefaultProject); len(got) != 1 || got[0] != "kept" {
			t.Errorf("got %v", got)
		}
	})
}

func TestAnEventThatIsNoTextFailsAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		for _, device := range []string{"a\x00b", "\xff"} {
			if err := s.write(t.Context(), func(tx *tx) error {
				return insertEvent(t.Context(), tx, alert(s, protocol.DefaultProject, device))
			}); err == nil {
				t.Errorf("%q was written", device)
			}
		}
		if got := history(t, s, protocol.DefaultProject); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	})
}
