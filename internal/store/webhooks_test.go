package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// addEvents writes n events to a project, of two kinds in turn, and returns them all.
func addEvents(t *testing.T, s *Store, project protocol.ProjectID, n int) []record.Event {
	t.Helper()
	err := s.write(t.Context(), func(tx *tx) error {
		for i := range n {
			e := record.Event{Project: project, Kind: record.EventDeviceOnline, At: s.now(), Device: protocol.DeviceID(fmt.Sprint("cam", i)), Data: []byte(`{}`)}
			if i%2 == 1 {
				e.Kind = record.EventDeviceOffline
			}
			if err := insertEvent(t.Context(), tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return must(s.Events(t.Context(), project, record.EventFilter{}, 0))(t)
}

func newWebhook(t *testing.T, s *Store, kinds ...record.EventKind) record.Webhook {
	t.Helper()
	return must(s.CreateWebhook(t.Context(), protocol.DefaultProject, "https://partner.example/", "Backend", kinds))(t)
}

func saveProgress(t *testing.T, s *Store, p record.WebhookProgress) {
	t.Helper()
	if err := s.SaveWebhookProgress(t.Context(), []record.WebhookProgress{p}); err != nil {
		t.Fatal(err)
	}
}

func TestAWebhookBeginsWithTheNextEventAndComesBackAsItWas(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		addEvents(t, s, protocol.DefaultProject, 3)
		made := newWebhook(t, s, record.EventDeviceOnline)
		if made.Cursor != 3 || must(s.LastEvent(t.Context(), protocol.DefaultProject))(t) != 3 {
			t.Errorf("got cursor %d, want 3", made.Cursor)
		}
		made.Open = []uint64{}
		if diff := cmp.Diff(made, must(s.Webhook(t.Context(), protocol.DefaultProject, made.ID))(t)); diff != "" {
			t.Errorf("webhook differs:\n%s", diff)
		}
		if diff := cmp.Diff([]record.Webhook{made}, must(s.AllWebhooks(t.Context()))(t)); diff != "" {
			t.Errorf("all webhooks differ:\n%s", diff)
		}
		_, err := s.Webhook(t.Context(), "other", made.ID)
		wantCode(t, err, protocol.CodeNotFound)
		wantCode(t, s.DeleteWebhook(t.Context(), "other", made.ID), protocol.CodeNotFound)
		if err := s.DeleteWebhook(t.Context(), protocol.DefaultProject, made.ID); err != nil {
			t.Fatal(err)
		}
		saveProgress(t, s, record.WebhookProgress{Webhook: made.ID, Waiting: []record.WaitingDelivery{{Seq: 1}}, Dead: []record.SeqRange{{First: 1, Last: 2}}})
		if left := must(s.WaitingDeliveries(t.Context(), made.ID))(t); len(left) != 0 {
			t.Errorf("got %v of a deleted webhook", left)
		}
	})
}

func TestAWebhookIsChangedAsAWhole(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		w := newWebhook(t, s)
		c.pass(time.Minute)
		changed := must(s.ChangeWebhook(t.Context(), w.Project, w.ID, func(w *record.Webhook) error {
			w.State, w.Name = record.WebhookPaused, "New"
			return nil
		}))(t)
		if changed.State != record.WebhookPaused || !changed.Since.Equal(c.now()) || changed.Name != "New" || changed.URL != w.URL || changed.Version == w.Version {
			t.Errorf("got %+v", changed)
		}
		for name, why := range map[string]error{"other": protocol.Errorf(protocol.CodePreconditionFailed, "no"), "two\nlines": nil} {
			_, err := s.ChangeWebhook(t.Context(), w.Project, w.ID, func(w *record.Webhook) error { w.Name = name; return why })
			if got := must(s.Webhook(t.Context(), w.Project, w.ID))(t); err == nil || got.Name != "New" || got.Version != changed.Version {
				t.Errorf("%q: got %v and name %q", name, err, got.Name)
			}
		}
		rotated := must(s.RotateWebhookSecret(t.Context(), w.Project, w.ID))(t)
		if cmp.Equal(rotated.Secret, w.Secret) || !cmp.Equal(rotated.OldSecret, w.Secret) || !rotated.OldUntil.Equal(c.now().Add(record.WebhookSecretOverlap)) {
			t.Errorf("got %+v", rotated)
		}
	})
}

