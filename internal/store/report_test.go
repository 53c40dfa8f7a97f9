package store

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// tellReport has reports written that are due.
func tellReport(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestReportsAreHourlyAndAddUpToTheBooks(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		c := newClock()
		stores := []*Store{open(t, at, c), open(t, at, c)}
		s := stores[0]
		random := rand.New(rand.NewPCG(5, 5))
		session := newSession(t, c, "cam")
		session.Account = went("2026-03-01", protocol.MeansRelay, 0, 0)
		relayed := uint64(0)
		for range 40 {
			c.pass(time.Duration(random.IntN(40)) * time.Minute)
			session.Account = session.Account.Clone()
			session.Account.Version++
			if random.IntN(3) > 0 {
				session.Account.Stretches[0].Time += time.Second
				session.Account.Stretches[0].Bytes += 1000
				relayed += 10
				if err := s.Record(t.Context(), []record.Usage{newUsage("a", session.ViewerGrant, relayed, c.now())}); err != nil {
					t.Fatal(err)
				}
			}
			if random.IntN(10) == 0 {
				day := record.DayOf(c.now())
				session.Account.Stretches = append(session.Account.Stretches, record.Stretch{Day: day, Means: protocol.MeansICE, Time: time.Second, Bytes: 7})
				session.Account.Tallied = &record.Tally{Day: "2026-03-01", Means: protocol.MeansICE}
			}
			saveSession(t, s, session)
			for range random.IntN(3) {
				tellReport(t, stores[random.IntN(2)])
			}
		}
		c.pass(time.Hour)
		tellReport(t, s)
		tellReport(t, stores[1])

		var sum record.UsageEvent
		last := time.Time{}
		for _, e := range allEvents(t, s, record.EventUsageReport) {
			data := dataOf[record.UsageEvent](t, e)
			if !last.IsZero() && (!data.From.Equal(last) || !data.Until.Truncate(time.Hour).After(last.Truncate(time.Hour))) {
				t.Errorf("a report from %s until %s follows one until %s", data.From, data.Until, last)
			}
			last = data.Until
			sum.Sessions += data.Sessions
			sum.RelayedBytes += data.RelayedBytes
			sum.Direct.TimeMS, sum.Direct.Bytes = sum.Direct.TimeMS+data.Direct.TimeMS, sum.Direct.Bytes+data.Direct.Bytes
			sum.Relay.TimeMS, sum.Relay.Bytes = sum.Relay.TimeMS+data.Relay.TimeMS, sum.Relay.Bytes+data.Relay.Bytes
		}
		var want record.UsageEvent
		books, _, err := s.PathUsage(t.Context(), protocol.DefaultProject, record.PathFilter{From: "2026-01-01", To: "2027-01-01"}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range books {
			want.Sessions += u.Sessions
			want.RelayedBytes += u.RelayBytes
			total := &want.Direct
			if u.Means == protocol.MeansRelay {
				total = &want.Relay
			}
			total.TimeMS += u.Time.Milliseconds()
			total.Bytes += u.Bytes
		}
		if diff := cmp.Diff(want, sum); diff != "" || want.Relay.Bytes == 0 || want.Direct.Bytes == 0 || want.RelayedBytes == 0 {
			t.Errorf("the reports differ from the books:\n%s", diff)
		}
	})
}

func TestAnHourWithoutUseHasNoReport(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		tellReport(t, s)
		session := newSession(t, c, "cam")
		session.Account = went("2026-03-01", protocol.MeansICE, 10, 100)
		saveSession(t, s, session)
		tellReport(t, s) // it is the hour in which the project was made
		for range 3 {
			c.pass(time.Hour)
			tellReport(t, s)
		}
		list := allEvents(t, s, record.EventUsageReport)
		if len(list) != 1 || !dataOf[record.UsageEvent](t, list[0]).Until.Equal(c.now().Add(-2*time.Hour)) {
			t.Errorf("got %+v, want one report, of the first hour", list)
		}
	})
}
