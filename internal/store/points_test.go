package store

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const shop protocol.ProjectID = "shop"

// newShop is a store with a project that has so many points.
func newShop(t *testing.T, at place, points float64) (*Store, *clock) {
	t.Helper()
	s, c := newStore(t, at)
	if _, err := s.CreateProject(t.Context(), shop, ""); err != nil {
		t.Fatal(err)
	}
	give(t, s, points, "")
	return s, c
}

func give(t *testing.T, s *Store, points float64, reference string) record.Entry {
	t.Helper()
	return must(s.AddPoints(t.Context(), shop, record.PointsOf(points), reference, ""))(t)
}

// carried is the cumulative count of an allocation of the shop's.
func carried(allocation string, bytes uint64, c *clock) record.Usage {
	u := counted(allocation, shop, protocol.GrantID("grant-"+allocation), 0, c.now())
	u.Traffic = record.Traffic{UpBytes: bytes}
	return u
}

func last(u record.Usage) record.Usage {
	u.Ended = u.Updated
	return u
}

// settle returns what the allocation of the only count may carry.
func settle(t *testing.T, s *Store, u record.Usage) uint64 {
	t.Helper()
	allowed := must(s.Settle(t.Context(), []record.Usage{u}))(t)
	switch len(allowed) {
	case 0:
		return 0
	case 1:
		return allowed[0].Bytes
	}
	t.Fatalf("got %+v", allowed)
	return 0
}

func purseOf(t *testing.T, s *Store) (balance, held float64) {
	t.Helper()
	p := must(s.Plan(t.Context(), shop))(t).Purse
	return p.Balance.Float(), p.Held.Float()
}

func wantPurse(t *testing.T, s *Store, balance, held float64) {
	t.Helper()
	gotBalance, gotHeld := purseOf(t, s)
	if d := gotHeld - held; gotBalance != balance || d < 0 || d > 0.00001 { // each reservation has a millionth for rounding
		t.Errorf("got %v points and %v held, want %v and %v", gotBalance, gotHeld, balance, held)
	}
}

func kindsOf(t *testing.T, s *Store) (kinds []record.EntryKind) {
	t.Helper()
	list, _, err := s.Entries(t.Context(), shop, record.EntryFilter{}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func eventsOf(t *testing.T, s *Store, kinds ...record.EventKind) (told []string) {
	t.Helper()
	for _, e := range must(s.Events(t.Context(), shop, record.EventFilter{Kinds: kinds}, 0))(t) {
		told = append(told, string(e.Kind)+" "+string(e.Data))
	}
	return told
}

func TestAnAllocationReservesAheadSettlesAndGivesTheRestBack(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 10)
		if got := settle(t, s, carried("a", 0, c)); got != firstSlice {
			t.Errorf("it may carry %d bytes at first, want %d", got, firstSlice)
		}
		wantPurse(t, s, 10, 1)
		c.pass(10 * time.Second)
		if got := settle(t, s, carried("a", 900_000, c)); got != 900_000+1_800_000 {
			t.Errorf("it may carry %d bytes, want those of 20 s more", got)
		}
		wantPurse(t, s, 9.1, 1.8)
		c.pass(time.Second)
		settle(t, s, last(carried("a", 1_000_000, c)))
		wantPurse(t, s, 9, 0)
		settle(t, s, carried("a", 2_000_000, c)) // after its end
		wantPurse(t, s, 9, 0)
		want := []record.EntryKind{record.EntrySettle, record.EntrySettle, record.EntryReserve, record.EntryGrant}
		if diff := cmp.Diff(want, kindsOf(t, s)); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}

func TestAClockThatIsSetBackLosesNoCountAndLiftsNoBound(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 10)
		settle(t, s, carried("a", 500_000, c))
		c.pass(-time.Hour)
		if got := settle(t, s, carried("a", 900_000, c)); got <= 900_000 || got > 10_000_000 {
			t.Errorf("it may carry %d bytes, want some more than it has", got)
		}
		settle(t, s, last(carried("a", 1_000_000, c)))
		wantPurse(t, s, 9, 0)
		if got := s.used(t, shop); got != 1_000_000 {
			t.Errorf("the books have %d bytes, want all", got)
		}
	})
}