func TestAProjectHasSoManyWebhooks(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		for range MaxWebhooks {
			newWebhook(t, s)
		}
		_, err := s.CreateWebhook(t.Context(), protocol.DefaultProject, "https://partner.example/", "", nil)
		wantCode(t, err, protocol.CodeQuota)
		list, next, err := s.Webhooks(t.Context(), protocol.DefaultProject, "", 60)
		if err != nil || len(list) != 60 {
			t.Fatalf("got %d, %v", len(list), err)
		}
		rest, _, err := s.Webhooks(t.Context(), protocol.DefaultProject, next, 60)
		if err != nil || len(rest) != MaxWebhooks-60 || rest[0].ID == list[59].ID {
			t.Errorf("got %d more, %v", len(rest), err)
		}
	})
}

func TestProgressIsKeptAsAWhole(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		w := newWebhook(t, s)
		events := addEvents(t, s, w.Project, 6)
		waiting := record.WaitingDelivery{Seq: 2, Event: events[1].ID, Device: "cam1", Attempts: 1, Due: c.now(), Next: c.now().Add(time.Second)}
		saveProgress(t, s, record.WebhookProgress{
			Webhook: w.ID, Cursor: 5, Open: []uint64{3, 4}, Failing: c.now(), Missed: 2, Waiting: []record.WaitingDelivery{waiting, {Seq: 1}},
		})
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Cursor: 6, Open: []uint64{4}, Failing: c.now(), Missed: 1, Settled: []uint64{1}, Gone: true})
		got := must(s.Webhook(t.Context(), w.Project, w.ID))(t)
		if got.Cursor != 6 || !cmp.Equal(got.Open, []uint64{4}) || got.Missed != 3 || got.State != record.WebhookGone || got.Version == w.Version || !got.Failing.Equal(c.now()) {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff([]record.WaitingDelivery{waiting}, must(s.WaitingDeliveries(t.Context(), w.ID))(t)); diff != "" {
			t.Errorf("what waits differs:\n%s", diff)
		}
	})
}

func deadSeqs(t *testing.T, s *Store, w record.Webhook) (seqs []uint64) {
	t.Helper()
	for cursor := ""; ; {
		events, next, err := s.DeadLetters(t.Context(), w.Project, w.ID, cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
		if cursor = next; cursor == "" {
			return seqs
		}
	}
}

func TestDeadLettersAreRangesOfWhatTheWebhookWants(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		w := newWebhook(t, s, record.EventDeviceOnline) // those with odd numbers
		addEvents(t, s, w.Project, 20)
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Cursor: 20, Dead: []record.SeqRange{{First: 3, Last: 6}, {First: 9, Last: 9}, {First: 7, Last: 8}, {First: 15, Last: 17}}})
		if diff := cmp.Diff([]uint64{3, 5, 7, 9, 15, 17}, deadSeqs(t, s, w)); diff != "" {
			t.Errorf("dead letters differ:\n%s", diff)
		}
		ranges := must(all(t.Context(), s.reader, scanRange, `SELECT first_seq, last_seq FROM webhook_dead ORDER BY first_seq`))(t)
		if diff := cmp.Diff([]record.SeqRange{{First: 3, Last: 9}, {First: 15, Last: 17}}, ranges); diff != "" {
			t.Errorf("ranges that touch are not one:\n%s", diff)
		}
		_, _, err := s.DeadLetters(t.Context(), w.Project, w.ID, "no cursor", 2)
		wantCode(t, err, protocol.CodeInvalid)
	})
}

func replayed(t *testing.T, s *Store, w record.Webhook) (ranges []record.SeqRange) {
	t.Helper()
	for _, r := range must(s.WebhookReplays(t.Context(), w.ID))(t) {
		ranges = append(ranges, r.SeqRange)
	}
	return ranges
}

func TestReplaysTakeDeadLettersWithThem(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		w := newWebhook(t, s, record.EventDeviceOnline)
		events := addEvents(t, s, w.Project, 20)
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Cursor: 18, Dead: []record.SeqRange{{First: 3, Last: 9}, {First: 15, Last: 17}}})
		ask := func(r record.Replay) error { return s.ReplayWebhook(t.Context(), w.Project, w.ID, r) }
		for _, r := range []record.Replay{
			{Event: events[4].ID}, {Dead: true, Range: record.SeqRange{First: 8, Last: 15}}, {Range: record.SeqRange{First: 17}},
		} {
			if err := ask(r); err != nil {
				t.Fatal(err)
			}
		}
		want := []record.SeqRange{{First: 5, Last: 5}, {First: 8, Last: 9}, {First: 15, Last: 15}, {First: 17, Last: 18}}
		if diff := cmp.Diff(want, replayed(t, s, w)); diff != "" {
			t.Errorf("replays differ:\n%s", diff)
		}
		if diff := cmp.Diff([]uint64{3, 7}, deadSeqs(t, s, w)); diff != "" {
			t.Errorf("dead letters that are left differ:\n%s", diff)
		}
		wantCode(t, ask(record.Replay{Event: events[1].ID}), protocol.CodeInvalid)
		wantCode(t, ask(record.Replay{Event: "none"}), protocol.CodeNotFound)
		if err := ask(record.Replay{Range: record.SeqRange{First: 19, Last: 20}}); err != nil {
			t.Fatal(err)
		}
		first := must(s.WebhookReplays(t.Context(), w.ID))(t)
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Cursor: 18, Replays: []record.ReplayRange{
			{ID: first[0].ID, SeqRange: record.SeqRange{First: 6, Last: 5}}, {ID: first[3].ID, SeqRange: record.SeqRange{First: 18, Last: 18}},
		}})
		want = []record.SeqRange{{First: 8, Last: 9}, {First: 15, Last: 15}, {First: 18, Last: 18}}
		if diff := cmp.Diff(want, replayed(t, s, w)); diff != "" {
			t.Errorf("replays that are left differ:\n%s", diff)
		}
	})
}

