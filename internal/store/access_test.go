package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// other is another project than the default one.
const other protocol.ProjectID = "other"

func TestKeysEndWhenTheyExpireAndTheirUseIsKeptCoarsely(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		asked := record.Key{
			Project: protocol.DefaultProject, Name: "brief", Scopes: []record.Scope{"tokens:write", "devices:read"}, Expires: c.now().Add(time.Hour),
		}
		key, plain, err := s.CreateKey(ctx, asked)
		if err != nil {
			t.Fatal(err)
		}
		want := asked
		want.ID, want.Hash, want.Created = key.ID, key.Hash, key.Created
		if diff := cmp.Diff(want, key); diff != "" {
			t.Errorf("key differs:\n%s", diff)
		}
		used := func() time.Time {
			t.Helper()
			must(s.Authenticate(ctx, plain.Reveal()))(t)
			list, _, err := s.Keys(ctx, protocol.DefaultProject, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			return list[0].Used
		}
		first := used()
		if !first.Equal(c.now()) {
			t.Errorf("got use at %s, want %s", first, c.now())
		}
		c.pass(record.KeyUseInterval - time.Second)
		if got := used(); !got.Equal(first) {
			t.Errorf("a use within the interval was written at %s", got)
		}
		c.pass(time.Second)
		if got := used(); !got.Equal(c.now()) {
			t.Errorf("got use at %s, want %s", got, c.now())
		}
		c.pass(time.Hour)
		_, err = s.Authenticate(ctx, plain.Reveal())
		wantCode(t, err, protocol.CodeExpired)
		if got := must(s.RevokedKeys(ctx))(t); len(got) != 0 {
			t.Errorf("got %v: what an expired key has made lives on", got)
		}
		for _, scopes := range [][]record.Scope{{"everything"}, {"keys:read", "keys:read"}} {
			_, _, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Scopes: scopes})
			wantCode(t, err, protocol.CodeInvalid)
		}
		_, _, err = s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Expires: c.now()})
		wantCode(t, err, protocol.CodeInvalid)
	})
}

func TestNoMoreThanTwoKeysOfARotationLive(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		end := c.now().Add(48 * time.Hour)
		first, plain, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Name: "backend", Scopes: []record.Scope{"tokens:write"}, Expires: end})
		if err != nil {
			t.Fatal(err)
		}
		rotate := func(k record.Key) (record.Key, error) {
			fresh, _, err := s.RotateKey(ctx, k, k.ID, time.Hour)
			return fresh, err
		}
		second := must(rotate(first))(t)
		want := first
		want.ID, want.Hash = second.ID, second.Hash
		if diff := cmp.Diff(want, second); diff != "" {
			t.Errorf("the successor differs:\n%s", diff)
		}
		_, err = rotate(first)
		wantCode(t, err, protocol.CodeConflict)
		_, err = rotate(second)
		wantCode(t, err, protocol.CodeConflict) // three would live
		c.pass(59 * time.Minute)
		old := must(s.Authenticate(ctx, plain.Reveal()))(t)
		if old.Successor != second.ID {
			t.Errorf("got successor %q, want %s", old.Successor, second.ID)
		}
		c.pass(time.Minute)
		_, err = s.Authenticate(ctx, plain.Reveal())
		wantCode(t, err, protocol.CodeExpired)
		third := must(rotate(second))(t)
		if _, _, err := s.RotateKey(ctx, third, third.ID, MaxKeyOverlap+1); !errors.Is(err, &protocol.Error{Code: protocol.CodeInvalid}) {
			t.Errorf("got %v for an endless overlap", err)
		}
		must(s.CreateProject(ctx, other, ""))(t)
		theirs, _, err := s.CreateKey(ctx, record.Key{Project: other})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = s.RotateKey(ctx, theirs, third.ID, 0)
		wantCode(t, err, protocol.CodeNotFound)
		full, _, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = s.RotateKey(ctx, third, full.ID, 0)
		wantCode(t, err, protocol.CodeForbidden)
	})
}