func TestTheLastPointsAreSharedAndNobodyGetsMore(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 1.5)
		if a, b := settle(t, s, carried("a", 0, c)), settle(t, s, carried("b", 0, c)); a != firstSlice || b > 500_000 || b < 499_990 {
			t.Errorf("they may carry %d and %d bytes, want a slice and the rest", a, b)
		}
		if must(s.Plan(t.Context(), shop))(t).Exhausted() {
			t.Error("it is exhausted while both have what they asked for")
		}
		if got := settle(t, s, carried("c", 0, c)); got != 0 {
			t.Errorf("a third may carry %d bytes, want none", got)
		}
		if !must(s.Plan(t.Context(), shop))(t).Exhausted() {
			t.Error("nothing can be reserved, and it is not exhausted")
		}
		// What they had reserved and did not use is there after the next grant.
		settle(t, s, last(carried("a", 200_000, c)))
		settle(t, s, last(carried("b", 200_000, c)))
		wantPurse(t, s, 1.1, 0)
		if !must(s.Plan(t.Context(), shop))(t).Exhausted() {
			t.Error("it is there again by itself")
		}
		give(t, s, 1, "")
		if must(s.Plan(t.Context(), shop))(t).Exhausted() {
			t.Error("it is exhausted after a grant")
		}
		if got := settle(t, s, carried("d", 0, c)); got != firstSlice {
			t.Errorf("it may carry %d bytes, want a slice", got)
		}
	})
}

func TestWhatNobodySettlesComesBackOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 10)
		settle(t, s, carried("a", 0, c))
		c.pass(reservationLife - time.Millisecond)
		for _, held := range []float64{1, 0, 0} {
			if err := s.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantPurse(t, s, 10, held)
			c.pass(time.Millisecond)
		}
		// It comes after all: it is paid from what is free.
		settle(t, s, last(carried("a", 3_000_000, c)))
		wantPurse(t, s, 7, 0)
		want := []record.EntryKind{record.EntrySettle, record.EntryRelease, record.EntryReserve, record.EntryGrant}
		if diff := cmp.Diff(want, kindsOf(t, s)); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsMoreThanThereIsIsAbsorbed(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 2)
		settle(t, s, last(carried("a", 5_000_000, c)))
		wantPurse(t, s, 0, 0)
		list, _, err := s.Entries(t.Context(), shop, record.EntryFilter{Kind: record.EntrySettle}, "", 1)
		if err != nil || len(list) != 1 || list[0].Amount != -2*record.Point || list[0].Absorbed != 3*record.Point || list[0].Bytes != 5_000_000 {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

func TestPointsAreAddedOnceForAReference(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newShop(t, at, 10)
		first := give(t, s, 5, "invoice 7")
		if again := give(t, s, 5, "invoice 7"); cmp.Diff(first, again) != "" {
			t.Errorf("got %+v, want %+v", again, first)
		}
		wantPurse(t, s, 15, 0)
		_, err := s.AddPoints(t.Context(), shop, record.Point, "invoice 7", "")
		wantCode(t, err, protocol.CodeConflict)
		give(t, s, -15, "")
		_, err = s.AddPoints(t.Context(), shop, -1, "", "")
		wantCode(t, err, protocol.CodeConflict)
		_, err = s.AddPoints(t.Context(), "nobody", 1, "", "")
		wantCode(t, err, protocol.CodeNotFound)
		for _, amount := range []record.Points{0, maxGrant + 1, -maxGrant - 1} {
			_, err = s.AddPoints(t.Context(), shop, amount, "", "")
			wantCode(t, err, protocol.CodeInvalid)
		}
	})
}

func TestReservedPointsAreNotTakenBack(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 2)
		settle(t, s, carried("a", 0, c))
		_, err := s.AddPoints(t.Context(), shop, -record.PointsOf(1.5), "", "")
		wantCode(t, err, protocol.CodeConflict)
		wantPurse(t, s, 2, 1)
	})
}

