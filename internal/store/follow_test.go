package store

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// tell writes an event of a project.
func tell(t *testing.T, s *Store, in protocol.ProjectID) {
	t.Helper()
	err := s.write(t.Context(), func(tx *tx) error {
		return insertEvent(t.Context(), tx, record.Event{Project: in, Kind: record.EventDeviceAlert, At: s.now(), Data: json.RawMessage(`{}`)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// took reports whether there was a token, and takes it.
func took(news <-chan struct{}) bool {
	select {
	case <-news:
		return true
	default:
		return false
	}
}

func TestWhoFollowsHearsOfEventsOnceTheyAreCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		must(s.CreateProject(t.Context(), "acme", "Acme"))(t)
		mine, stop := s.Follow("acme")
		all, stopAll := s.Follow("")
		defer stopAll()

		tell(t, s, protocol.DefaultProject)
		if took(mine) || !took(all) {
			t.Error("an event of another project was told, or not to who follows all")
		}
		tell(t, s, "acme")
		tell(t, s, "acme")
		if !took(mine) || took(mine) || !took(all) || took(all) {
			t.Error("two events have to leave one token with each")
		}
		errUndone := context.Canceled
		err := s.write(t.Context(), func(tx *tx) error {
			if err := insertEvent(t.Context(), tx, record.Event{Project: "acme", Kind: record.EventDeviceAlert, At: s.now(), Data: json.RawMessage(`{}`)}); err != nil {
				return err
			}
			return errUndone
		})
		if err == nil || took(mine) || took(all) {
			t.Errorf("what was undone (%v) was told", err)
		}
		stop()
		stop()
		tell(t, s, "acme")
		if took(mine) || !took(all) {
			t.Error("who has stopped was told, or who has not was not")
		}
		if got := must(s.EventSpan(t.Context(), "acme"))(t); got != (record.EventSpan{First: 1, Last: 3}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestThePollTellsOfWhatOtherProcessesWrote(t *testing.T) {
	var f followers
	if !f.idle() {
		t.Error("nobody follows")
	}
	mine, stop := f.add("acme")
	if f.idle() {
		t.Error("somebody follows")
	}
	f.see([]eventCount{{"acme", 4}, {"other", 1}})
	if !took(mine) {
		t.Error("what came before the first poll may not have been read")
	}
	f.see([]eventCount{{"acme", 4}, {"other", 2}})
	if took(mine) {
		t.Error("nothing happened")
	}
	f.see([]eventCount{{"acme", 5}, {"other", 2}})
	if !took(mine) {
		t.Error("an event was not told")
	}
	stop()
	if !f.idle() || f.seen != nil {
		t.Error("what was seen has to be forgotten when nobody follows")
	}
}

func TestEventsOfAnotherProcessAreToldWhileRunRuns(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		synctest.Test(t, func(t *testing.T) {
			here, there := open(t, at, newClock()), open(t, at, newClock())
			ctx, cancel := context.WithCancel(t.Context())
			news, stop := here.Follow(protocol.DefaultProject)
			defer stop()
			done := make(chan error)
			go func() { done <- here.Run(ctx) }()
			tell(t, there, protocol.DefaultProject)
			<-news
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	})
}

func TestASpanTellsWhatIsKept(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		if got := must(s.EventSpan(t.Context(), protocol.DefaultProject))(t); got != (record.EventSpan{First: 1}) {
			t.Errorf("before the first event: got %+v", got)
		}
		_, err := s.EventSpan(t.Context(), "nobody")
		wantCode(t, err, protocol.CodeNotFound)
		tell(t, s, protocol.DefaultProject)
		c.pass(EventLife / 2)
		tell(t, s, protocol.DefaultProject)
		c.pass(EventLife/2 + 1e9)
		must(s.Prune(t.Context()))(t)
		if got := must(s.EventSpan(t.Context(), protocol.DefaultProject))(t); got != (record.EventSpan{First: 2, Last: 2}) {
			t.Errorf("after the first has gone: got %+v", got)
		}
		c.pass(EventLife)
		must(s.Prune(t.Context()))(t)
		if got := must(s.EventSpan(t.Context(), protocol.DefaultProject))(t); got != (record.EventSpan{First: 3, Last: 2}) {
			t.Errorf("after all have gone: got %+v", got)
		}
	})
}

func TestARevokedKeyIsToldOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		k, _, err := s.CreateKey(t.Context(), record.Key{Project: protocol.DefaultProject, Name: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.RevokeKey(t.Context(), protocol.DefaultProject, k.ID); err != nil {
				t.Fatal(err)
			}
		}
		list := must(s.Events(t.Context(), protocol.DefaultProject, record.EventFilter{}, 0))(t)
		if len(list) != 1 || list[0].Kind != record.EventKeyRevoked {
			t.Fatalf("got %+v, want one event", list)
		}
		var got record.KeyEvent
		if err := json.Unmarshal(list[0].Data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(record.KeyEvent{Key: k.ID, Type: record.KeyAPI, Name: "shop"}, got); diff != "" {
			t.Error(diff)
		}
	})
}
