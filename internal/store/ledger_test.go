package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// counted is a count of that many bytes up and twice as many down.
func counted(allocation string, project protocol.ProjectID, grant protocol.GrantID, bytes uint64, at time.Time) record.Usage {
	u := newUsage(allocation, grant, bytes, at)
	u.Project = project
	return u
}

func enter(t *testing.T, s *Store, usage ...record.Usage) {
	t.Helper()
	if err := s.Record(t.Context(), usage); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) used(t *testing.T, project protocol.ProjectID) uint64 {
	t.Helper()
	return must(s.Plan(t.Context(), project))(t).UsedBytes
}

func TestWhatIsRecordedTwiceCountsOnceInTheMonth(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		c := newClock()
		s := open(t, at, c)
		grant := newGrant()
		first := counted("a", "default", grant, 100, c.now())
		second := counted("a", "default", grant, 250, c.now().Add(time.Second))
		enter(t, s, first)
		enter(t, s, first, second)
		enter(t, s, first) // Late.
		// Another process, or this one after it was killed, does not know what was taken.
		again := open(t, at, c)
		enter(t, again, second)
		last := counted("a", "default", grant, 300, c.now().Add(2*time.Second))
		last.Ended = last.Updated
		enter(t, again, last, counted("b", "default", grant, 1, c.now()))
		enter(t, s, last)
		enter(t, s, counted("a", "default", grant, 999, c.now().Add(time.Hour))) // After its end.
		if got, want := s.used(t, "default"), uint64(3*300+3); got != want {
			t.Errorf("got %d bytes, want %d", got, want)
		}
	})
}

func TestAMonthHasWhatWasCountedInIt(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		grant := newGrant()
		enter(t, s, counted("a", "default", grant, 100, c.now()))
		c.pass(31 * 24 * time.Hour)
		if got := s.used(t, "default"); got != 0 {
			t.Errorf("%d bytes at the beginning of a month, want none", got)
		}
		enter(t, s, counted("a", "default", grant, 110, c.now()))
		if got := s.used(t, "default"); got != 30 {
			t.Errorf("got %d bytes, want what came since: 30", got)
		}
	})
}

func TestUsageWithoutAProjectIsThatOfItsSession(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		grants := must(s.CreateTestGrants(t.Context(), protocol.DefaultProject, 1, time.Hour))(t)
		enter(t, s, counted("a", "", grants[0], 5, c.now()), counted("b", "", newGrant(), 7, c.now()))
		if got := s.used(t, protocol.DefaultProject); got != 15 {
			t.Errorf("got %d bytes, want 15", got)
		}
	})
}

func TestTheMonthOutlivesItsAllocations(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		then := c.now()
		enter(t, s, counted("a", "default", newGrant(), 10, then))
		c.pass(SessionLife + time.Hour)
		if _, err := s.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.pass(then.Sub(c.now()))
		if got := s.used(t, "default"); got != 30 {
			t.Errorf("got %d bytes, want 30", got)
		}
	})
}

func TestPlansAreSetOneByOne(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		ctx := t.Context()
		if _, err := s.CreateProject(ctx, "shop", ""); err != nil {
			t.Fatal(err)
		}
		budget, kbps := uint64(100), 64
		path, delay, relayed, hd := protocol.PathRelayOnly, record.DelayOf(0), time.Minute, record.Yes
		for _, step := range []struct {
			change PlanChange
			want   record.Plan
		}{
			{PlanChange{BudgetBytes: &budget}, record.Plan{Project: "shop", BudgetBytes: 100}},
			{PlanChange{MaxKbps: &kbps}, record.Plan{Project: "shop", BudgetBytes: 100, Terms: record.Terms{MaxKbps: 64}}},
			{PlanChange{BudgetBytes: new(uint64)}, record.Plan{Project: "shop", Terms: record.Terms{MaxKbps: 64}}},
			{
				PlanChange{MaxKbps: new(int), Path: &path, RelayDelay: &delay, MaxRelay: &relayed, RelayHD: &hd},
				record.Plan{Project: "shop", Terms: record.Terms{Path: path, RelayDelay: delay, MaxRelay: relayed, RelayHD: hd}},
			},
			{PlanChange{}, record.Plan{Project: "shop", Terms: record.Terms{Path: path, RelayDelay: delay, MaxRelay: relayed, RelayHD: hd}}},
			{
				PlanChange{Path: new(protocol.PathPolicy), RelayDelay: new(record.Delay), MaxRelay: new(time.Duration), RelayHD: new(record.Answer)},
				record.Plan{Project: "shop"},
			},
			{PlanChange{MaxKbps: &kbps}, record.Plan{Project: "shop", Terms: record.Terms{MaxKbps: 64}}},
		} {
			if err := s.SetPlan(ctx, "shop", step.change); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step.want, must(s.Plan(ctx, "shop"))(t)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		}
		if got := must(s.Plans(ctx))(t); len(got) != 2 || got[1].Project != "shop" || got[1].MaxKbps != 64 {
			t.Errorf("got %+v", got)
		}
		wantCode(t, s.SetPlan(ctx, "nobody", PlanChange{BudgetBytes: &budget}), protocol.CodeNotFound)
		relayed = -time.Second
		wantCode(t, s.SetPlan(ctx, "shop", PlanChange{MaxRelay: &relayed}), protocol.CodeInvalid)
		_, err := s.Plan(ctx, "nobody")
		wantCode(t, err, protocol.CodeNotFound)
	})
}