func TestEachBudgetIsToldOfOnceInItsPeriod(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 10)
		for n := range uint64(10) {
			c.pass(time.Second)
			settle(t, s, carried("a", (n+1)*1_000_000, c))
		}
		want := []string{
			`budget.warning {"budget":"points","period":"1","used":8,"limit":10}`,
			`budget.exhausted {"budget":"points","period":"1","used":10,"limit":10}`,
		}
		if diff := cmp.Diff(want, eventsOf(t, s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		give(t, s, 10, "")
		budget := uint64(20_000_000)
		if err := s.SetPlan(t.Context(), shop, PlanChange{BudgetBytes: &budget}); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Second)
		settle(t, s, carried("a", 17_000_000, c))
		c.pass(31 * 24 * time.Hour)
		settle(t, s, carried("a", 17_100_000, c))
		want = append(want, `budget.warning {"budget":"relay_bytes","period":"2026-03","used":17000000,"limit":20000000}`)
		if diff := cmp.Diff(want, eventsOf(t, s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAMonthsBytesAreReservedAheadToo(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		if _, err := s.CreateProject(t.Context(), shop, ""); err != nil {
			t.Fatal(err)
		}
		budget := uint64(1_200_000)
		if err := s.SetPlan(t.Context(), shop, PlanChange{BudgetBytes: &budget}); err != nil {
			t.Fatal(err)
		}
		if a, b := settle(t, s, carried("a", 0, c)), settle(t, s, carried("b", 0, c)); a != 1_000_000 || b != 200_000 {
			t.Errorf("they may carry %d and %d bytes", a, b)
		}
		c.pass(time.Second)
		if got := settle(t, s, carried("a", 1_000_000, c)); got != 1_000_000 {
			t.Errorf("it may carry %d bytes, want no more", got)
		}
		plan := must(s.Plan(t.Context(), shop))(t)
		if !plan.Exhausted() || plan.UsedBytes != 1_000_000 || plan.HeldBytes != 200_000 {
			t.Errorf("got %+v", plan)
		}
		settle(t, s, last(carried("b", 200_000, c)))
		if plan := must(s.Plan(t.Context(), shop))(t); plan.UsedBytes != budget || plan.HeldBytes != 0 {
			t.Errorf("got %+v, want the budget to the byte", plan)
		}
	})
}

// onRelay is a session of the shop's that has been on the relay for so long.
func onRelay(s record.Session, version int, d time.Duration) record.Session {
	s.Account = record.Account{
		Version: version, Kind: protocol.PathRelay, Means: protocol.MeansRelay, Numbered: 1,
		Stretches: []record.Stretch{{Day: "2026-03-01", Means: protocol.MeansRelay, Time: d}},
		Tallied:   &record.Tally{Day: "2026-03-01", Means: protocol.MeansRelay},
	}
	return s
}

func newShopSession(t *testing.T, c *clock) record.Session {
	t.Helper()
	session := newSession(t, c, "cam")
	session.Project, session.Kind = shop, record.SessionLive
	return session
}

func TestTimeOnTheRelayCostsWhateverGoesThrough(t *testing.T) {
	c := newClock()
	s := must(Open(t.Context(), t.TempDir(), Config{Now: c.now, Tariff: record.Tariff{PerMinute: 6 * record.Point}}))(t)
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.CreateProject(t.Context(), shop, ""); err != nil {
		t.Fatal(err)
	}
	give(t, s, 10, "")
	limit := time.Minute
	if err := s.SetPlan(t.Context(), shop, PlanChange{BudgetTime: &limit}); err != nil {
		t.Fatal(err)
	}
	session := newShopSession(t, c)
	saveSession(t, s, onRelay(session, 1, 0))
	saveSession(t, s, onRelay(session, 2, 10*time.Second))
	saveSession(t, s, onRelay(session, 2, 10*time.Second)) // again
	wantPurse(t, s, 9, 2)
	saveSession(t, s, onRelay(session, 3, 50*time.Second))
	wantPurse(t, s, 5, 2)
	session.Ended, session.Reason = c.now(), protocol.ReasonViewerLeft
	saveSession(t, s, onRelay(session, 4, time.Minute))
	wantPurse(t, s, 4, 0)
	plan := must(s.Plan(t.Context(), shop))(t)
	if !plan.Exhausted() || plan.UsedTime != time.Minute {
		t.Errorf("got %+v, want the minutes used up", plan)
	}
	want := []string{
		`budget.warning {"budget":"relay_minutes","period":"2026-03","used":0.8333333333333334,"limit":1}`,
		`budget.exhausted {"budget":"relay_minutes","period":"2026-03","used":1,"limit":1}`,
	}
	if diff := cmp.Diff(want, eventsOf(t, s, record.EventBudgetWarning, record.EventBudgetExhausted)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheLastMinuteOfASessionThatWeBrokeOffComesBackOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newShop(t, at, 100)
		session := newShopSession(t, c)
		saveSession(t, s, onRelay(session, 1, 0))
		count := func(bytes uint64) record.Usage {
			u := carried("a", bytes, c)
			u.Grant = session.ViewerGrant
			return u
		}
		settle(t, s, count(10_000_000))
		c.pass(2 * time.Minute)
		settle(t, s, count(15_000_000))
		wantBalance := func(want float64) {
			t.Helper()
			if got, _ := purseOf(t, s); got != want {
				t.Errorf("got %v points, want %v", got, want)
			}
		}
		wantBalance(85)
		session.Ended, session.Reason = c.now(), protocol.ReasonInternal
		saveSession(t, s, onRelay(session, 2, 10*time.Second))
		wantBalance(90)
		settle(t, s, last(count(16_000_000))) // the last count comes after the end
		wantBalance(90)
		saveSession(t, s, onRelay(session, 3, 20*time.Second))
		wantBalance(90)
		// A relay that stops breaks off sessions which live on.
		u := last(carried("b", 3_000_000, c))
		u.Cut = true
		settle(t, s, u)
		wantBalance(90)
	})
}

