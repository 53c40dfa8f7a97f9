package store

import (
	"database/sql"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func scanText(row *sql.Rows) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

func newGrant() protocol.GrantID {
	id := uuid.New()
	return protocol.GrantID(hex.EncodeToString(id[:]))
}

func newSession(t *testing.T, c *clock, device protocol.DeviceID) record.Session {
	t.Helper()
	return record.Session{
		ID: protocol.SessionID(must(uuid.NewV7())(t).String()), Kind: record.SessionLive, Project: protocol.DefaultProject,
		Device: device, Key: "k1", Viewer: "anna", Rights: []protocol.Right{protocol.RightView, protocol.RightTalk},
		Owner: auth.Hash("owner"), Media: protocol.Media{Video: true, Talk: true},
		ViewerGrant: newGrant(), DeviceGrant: newGrant(), Created: c.now(), Expires: c.now().Add(time.Hour),
	}
}

func newUsage(allocation string, grant protocol.GrantID, bytes uint64, at time.Time) record.Usage {
	return record.Usage{
		Allocation: allocation, Grant: grant, Role: protocol.RoleViewer, Transport: "udp", Started: at, Updated: at,
		Traffic: record.Traffic{UpBytes: bytes, UpPackets: 1, DownBytes: 2 * bytes, DownPackets: 2},
	}
}

func TestSessionComesBackAsItWasSaved(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		save := func() {
			t.Helper()
			if err := s.Sessions().Save(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(session, must(s.Sessions().Get(t.Context(), session.Project, session.ID))(t)); diff != "" {
				t.Errorf("session differs:\n%s", diff)
			}
		}
		save()
		session.Answered = c.now().Add(time.Second)
		session.Expires = c.now().Add(2 * time.Hour)
		session.Terms = record.Terms{Path: protocol.PathRelayOnly, RelayDelay: record.DelayOf(0), MaxRelay: time.Minute, MaxKbps: 500}
		session.Path = protocol.Path{Kind: protocol.PathDirect, Means: "ice", Local: "host", Remote: "srflx", Protocol: "udp", RTTMS: 1.5}
		save()
		session.Ended, session.Reason = c.now().Add(time.Minute), protocol.ReasonViewerLeft
		save()
	})
}

func TestEndedSessionStaysAsItEnded(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx, sessions := t.Context(), s.Sessions()
		session := newSession(t, c, "cam")
		if err := sessions.Save(ctx, session); err != nil {
			t.Fatal(err)
		}
		if err := sessions.End(ctx, session.Project, session.ID, protocol.ReasonClosedByAPI); err != nil {
			t.Fatal(err)
		}
		want := must(sessions.Get(ctx, session.Project, session.ID))(t)
		if got := must(sessions.Ended(ctx, session.ID))(t); got != protocol.ReasonClosedByAPI {
			t.Errorf("got reason %q, want closed_by_api", got)
		}
		c.pass(time.Second)
		wantCode(t, sessions.Save(ctx, session), protocol.CodeConflict)
		late := session
		late.Ended, late.Reason = c.now(), protocol.ReasonTimeout
		if err := sessions.Save(ctx, late); err != nil {
			t.Errorf("a second end: %v", err)
		}
		if err := sessions.End(ctx, session.Project, session.ID, protocol.ReasonRevoked); err != nil {
			t.Errorf("a third end: %v", err)
		}
		if diff := cmp.Diff(want, must(sessions.Get(ctx, session.Project, session.ID))(t)); diff != "" {
			t.Errorf("the first end was overwritten:\n%s", diff)
		}
		if got := must(sessions.Open(ctx))(t); len(got) != 0 {
			t.Errorf("got %d open sessions, want none", len(got))
		}
	})
}

func TestSessionsOfOthersCannotBeOverwritten(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		if err := s.Sessions().Save(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		for name, steal := range map[string]func(*record.Session){
			"device": func(r *record.Session) { r.Device = "other" },
			"owner":  func(r *record.Session) { r.Owner = auth.Hash("thief") },
			"grant":  func(r *record.Session) { r.ID = newSession(t, c, "cam").ID },
		} {
			stolen := session
			steal(&stolen)
			t.Run(name, func(t *testing.T) { wantCode(t, s.Sessions().Save(t.Context(), stolen), protocol.CodeConflict) })
		}
	})
}

func TestOpenSessionsAreTheLiveOnes(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		live, ended := newSession(t, c, "cam"), newSession(t, c, "cam")
		ended.Ended, ended.Reason = c.now(), protocol.ReasonTimeout
		for _, session := range []record.Session{live, ended} {
			if err := s.Sessions().Save(t.Context(), session); err != nil {
				t.Fatal(err)
			}
		}
		must(s.CreateTestGrants(t.Context(), protocol.DefaultProject, 1, time.Hour))(t)
		if got := must(s.Sessions().Ended(t.Context(), live.ID))(t); got != "" {
			t.Errorf("the live session: got reason %q, want none", got)
		}
		if got := must(s.Sessions().Ended(t.Context(), newSession(t, c, "cam").ID))(t); got != protocol.ReasonUnknown {
			t.Errorf("no session: got reason %q, want unknown", got)
		}
		if diff := cmp.Diff([]record.Session{live}, must(s.Sessions().Open(t.Context()))(t)); diff != "" {
			t.Errorf("open sessions differ:\n%s", diff)
		}
	})
}