func TestPartnerKeysAreTakenOnceAndKnownUntilTheirTokensAreOver(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		must(s.CreateProject(ctx, other, ""))(t)
		public := newPublicKey(t)
		key := must(s.CreatePartnerKey(ctx, other, "ours", public))(t)
		_, err := s.CreatePartnerKey(ctx, other, "again", public)
		wantCode(t, err, protocol.CodeConflict)
		must(s.CreatePartnerKey(ctx, protocol.DefaultProject, "a public key is no secret", public))(t)
		wantCode(t, s.RevokePartnerKey(ctx, protocol.DefaultProject, key.ID), protocol.CodeNotFound)
		for range 2 {
			if err := s.RevokePartnerKey(ctx, other, key.ID); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]protocol.KeyID{key.ID}, must(s.RevokedKeys(ctx))(t)); diff != "" {
			t.Errorf("revoked keys differ:\n%s", diff)
		}
		events := must(s.Events(ctx, other, record.EventFilter{Kinds: []record.EventKind{record.EventKeyRevoked}}, 0))(t)
		if len(events) != 1 {
			t.Errorf("got %d events, want one", len(events))
		}
		_, err = s.CreatePartnerKey(ctx, other, "once more", public)
		wantCode(t, err, protocol.CodeConflict)
		if got := must(s.AllPartnerKeys(ctx))(t); len(got) != 2 || got[0].Revoked.IsZero() == got[1].Revoked.IsZero() {
			t.Errorf("got %+v, want the revoked one too", got)
		}
		c.pass(revokedKeysWindow + time.Second)
		if got := must(s.AllPartnerKeys(ctx))(t); len(got) != 1 {
			t.Errorf("got %d keys long after one was revoked", len(got))
		}
		for n := range maxPartnerKeys + 1 {
			_, err := s.CreatePartnerKey(ctx, other, fmt.Sprint(n), newPublicKey(t))
			if full := n == maxPartnerKeys; full {
				wantCode(t, err, protocol.CodeQuota)
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestADeviceIsSharedOnceWithAProjectUntilTheGrantEnds(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		must(s.CreateProject(ctx, other, ""))(t)
		device := enrol(t, s, protocol.DefaultProject)
		asked := record.DeviceGrant{
			Device: device.ID, Owner: protocol.DefaultProject, Viewer: other, Rights: []protocol.Right{protocol.RightView, protocol.RightTalk},
			Pays: record.PayerOwner, Expires: c.now().Add(time.Hour),
		}
		for name, spoil := range map[string]struct {
			change func(*record.DeviceGrant)
			want   protocol.Code
		}{
			"no such project": {func(g *record.DeviceGrant) { g.Viewer = "none" }, protocol.CodeNotFound},
			"another's":       {func(g *record.DeviceGrant) { g.Owner, g.Viewer = other, protocol.DefaultProject }, protocol.CodeNotFound},
			"with itself":     {func(g *record.DeviceGrant) { g.Viewer = g.Owner }, protocol.CodeInvalid},
			"not for viewing": {func(g *record.DeviceGrant) { g.Rights = g.Rights[1:] }, protocol.CodeInvalid},
			"a right twice":   {func(g *record.DeviceGrant) { g.Rights = append(g.Rights, protocol.RightView) }, protocol.CodeInvalid},
			"nobody pays":     {func(g *record.DeviceGrant) { g.Pays = "" }, protocol.CodeInvalid},
			"over already":    {func(g *record.DeviceGrant) { g.Expires = c.now() }, protocol.CodeInvalid},
		} {
			g := asked
			g.Rights = append([]protocol.Right(nil), asked.Rights...)
			spoil.change(&g)
			_, err := s.CreateDeviceGrant(ctx, g)
			if !errors.Is(err, &protocol.Error{Code: spoil.want}) {
				t.Errorf("%s: got %v, want %s", name, err, spoil.want)
			}
		}
		g := must(s.CreateDeviceGrant(ctx, asked))(t)
		want := asked
		want.ID, want.Created = g.ID, c.now()
		for _, side := range []protocol.ProjectID{other, protocol.DefaultProject} {
			if diff := cmp.Diff(want, must(s.DeviceGrant(ctx, side, g.ID))(t)); diff != "" {
				t.Errorf("%s sees another grant:\n%s", side, diff)
			}
		}
		_, err := s.CreateDeviceGrant(ctx, asked)
		wantCode(t, err, protocol.CodeConflict)
		if got := must(s.SharedDevice(ctx, other, device.ID))(t); got.Device.ID != device.ID || got.Grant.ID != g.ID {
			t.Errorf("got %+v", got)
		}
		_, err = s.SharedDevice(ctx, protocol.DefaultProject, device.ID)
		wantCode(t, err, protocol.CodeNotFound)
		if got := must(s.LiveDeviceGrants(ctx))(t); len(got) != 1 {
			t.Errorf("got %d grants that hold", len(got))
		}
		c.pass(time.Hour)
		_, err = s.SharedDevice(ctx, other, device.ID)
		wantCode(t, err, protocol.CodeNotFound)
		if got := must(s.LiveDeviceGrants(ctx))(t); len(got) != 0 {
			t.Errorf("got %d grants that hold, after their time", len(got))
		}
		asked.Expires = time.Time{}
		c.pass(time.Millisecond)
		second := must(s.CreateDeviceGrant(ctx, asked))(t) // the first has expired
		wantCode(t, s.EndDeviceGrant(ctx, "third", second.ID), protocol.CodeNotFound)
		for _, by := range []protocol.ProjectID{other, protocol.DefaultProject} {
			if err := s.EndDeviceGrant(ctx, by, second.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got := must(s.DeviceGrant(ctx, other, second.ID))(t); got.EndedBy != other || !got.Ended.Equal(c.now()) {
			t.Errorf("got %+v, want that the first end stays", got)
		}
		list, _, err := s.DeviceGrants(ctx, other, "", 0)
		if err != nil || len(list) != 2 || list[0].ID != second.ID {
			t.Errorf("got %+v, %v", list, err)
		}
		c.pass(SessionLife + time.Hour)
		must(s.Prune(ctx))(t)
		if list, _, err := s.DeviceGrants(ctx, other, "", 0); err != nil || len(list) != 0 {
			t.Errorf("got %d grants after their life, %v", len(list), err)
		}
	})
}

// Of two at once, one gets through: databases that let several write must not share a device twice.
func TestADeviceIsSharedOnceHoweverManyAskAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		beside := open(t, at, c)
		must(s.CreateProject(t.Context(), other, ""))(t)
		device := enrol(t, s, protocol.DefaultProject)
		var made sync.Map
		var group sync.WaitGroup
		for n := range 8 {
			group.Go(func() {
				g, err := []*Store{s, beside}[n%2].CreateDeviceGrant(t.Context(), record.DeviceGrant{
					Device: device.ID, Owner: protocol.DefaultProject, Viewer: other, Rights: []protocol.Right{protocol.RightView}, Pays: record.PayerViewer,
				})
				switch {
				case err == nil:
					made.Store(g.ID, true)
				case !errors.Is(err, &protocol.Error{Code: protocol.CodeConflict}):
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
		n := 0
		made.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d grants were made", n)
		}
	})
}

func TestABatchIsForSoManyDevicesOfItsModelsHoweverManyProcessesEnrol(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		const count, tries = 6, 20
		s, c := newStore(t, at)
		beside := open(t, at, c)
		ctx := t.Context()
		e, code, err := s.CreateEnrolment(ctx, record.Enrolment{Project: protocol.DefaultProject, Name: "Line", Count: count, Models: []string{"A 1", "B"}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Enrol(ctx, code.Reveal(), newPublicKey(t), "", "C")
		wantCode(t, err, protocol.CodeForbidden)
		var mu sync.Mutex
		joined := map[protocol.DeviceID]string{}
		var group sync.WaitGroup
		for n := range tries {
			key := newPublicKey(t)
			group.Go(func() {
				for range 2 { // an agent that missed the answer
					d, err := []*Store{s, beside}[n%2].Enrol(ctx, code.Reveal(), key, "", "A 1")
					switch {
					case err == nil:
						mu.Lock()
						joined[d.ID] = d.Name
						mu.Unlock()
					case !errors.Is(err, &protocol.Error{Code: protocol.CodeForbidden}):
						t.Errorf("got %v", err)
					}
				}
			})
		}
		group.Wait()
		names := map[string]bool{}
		for _, name := range joined {
			names[name] = true
		}
		if len(joined) != count || len(names) != count || !names["Line 1"] || !names[fmt.Sprintf("Line %d", count)] {
			t.Errorf("got devices %v", joined)
		}
		got := must(s.Enrolment(ctx, e.Project, e.ID))(t)
		if diff := cmp.Diff(e, got, cmpopts.IgnoreFields(record.Enrolment{}, "Made", "Device", "Used")); diff != "" || got.Made != count {
			t.Errorf("%d joined; the enrolment differs:\n%s", got.Made, diff)
		}
		list, _, err := s.EnrolmentDevices(ctx, e.Project, e.ID, "", 0)
		if err != nil || len(list) != count {
			t.Errorf("got %d devices, %v", len(list), err)
		}
		_, _, err = s.EnrolmentDevices(ctx, "none", e.ID, "", 0)
		wantCode(t, err, protocol.CodeNotFound)
	})
}

func TestASessionWithASharedDeviceIsInBothProjectsLists(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		must(s.CreateProject(ctx, other, ""))(t)
		device := enrol(t, s, protocol.DefaultProject)
		var want []protocol.SessionID // the newest first
		for n := range 9 {
			session := newSession(t, c, device.ID)
			if n%2 == 0 {
				session.Project, session.DeviceProject, session.Payer = other, protocol.DefaultProject, protocol.DefaultProject
			}
			if err := s.Sessions().Save(ctx, session); err != nil {
				t.Fatal(err)
			}
			want = append([]protocol.SessionID{session.ID}, want...)
			c.pass(time.Millisecond)
		}
		list := func(in protocol.ProjectID) (ids []protocol.SessionID) {
			t.Helper()
			for cursor := ""; ; {
				page, next, err := s.Sessions().List(ctx, in, record.SessionFilter{Device: device.ID}, cursor, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, session := range page {
					ids = append(ids, session.ID)
				}
				if cursor = next; cursor == "" {
					return ids
				}
			}
		}
		if diff := cmp.Diff(want, list(protocol.DefaultProject)); diff != "" {
			t.Errorf("the owner's list differs:\n%s", diff)
		}
		if got := list(other); len(got) != 5 {
			t.Errorf("the viewer's project has %d sessions in its list, want 5", len(got))
		}
		for _, side := range []protocol.ProjectID{other, protocol.DefaultProject} {
			if got := must(s.Sessions().Get(ctx, side, want[0]))(t); got.Project != other || got.PaidBy() != protocol.DefaultProject {
				t.Errorf("%s sees %+v", side, got)
			}
		}
		if err := s.Sessions().End(ctx, protocol.DefaultProject, want[0], protocol.ReasonClosedByAPI); err != nil {
			t.Errorf("the owner cannot end it: %v", err)
		}
		_, err := s.Sessions().Get(ctx, "third", want[0])
		wantCode(t, err, protocol.CodeNotFound)
	})
}

func TestProjectsAreChangedByPartsAndAsAWhole(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		ctx := t.Context()
		must(s.CreateProject(ctx, other, "Shop"))(t)
		name, kbps := "Other Shop", 500
		terms := record.Terms{Path: protocol.PathRelayOnly, RelayDelay: record.DelayOf(0), MaxRelay: time.Minute, RelayHD: record.Yes}
		if err := s.ChangeProject(ctx, other, record.ProjectChange{Name: &name, Path: &terms, MaxKbps: &kbps}); err != nil {
			t.Fatal(err)
		}
		want := terms
		want.MaxKbps = kbps
		if got := must(s.Plan(ctx, other))(t).Terms; got != want {
			t.Errorf("got terms %+v, want %+v", got, want)
		}
		if err := s.ChangeProject(ctx, other, record.ProjectChange{Path: &record.Terms{}}); err != nil {
			t.Fatal(err)
		}
		if got := must(s.Plan(ctx, other))(t).Terms; got != (record.Terms{MaxKbps: kbps}) {
			t.Errorf("got terms %+v, want the rate alone", got)
		}
		if got := must(s.Project(ctx, other))(t).Name; got != name {
			t.Errorf("the project is called %q", got)
		}
		wantCode(t, s.ChangeProject(ctx, "none", record.ProjectChange{Name: &name}), protocol.CodeNotFound)
		wantCode(t, s.ChangeProject(ctx, other, record.ProjectChange{Name: new(string)}), protocol.CodeInvalid)
		wantCode(t, s.ChangeProject(ctx, other, record.ProjectChange{Path: &record.Terms{Path: "x"}}), protocol.CodeInvalid)
		if list, next, err := s.ProjectPage(ctx, "", 1); err != nil || len(list) != 1 || next == "" {
			t.Errorf("got %v, %q, %v", list, next, err)
		}
	})
}
