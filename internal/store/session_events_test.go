package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestASessionIsToldFromItsOpeningToItsEnd(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		saveSession(t, s, session)
		session.Account = went("2026-03-01", protocol.MeansRelay, 20, 5000)
		saveSession(t, s, session)
		if err := s.Record(t.Context(), []record.Usage{newUsage("a", session.ViewerGrant, 10, c.now())}); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Minute)
		session.Account = session.Account.Clone()
		session.Account.Version, session.Ended, session.Reason = 2, c.now(), protocol.ReasonViewerLeft
		saveSession(t, s, session)
		saveSession(t, s, session)
		session.Account.Version, session.Account.Numbered = 3, 2
		session.Account.Changes = append(session.Account.Changes, record.PathChange{At: c.now(), Number: 2})
		if err := s.Sessions().SaveAccounts(t.Context(), []record.Session{session}); err != nil { // what comes after the end
			t.Fatal(err)
		}
		if err := s.Sessions().End(t.Context(), session.Project, session.ID, protocol.ReasonClosedByAPI); err != nil {
			t.Fatal(err)
		}
		list := allEvents(t, s)
		var kinds []record.EventKind
		for _, e := range list {
			kinds = append(kinds, e.Kind)
		}
		want := []record.EventKind{record.EventSessionOpened, record.EventSessionLive, record.EventSessionPath, record.EventSessionEnded}
		if diff := cmp.Diff(want, kinds); diff != "" {
			t.Fatalf("events differ:\n%s", diff)
		}
		opened := record.OpenedEvent{Kind: record.SessionLive, Viewer: "anna", Key: "k1", Rights: session.Rights, Expires: session.Expires}
		if diff := cmp.Diff(opened, dataOf[record.OpenedEvent](t, list[0])); diff != "" {
			t.Errorf("opened differs:\n%s", diff)
		}
		live := record.LiveEvent{Path: protocol.PathRelay, Means: protocol.MeansRelay, AfterMS: 80}
		if diff := cmp.Diff(live, dataOf[record.LiveEvent](t, list[1])); diff != "" {
			t.Errorf("live differs:\n%s", diff)
		}
		ended := record.EndedEvent{
			Kind: record.SessionLive, Viewer: "anna", Key: "k1", Reason: protocol.ReasonViewerLeft, DurationMS: 60_000,
			Relay: record.PathTotal{TimeMS: 20_000, Bytes: 5000}, RelayedBytes: 30,
		}
		if diff := cmp.Diff(ended, dataOf[record.EndedEvent](t, list[3])); diff != "" {
			t.Errorf("ended differs:\n%s", diff)
		}
	})
}

func TestSessionsThatNoHubEndsAreToldToo(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		closed, abandoned := newSession(t, c, "cam"), newSession(t, c, "cam")
		saveSession(t, s, closed)
		saveSession(t, s, abandoned)
		must(s.CreateTestGrants(t.Context(), protocol.DefaultProject, 1, time.Minute))(t)
		for range 2 {
			if err := s.Sessions().End(t.Context(), closed.Project, closed.ID, protocol.ReasonClosedByAPI); err != nil {
				t.Fatal(err)
			}
		}
		c.pass(time.Hour + abandonedAfter)
		must(s.Prune(t.Context()))(t)
		must(s.Prune(t.Context()))(t)
		reasons := map[protocol.SessionID]protocol.Reason{}
		var tests int
		for _, e := range allEvents(t, s, record.EventSessionEnded) {
			data := dataOf[record.EndedEvent](t, e)
			if data.Kind == record.SessionTest {
				tests++
				continue
			}
			if reasons[e.Session] != "" {
				t.Errorf("session %s has ended twice", e.Session)
			}
			reasons[e.Session] = data.Reason
		}
		want := map[protocol.SessionID]protocol.Reason{closed.ID: protocol.ReasonClosedByAPI, abandoned.ID: protocol.ReasonExpired}
		if diff := cmp.Diff(want, reasons); diff != "" || tests != 1 {
			t.Errorf("%d test sessions; ends differ:\n%s", tests, diff)
		}
		if got := must(s.Sessions().Ended(t.Context(), abandoned.ID))(t); got != protocol.ReasonExpired {
			t.Errorf("the abandoned session has ended as %q", got)
		}
	})
}

// story is how a session's events must read.
type story struct {
	opened, live, ended bool
	paths               int
}

// read takes the next event, or says what is wrong with it.
func (y *story) read(t *testing.T, e record.Event) error {
	if y.ended || y.opened == (e.Kind == record.EventSessionOpened) {
		return fmt.Errorf("%s after %+v", e.Kind, *y)
	}
	switch e.Kind {
	case record.EventSessionOpened:
		y.opened = true
	case record.EventSessionLive:
		if y.live {
			return fmt.Errorf("live twice")
		}
		y.live = true
	case record.EventSessionPath:
		y.paths++
		if number := dataOf[record.PathEvent](t, e).Number; number != y.paths || !y.live {
			return fmt.Errorf("path %d after %+v", number, *y)
		}
	case record.EventSessionEnded:
		y.ended = true
	}
	return nil
}