func TestReplaysAreBounded(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		w := newWebhook(t, s)
		addEvents(t, s, w.Project, 1)
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Cursor: 1})
		for range maxReplays {
			if err := s.ReplayWebhook(t.Context(), w.Project, w.ID, record.Replay{Range: record.SeqRange{First: 1}}); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, s.ReplayWebhook(t.Context(), w.Project, w.ID, record.Replay{Range: record.SeqRange{First: 1}}), protocol.CodeQuota)
	})
}

func TestTheLastDeliveriesAreListedAndFailuresAreNotHidden(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		w := newWebhook(t, s)
		failed := record.Delivery{Webhook: w.ID, Event: "bad", Seq: 1, Kind: record.EventDeviceOnline, Device: "cam", Attempt: 1, At: c.now(), Took: time.Second, Status: 500, Err: "answered 500", Response: "oh"}
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Deliveries: []record.Delivery{failed}})
		var good []record.Delivery
		for i := range 3 * succeededSlots {
			c.pass(time.Millisecond)
			good = append(good, record.Delivery{Webhook: w.ID, Event: fmt.Sprint("e", i), Seq: uint64(i + 2), Attempt: 1, At: c.now(), Status: 200})
			if len(good) == 7 {
				saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Deliveries: good})
				good = nil
			}
		}
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Deliveries: good})
		list := func(f record.DeliveryFilter) (events []record.Delivery) {
			for cursor := ""; ; {
				page, next, err := s.Deliveries(context.Background(), w.Project, w.ID, f, cursor, 30)
				if err != nil {
					t.Fatal(err)
				}
				events = append(events, page...)
				if cursor = next; cursor == "" {
					return events
				}
			}
		}
		all := list(record.DeliveryFilter{})
		if len(all) != succeededSlots+1 || all[0].Event != "e299" || all[succeededSlots-1].Event != "e200" {
			t.Errorf("got %d, the first %+v", len(all), all[0])
		}
		failed.Number = 1
		for _, f := range []record.DeliveryFilter{{Succeeded: record.No}, {Event: "bad"}, {Kind: record.EventDeviceOnline, Device: "cam"}} {
			if diff := cmp.Diff([]record.Delivery{failed}, list(f)); diff != "" {
				t.Errorf("%+v: deliveries differ:\n%s", f, diff)
			}
		}
		if got := list(record.DeliveryFilter{Succeeded: record.Yes}); len(got) != succeededSlots {
			t.Errorf("got %d that succeeded", len(got))
		}
		_, _, err := s.Deliveries(t.Context(), "other", w.ID, record.DeliveryFilter{}, "", 0)
		wantCode(t, err, protocol.CodeNotFound)
	})
}

func TestDeadLettersGoWithTheHistory(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		w := newWebhook(t, s)
		addEvents(t, s, w.Project, 4)
		c.pass(EventLife)
		addEvents(t, s, w.Project, 2)
		saveProgress(t, s, record.WebhookProgress{Webhook: w.ID, Cursor: 6, Dead: []record.SeqRange{{First: 1, Last: 2}, {First: 4, Last: 5}}})
		c.pass(time.Second)
		must(s.Prune(t.Context()))(t)
		ranges := must(all(t.Context(), s.reader, scanRange, `SELECT first_seq, last_seq FROM webhook_dead`))(t)
		if diff := cmp.Diff([]record.SeqRange{{First: 4, Last: 5}}, ranges); diff != "" {
			t.Errorf("ranges differ:\n%s", diff)
		}
		if diff := cmp.Diff([]uint64{5}, deadSeqs(t, s, w)); diff != "" {
			t.Errorf("dead letters differ:\n%s", diff)
		}
	})
}
