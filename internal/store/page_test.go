package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// listing is one of the store's lists: how a row of it is made and taken away, nil where rows stay for ever, and a page of it.
type listing struct {
	name string
	add  func(t *testing.T, s *Store, c *clock) string
	drop func(ctx context.Context, s *Store, id string) error
	page func(ctx context.Context, s *Store, cursor string, limit int) (ids []string, next string, err error)
}

const mine = protocol.DefaultProject

var listings = []listing{
	{
		name: "devices",
		add:  func(t *testing.T, s *Store, _ *clock) string { return string(enrol(t, s, mine).ID) },
		drop: func(ctx context.Context, s *Store, id string) error {
			return s.RevokeDevice(ctx, mine, protocol.DeviceID(id))
		},
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.Devices(ctx, mine, cursor, limit)
			return idsOf(list, func(d record.Device) string { return string(d.ID) }), next, err
		},
	},
	{
		name: "enrolments",
		add: func(t *testing.T, s *Store, _ *clock) string {
			e, _, err := s.CreateEnrolment(t.Context(), record.Enrolment{Project: mine}, 0)
			if err != nil {
				t.Fatal(err)
			}
			return e.ID
		},
		drop: func(ctx context.Context, s *Store, id string) error { return s.DeleteEnrolment(ctx, mine, id) },
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.Enrolments(ctx, mine, cursor, limit)
			return idsOf(list, func(e record.Enrolment) string { return e.ID }), next, err
		},
	},
	{
		name: "keys",
		add: func(t *testing.T, s *Store, _ *clock) string {
			k, _, err := s.CreateKey(t.Context(), record.Key{Project: mine})
			if err != nil {
				t.Fatal(err)
			}
			return string(k.ID)
		},
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.Keys(ctx, mine, cursor, limit)
			return idsOf(list, func(k record.Key) string { return string(k.ID) }), next, err
		},
	},
	{
		name: "signing keys",
		add: func(t *testing.T, s *Store, _ *clock) string {
			k := must(s.CreatePartnerKey(t.Context(), mine, "", newPublicKey(t)))(t)
			if err := s.RevokePartnerKey(t.Context(), mine, k.ID); err != nil { // or there would soon be too many
				t.Fatal(err)
			}
			return string(k.ID)
		},
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.PartnerKeys(ctx, mine, cursor, limit)
			return idsOf(list, func(k record.PartnerKey) string { return string(k.ID) }), next, err
		},
	},
	{
		name: "sessions",
		add: func(t *testing.T, s *Store, c *clock) string {
			session := newSession(t, c, "cam")
			if err := s.Sessions().Save(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			return string(session.ID)
		},
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.Sessions().List(ctx, mine, record.SessionFilter{}, cursor, limit)
			return idsOf(list, func(s record.Session) string { return string(s.ID) }), next, err
		},
	},
	{
		name: "grants",
		add: func(t *testing.T, s *Store, _ *clock) string {
			g := must(s.CreateDeviceGrant(t.Context(), record.DeviceGrant{
				Device: enrol(t, s, mine).ID, Owner: mine, Viewer: "viewer", Rights: []protocol.Right{protocol.RightView}, Pays: record.PayerOwner,
			}))(t)
			return g.ID
		},
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.DeviceGrants(ctx, mine, cursor, limit)
			return idsOf(list, func(g record.DeviceGrant) string { return g.ID }), next, err
		},
	},
	{
		name: "projects",
		add: func(t *testing.T, s *Store, _ *clock) string {
			return string(must(s.CreateProject(t.Context(), protocol.ProjectID("p-"+newID()), ""))(t).ID)
		},
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.ProjectPage(ctx, cursor, limit)
			return idsOf(list, func(p record.Project) string { return string(p.ID) }), next, err
		},
	},
	{
		name: "webhooks",
		add: func(t *testing.T, s *Store, _ *clock) string {
			return must(s.CreateWebhook(t.Context(), mine, "https://example.org/"+newID(), "", nil))(t).ID
		},
		drop: func(ctx context.Context, s *Store, id string) error { return s.DeleteWebhook(ctx, mine, id) },
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.Webhooks(ctx, mine, cursor, limit)
			return idsOf(list, func(w record.Webhook) string { return w.ID }), next, err
		},
	},
	{
		name: "shared devices",
		add: func(t *testing.T, s *Store, _ *clock) string {
			d := enrol(t, s, mine)
			must(s.CreateDeviceGrant(t.Context(), record.DeviceGrant{
				Device: d.ID, Owner: mine, Viewer: "viewer", Rights: []protocol.Right{protocol.RightView}, Pays: record.PayerOwner,
			}))(t)
			return string(d.ID)
		},
		drop: func(ctx context.Context, s *Store, id string) error {
			return s.RevokeDevice(ctx, mine, protocol.DeviceID(id))
		},
		page: func(ctx context.Context, s *Store, cursor string, limit int) ([]string, string, error) {
			list, next, err := s.SharedDevices(ctx, "viewer", cursor, limit)
			return idsOf(list, func(d record.SharedDevice) string { return string(d.Device.ID) }), next, err
		},
	},
}