// books are the sums of a project's ledger beside what is kept, all read from the tables.
type books struct {
	Balance, Held, Amounts, Holds, Reserved, Absorbed int64
	Settled, Counted, HeldBytes, ReservedBytes        int64
	Unended                                           int
}

func auditShop(t *testing.T, s *Store) books {
	t.Helper()
	b, ok, err := one(context.WithoutCancel(t.Context()), s.reader, func(row *sql.Rows) (b books, err error) {
		err = row.Scan(&b.Balance, &b.Held, &b.HeldBytes, &b.Amounts, &b.Holds, &b.Absorbed, &b.Settled, &b.Reserved, &b.ReservedBytes, &b.Counted, &b.Unended)
		return b, err
	}, `SELECT u.balance, u.held, u.held_bytes,
		(SELECT COALESCE(SUM(amount), 0) FROM ledger WHERE project = u.project),
		(SELECT COALESCE(SUM(held), 0) FROM ledger WHERE project = u.project),
		(SELECT COALESCE(SUM(absorbed), 0) FROM ledger WHERE project = u.project),
		(SELECT COALESCE(SUM(bytes), 0) FROM ledger WHERE project = u.project AND kind = 'settle'),
		(SELECT COALESCE(SUM(points), 0) FROM reservations WHERE project = u.project),
		(SELECT COALESCE(SUM(bytes), 0) FROM reservations WHERE project = u.project),
		(SELECT COALESCE(SUM(up_bytes + down_bytes), 0) FROM relay_usage WHERE project = u.project),
		(SELECT COUNT(*) FROM (SELECT allocation, SUM(held) AS open FROM ledger WHERE project = u.project AND allocation <> ''
			GROUP BY allocation) AS owners WHERE open <> COALESCE((SELECT points FROM reservations r WHERE r.owner = owners.allocation), 0))
		FROM purses u WHERE u.project = ?`, shop)
	if err != nil || !ok {
		t.Fatalf("audit: %v, %v", ok, err)
	}
	return b
}

// check fails where the books do not add up.
func (b books) check(t *testing.T) {
	t.Helper()
	switch {
	case b.Balance < 0 || b.Held < 0 || b.Held > b.Balance:
		t.Errorf("negative: %+v", b)
	case b.Amounts != b.Balance || b.Holds != b.Held || b.Reserved != b.Held || b.ReservedBytes != b.HeldBytes:
		t.Errorf("the ledger and the purse differ: %+v", b)
	case b.Settled != b.Counted:
		t.Errorf("the ledger and the relay's counters differ: %+v", b)
	case b.Unended != 0:
		t.Errorf("%d reservations did not end as they began: %+v", b.Unended, b)
	}
}
