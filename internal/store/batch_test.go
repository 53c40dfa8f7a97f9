package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// queue begins a write while another leads, so that it is the next of the batch that follows.
func queue(s *Store, group *sync.WaitGroup, write func()) {
	waiting := len(s.writer.waiting)
	group.Go(write)
	for len(s.writer.waiting) == waiting {
		continue
	}
}

func TestSessionsSavedInABatchFailAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		taken := newSession(t, c, "cam")
		saveSession(t, s, taken)
		const saves = 2*maxRows + 10
		sessions, failed := make([]record.Session, saves), make([]error, saves)
		var group sync.WaitGroup
		release := busy(t, s)
		for i := range sessions {
			session := newSession(t, c, protocol.DeviceID(fmt.Sprintf("cam%d", i)))
			switch {
			case i%40 == 7: // somebody else's session
				session.ID, session.Owner = taken.ID, auth.Hash("another owner")
			case i == 50: // another session's grant
				session.ViewerGrant = taken.ViewerGrant
			case i == 100: // no text to a database
				session.Viewer = "\xff"
				session.Rights = []protocol.Right{"\x00"}
			}
			sessions[i] = session
			queue(s, &group, func() { failed[i] = s.Sessions().Save(t.Context(), session) })
			if i%20 == 3 {
				queue(s, &group, func() {
					if err := s.write(t.Context(), func(tx *tx) error { return errUndone }); !errors.Is(err, errUndone) {
						t.Errorf("got %v", err)
					}
				})
			}
		}
		release()
		group.Wait()
		var want, got []protocol.SessionID
		want = append(want, taken.ID)
		for i, session := range sessions {
			switch {
			case i%40 == 7, i == 50:
				if told, ok := errors.AsType[*protocol.Error](failed[i]); !ok || told.Code != protocol.CodeConflict {
					t.Errorf("save %d: got %v, want a conflict", i, failed[i])
				}
			case i == 100 && at.database != "": // SQLite takes it
				if failed[i] == nil {
					t.Errorf("save %d: what is no text was saved", i)
				}
			case failed[i] != nil:
				t.Errorf("save %d: %v", i, failed[i])
			default:
				want = append(want, session.ID)
				if i == 100 {
					continue // what comes back of it is another test's
				}
				if diff := cmp.Diff(session, must(s.Sessions().Get(t.Context(), session.Project, session.ID))(t)); diff != "" {
					t.Errorf("session %d differs:\n%s", i, diff)
				}
			}
		}
		told := map[protocol.SessionID]int{}
		for after := uint64(0); ; {
			page := must(s.Events(t.Context(), protocol.DefaultProject, record.EventFilter{After: after}, 0))(t)
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				told[e.Session]++
				got = append(got, e.Session)
				after = e.Seq
			}
		}
		for _, id := range want {
			if told[id] != 1 {
				t.Errorf("session %s was told of %d times", id, told[id])
			}
		}
		if len(got) != len(want) {
			t.Errorf("got %d events of %d sessions", len(got), len(want))
		}
	})
}

func TestSavesOfOneSessionInABatchKeepTheirOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		var group sync.WaitGroup
		release := busy(t, s)
		stories := map[protocol.SessionID]*story{}
		for range 5 {
			session := newSession(t, c, "cam")
			live, ended := session, session
			live.Account = went("2026-03-01", protocol.MeansMapped, 20, 5000)
			ended.Account = live.Account.Clone()
			ended.Account.Version, ended.Ended, ended.Reason = 2, c.now(), protocol.ReasonViewerLeft
			for _, version := range []record.Session{session, live, ended} {
				queue(s, &group, func() {
					if err := s.Sessions().Save(t.Context(), version); err != nil {
						t.Error(err)
					}
				})
			}
			stories[session.ID] = &story{}
		}
		release()
		group.Wait()
		for _, e := range allEvents(t, s) {
			if err := stories[e.Session].read(t, e); err != nil {
				t.Error(err)
			}
		}
		for id, told := range stories {
			if diff := cmp.Diff(story{opened: true, live: true, ended: true, paths: 1}, *told, cmp.AllowUnexported(story{})); diff != "" {
				t.Errorf("session %s:\n%s", id, diff)
			}
		}
	})
}

func TestEverybodyIsToldWhenSessionsOfABatchPanic(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		clock := s.clock
		const saves = maxRows + 2 // one more than are saved together, and one ahead of them
		results := make(chan any, saves)
		var group sync.WaitGroup
		release := busy(t, s)
		for range saves {
			session := newSession(t, c, "cam")
			queue(s, &group, func() {
				defer func() {
					if fault := recover(); fault != nil {
						results <- fault
					}
				}()
				results <- s.Sessions().Save(t.Context(), session)
			})
		}
		var panics atomic.Int64
		s.clock = func() time.Time {
			if panics.Add(1) == 1 {
				panic("a fault of ours")
			}
			return clock()
		}
		release()
		group.Wait()
		close(results)
		told := map[string]int{}
		for result := range results {
			err, _ := result.(error)
			switch {
			case result == "a fault of ours":
				told["panic"]++
			case errors.Is(err, errAbandoned):
				told["abandoned"]++
			case err == nil:
				told["saved"]++
			default:
				t.Errorf("got %v", result)
			}
		}
		if told["panic"] != 1 || told["abandoned"]+told["saved"] != saves-1 || told["abandoned"] < maxRows-1 {
			t.Errorf("got %v", told)
		}
	})
}