func TestWhateverIsRepeatedOrLostEachSessionIsToldOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		random := rand.New(rand.NewPCG(3, 9))
		c := newClock()
		s := open(t, at, c)
		type known struct{ versions []record.Session } // each as it was at some time, the newest last
		var all []*known
		for range 12 {
			all = append(all, &known{[]record.Session{newSession(t, c, "cam")}})
		}
		for step := range 400 {
			c.pass(time.Second)
			k := all[random.IntN(len(all))]
			next := k.versions[len(k.versions)-1]
			next.Account = next.Account.Clone()
			if next.Ended.IsZero() {
				next.Account.Version++
				switch random.IntN(8) {
				case 0, 1, 2:
					next.Account.Numbered++
					next.Account.Changes = append(next.Account.Changes, record.PathChange{At: c.now(), Number: next.Account.Numbered})
				case 3:
					next.Ended, next.Reason = c.now(), protocol.ReasonViewerLeft
				}
				k.versions = append(k.versions, next)
			}
			some := k.versions[len(k.versions)-1-random.IntN(min(2, len(k.versions)))] // the newest, or one that comes late
			switch random.IntN(5) {
			case 0, 1:
				_ = s.Sessions().Save(t.Context(), some) // a session that has ended may refuse it
			case 2:
				if err := s.Sessions().SaveAccounts(t.Context(), []record.Session{some}); err != nil {
					t.Fatal(err)
				}
			case 3:
				if random.IntN(6) == 0 {
					_ = s.Sessions().End(t.Context(), some.Project, some.ID, protocol.ReasonClosedByAPI) // there may be none yet
				}
			case 4:
				if step%9 == 0 {
					s = open(t, at, c) // another process
				}
			}
		}
		stories := map[protocol.SessionID]*story{}
		for _, e := range allEvents(t, s) {
			if stories[e.Session] == nil {
				stories[e.Session] = &story{}
			}
			if err := stories[e.Session].read(t, e); err != nil {
				t.Errorf("event %d of session %s: %v", e.Seq, e.Session, err)
			}
		}
		if len(stories) < len(all)/2 {
			t.Errorf("only %d sessions were told of", len(stories))
		}
		for id, y := range stories {
			row := must(s.Sessions().Get(t.Context(), protocol.DefaultProject, id))(t)
			if y.ended == row.Ended.IsZero() || y.paths > row.Account.Numbered || !y.ended && y.paths != row.Account.Numbered {
				t.Errorf("session %s: the events say %+v, the row ended at %v with %d paths", id, *y, row.Ended, row.Account.Numbered)
			}
		}
	})
}

func TestEveryKindOfEventIsWritten(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		d := enrol(t, s, protocol.DefaultProject)
		key, _, err := s.CreateKey(t.Context(), record.Key{Project: protocol.DefaultProject, Name: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		limit := 10 * time.Second
		if err := s.SetPlan(t.Context(), protocol.DefaultProject, PlanChange{BudgetTime: &limit}); err != nil {
			t.Fatal(err)
		}
		for _, status := range []protocol.Status{protocol.StatusOnline, protocol.StatusSuspect, protocol.StatusOffline} {
			savePresences(t, s, record.Presence{Device: d.ID, Status: status, Generation: 1, At: c.now(), Since: c.now()})
		}
		session := newSession(t, c, d.ID)
		session.Account = went("2026-03-01", protocol.MeansRelay, 20, 5000)
		session.Ended, session.Reason = c.now(), protocol.ReasonViewerLeft
		saveSession(t, s, session)
		c.pass(reportPeriod)
		for _, err := range []error{
			s.SaveAlerts(t.Context(), []record.Alert{{Device: d.ID, Kind: record.AlertDuplicateKey, At: c.now()}}),
			s.RevokeDevice(t.Context(), protocol.DefaultProject, d.ID),
			s.RevokeKey(t.Context(), protocol.DefaultProject, key.ID),
			s.Report(t.Context()),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		written := map[record.EventKind]bool{}
		for _, e := range allEvents(t, s) {
			written[e.Kind] = true
			if !strings.HasPrefix(string(e.Data), "{") || e.At.IsZero() || e.ID == "" {
				t.Errorf("got %+v, want data, a time and a name", e)
			}
		}
		for _, kind := range record.EventKinds {
			if !written[kind] {
				t.Errorf("nothing has written %s", kind)
			}
		}
	})
}
