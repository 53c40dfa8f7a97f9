package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestKeyAuthenticatesUntilItIsRevoked(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		key, plain, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Name: "backend"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(key, must(s.Authenticate(ctx, plain.Reveal()))(t)); diff != "" {
			t.Errorf("key differs:\n%s", diff)
		}
		c.pass(time.Minute)
		for range 2 {
			if err := s.RevokeKey(ctx, protocol.DefaultProject, key.ID); err != nil {
				t.Fatal(err)
			}
		}
		_, err = s.Authenticate(ctx, plain.Reveal())
		wantCode(t, err, protocol.CodeRevoked)
		if diff := cmp.Diff([]protocol.KeyID{key.ID}, must(s.RevokedKeys(ctx))(t)); diff != "" {
			t.Errorf("revoked keys differ:\n%s", diff)
		}
		c.pass(2*auth.MaxViewerLife + time.Second)
		if got := must(s.RevokedKeys(ctx))(t); len(got) != 0 {
			t.Errorf("got revoked keys %v long after their tokens expired", got)
		}
	})
}

func TestUnknownKeysAreRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		key, _, err := s.CreateKey(t.Context(), record.Key{Project: protocol.DefaultProject, Name: ""})
		if err != nil {
			t.Fatal(err)
		}
		_, other := auth.MintKey()
		_, err = s.Authenticate(t.Context(), other.Reveal())
		wantCode(t, err, protocol.CodeBadToken)
		_, err = s.Authenticate(t.Context(), "sl_live_"+string(key.ID))
		wantCode(t, err, protocol.CodeBadToken)
		_, _, err = s.CreateKey(t.Context(), record.Key{Project: "nobody", Name: ""})
		wantCode(t, err, protocol.CodeNotFound)
		_, _, err = s.CreateKey(t.Context(), record.Key{Project: protocol.DefaultProject, Name: "two\nlines"})
		wantCode(t, err, protocol.CodeInvalid)
	})
}

func TestKeyPagesAreStableWhileKeysAreMade(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		var want []protocol.KeyID
		for i := range 7 {
			key, _, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Name: ""})
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, key.ID)
			if i%3 == 0 { // some share their millisecond
				c.pass(time.Millisecond)
			}
		}
		seen := map[protocol.KeyID]int{}
		for cursor := ""; ; {
			page, next, err := s.Keys(ctx, protocol.DefaultProject, cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range page {
				seen[key.ID]++
			}
			if next == "" {
				break
			}
			cursor = next
			c.pass(time.Millisecond)
			if _, _, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Name: "newcomer"}); err != nil {
				t.Fatal(err)
			}
		}
		if len(seen) != len(want) {
			t.Errorf("got %d keys, want %d", len(seen), len(want))
		}
		for _, id := range want {
			if seen[id] != 1 {
				t.Errorf("key %s: seen %d times, want once", id, seen[id])
			}
		}
	})
}

func TestCursorsOfNoListAreRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		for _, cursor := range []string{"!", "AAAA", "MTIz", string(make([]byte, 1000))} {
			_, _, err := s.Keys(t.Context(), protocol.DefaultProject, cursor, 0)
			wantCode(t, err, protocol.CodeInvalid)
		}
	})
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add(position{12345, "abc"}.cursor())
	f.Add("MTIz")
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := parseCursor(cursor)
		if err != nil || cursor == "" {
			return
		}
		again, err := parseCursor(p.cursor())
		if err != nil || again != p {
			t.Errorf("got %v, %v; want %v", again, err, p)
		}
	})
}

func TestNothingCrossesProjects(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		must(s.CreateProject(ctx, "mine", ""))(t)
		must(s.CreateProject(ctx, "theirs", ""))(t)
		key, _, err := s.CreateKey(ctx, record.Key{Project: "theirs", Name: ""})
		if err != nil {
			t.Fatal(err)
		}
		device := enrol(t, s, "theirs")
		enrolment, _, err := s.CreateEnrolment(ctx, record.Enrolment{Project: "theirs", Name: ""}, 0)
		if err != nil {
			t.Fatal(err)
		}
		session := newSession(t, c, device.ID)
		session.Project = "theirs"
		if err := s.Sessions().Save(ctx, session); err != nil {
			t.Fatal(err)
		}

		wantCode(t, s.RevokeKey(ctx, "mine", key.ID), protocol.CodeNotFound)
		wantCode(t, s.RevokeDevice(ctx, "mine", device.ID), protocol.CodeNotFound)
		wantCode(t, s.DeleteEnrolment(ctx, "mine", enrolment.ID), protocol.CodeNotFound)
		wantCode(t, s.Sessions().End(ctx, "mine", session.ID, protocol.ReasonClosedByAPI), protocol.CodeNotFound)
		_, err = s.Sessions().Get(ctx, "mine", session.ID)
		wantCode(t, err, protocol.CodeNotFound)
		stolen := session
		stolen.Project = "mine"
		wantCode(t, s.Sessions().Save(ctx, stolen), protocol.CodeConflict)

		keys, _, _ := s.Keys(ctx, "mine", "", 0)
		devices, _, _ := s.Devices(ctx, "mine", "", 0)
		enrolments, _, _ := s.Enrolments(ctx, "mine", "", 0)
		sessions, _, _ := s.Sessions().List(ctx, "mine", record.SessionFilter{Device: device.ID}, "", 0)
		if len(keys)+len(devices)+len(enrolments)+len(sessions) != 0 {
			t.Errorf("got %v %v %v %v of another project", keys, devices, enrolments, sessions)
		}
	})
}