func TestSessionListsFilterAndPage(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx, sessions := t.Context(), s.Sessions()
		states := []protocol.SessionState{protocol.SessionOpening, protocol.SessionAnswered, protocol.SessionEnded}
		for i := range 12 {
			session := newSession(t, c, protocol.DeviceID([]string{"a", "b"}[i/6]))
			switch states[i%3] {
			case protocol.SessionAnswered:
				session.Answered = c.now()
			case protocol.SessionEnded:
				session.Ended, session.Reason = c.now(), protocol.ReasonBusy
			}
			if err := sessions.Save(ctx, session); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			filter record.SessionFilter
			want   int
		}{
			{record.SessionFilter{}, 12},
			{record.SessionFilter{Device: "a"}, 6},
			{record.SessionFilter{Device: "b", State: protocol.SessionOpening}, 2},
			{record.SessionFilter{State: protocol.SessionAnswered}, 4},
			{record.SessionFilter{State: protocol.SessionEnded}, 4},
		} {
			seen, cursor, pages := map[protocol.SessionID]bool{}, "", 0
			for {
				page, next, err := sessions.List(ctx, protocol.DefaultProject, test.filter, cursor, 3)
				if err != nil {
					t.Fatal(err)
				}
				for _, session := range page {
					seen[session.ID] = true
				}
				if pages++; next == "" {
					break
				}
				cursor = next
			}
			if len(seen) != test.want || pages != (test.want+2)/3 {
				t.Errorf("%+v: got %d sessions on %d pages, want %d", test.filter, len(seen), pages, test.want)
			}
		}
		_, _, err := sessions.List(ctx, protocol.DefaultProject, record.SessionFilter{State: "lost"}, "", 0)
		wantCode(t, err, protocol.CodeInvalid)
	})
}

func TestRelayedSumsAllGrantsTheSessionEverHad(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		session := newSession(t, c, "cam")
		first := session.ViewerGrant
		if err := s.Record(ctx, []record.Usage{newUsage("early", first, 1, c.now())}); err != nil {
			t.Fatal(err)
		}
		if err := s.Sessions().Save(ctx, session); err != nil {
			t.Fatal(err)
		}
		session.ViewerGrant = newGrant()
		if err := s.Sessions().Save(ctx, session); err != nil {
			t.Fatal(err)
		}
		latest := newUsage("viewer", session.ViewerGrant, 100, c.now().Add(time.Second))
		for range 2 {
			usage := []record.Usage{latest, newUsage("viewer", session.ViewerGrant, 10, c.now()), newUsage("device", session.DeviceGrant, 1000, c.now())}
			if err := s.Record(ctx, usage); err != nil {
				t.Fatal(err)
			}
		}
		want := record.Traffic{UpBytes: 1101, UpPackets: 3, DownBytes: 2202, DownPackets: 6}
		if diff := cmp.Diff(want, must(s.Sessions().Get(ctx, session.Project, session.ID))(t).Relayed); diff != "" {
			t.Errorf("relayed differs:\n%s", diff)
		}
	})
}

func TestGrantsLiveAsLongAsTheirSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		grants := must(s.CreateTestGrants(ctx, protocol.DefaultProject, 2, time.Hour))(t)
		if len(grants) != 2 || !grants[0].Valid() || grants[0] == grants[1] {
			t.Fatalf("got grants %v", grants)
		}
		session := newSession(t, c, "cam")
		session.Terms = record.Terms{Path: protocol.PathRelayOnly, MaxKbps: 64}
		if err := s.Sessions().Save(ctx, session); err != nil {
			t.Fatal(err)
		}
		for i, grant := range []protocol.GrantID{grants[0], grants[1], session.ViewerGrant, session.DeviceGrant} {
			want := record.Grant{Project: protocol.DefaultProject, Expires: c.now().Add(time.Hour)}
			if i > 1 {
				want.Terms = session.Terms
			}
			if found, ok := s.GrantAlive(ctx, grant); !ok || found != want {
				t.Errorf("grant %s: got %+v, %t; want an hour", grant, found, ok)
			}
		}
		if err := s.Sessions().End(ctx, session.Project, session.ID, protocol.ReasonTimeout); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Hour)
		for _, grant := range []protocol.GrantID{grants[0], session.ViewerGrant, newGrant()} {
			if _, ok := s.GrantAlive(ctx, grant); ok {
				t.Errorf("grant %s is alive", grant)
			}
		}
		for _, count := range []int{0, maxTestGrants + 1} {
			_, err := s.CreateTestGrants(ctx, protocol.DefaultProject, count, time.Hour)
			wantCode(t, err, protocol.CodeInvalid)
		}
	})
}