func idsOf[R any](rows []R, id func(R) string) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = id(row)
	}
	return ids
}

// Whoever goes through a list page by page sees what was there all the time once, and nothing twice, whatever is added and
// taken away meanwhile, many in the same millisecond.
func TestPagesMissNothingAndRepeatNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		for i, list := range listings {
			t.Run(list.name, func(t *testing.T) {
				s, c := newStore(t, at)
				if _, err := s.CreateProject(t.Context(), "viewer", ""); err != nil && i == 0 {
					t.Fatal(err)
				}
				for seed := range uint64(2) {
					list.walk(t, s, c, rand.New(rand.NewPCG(seed, uint64(i))))
				}
			})
		}
	})
}

// walk goes through the list once, while it changes.
func (l listing) walk(t *testing.T, s *Store, c *clock, random *rand.Rand) {
	t.Helper()
	there := map[string]bool{}
	add := func() {
		there[l.add(t, s, c)] = true
		c.pass(time.Duration(random.IntN(2)) * time.Millisecond)
	}
	for range 12 {
		add()
	}
	throughout := map[string]bool{}
	for id := range there {
		throughout[id] = true
	}
	seen := map[string]bool{}
	for cursor := ""; ; {
		limit := 1 + random.IntN(5)
		ids, next, err := l.page(t.Context(), s, cursor, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) > limit || next != "" && len(ids) < limit {
			t.Fatalf("got %d rows and the next page %q, want %d", len(ids), next, limit)
		}
		for _, id := range ids {
			if seen[id] {
				t.Errorf("%s came twice", id)
			}
			seen[id] = true
		}
		if cursor = next; cursor == "" {
			break
		}
		for range random.IntN(3) {
			add()
		}
		for id := range there { // any
			if l.drop == nil {
				break
			}
			if err := l.drop(t.Context(), s, id); err != nil {
				t.Fatal(err)
			}
			delete(there, id)
			delete(throughout, id)
			break
		}
	}
	for id := range throughout {
		if !seen[id] {
			t.Errorf("%s was there all the time and was not seen", id)
		}
	}
}

func TestPageHasAHundredRowsAtMost(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		for i := range MaxPage + 1 {
			if _, _, err := s.CreateKey(t.Context(), record.Key{Project: mine, Name: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		for _, limit := range []int{0, -1, MaxPage, MaxPage + 1, 1 << 40} {
			list, next, err := s.Keys(t.Context(), mine, "", limit)
			if err != nil || len(list) != MaxPage || next == "" {
				t.Errorf("limit %d: got %d rows, %v", limit, len(list), err)
			}
		}
	})
}
