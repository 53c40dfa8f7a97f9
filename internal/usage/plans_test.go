package usage

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// books are a store in memory.
type books struct {
	mu    sync.Mutex
	plans []record.Plan
	err   error
}

func (b *books) Plans(context.Context) ([]record.Plan, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.plans, b.err
}

func (b *books) Expire(context.Context) error { return nil }

func (b *books) set(err error, plans ...record.Plan) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plans, b.err = plans, err
}

func TestChangesAreToldOnceAndUsedUpBudgetsAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{}
		told := make(chan protocol.ProjectID, 8)
		p := New(Config{Books: b, Changed: func(_ context.Context, id protocol.ProjectID) { told <- id }})
		within := record.Plan{Project: "within", BudgetBytes: 10, UsedBytes: 9}
		over := record.Plan{Project: "over", BudgetBytes: 10, UsedBytes: 10}
		capped := record.Plan{Project: "capped", Terms: record.Terms{MaxKbps: 5}}
		b.set(nil, within, record.Plan{Project: "over", BudgetBytes: 10}, record.Plan{Project: "capped"})
		if err := p.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = p.Run(ctx) })
		expect := func(what string, want ...protocol.ProjectID) {
			t.Helper()
			time.Sleep(interval)
			synctest.Wait()
			var got []protocol.ProjectID
			for len(told) > 0 {
				got = append(got, <-told)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		expect("nothing new")
		b.set(nil, within, over, capped)
		expect("used up, and capped", "over", "capped")
		expect("still used up", "over")
		b.set(errors.New("no books"))
		expect("no books")
		if !p.Plan("over").Exhausted() {
			t.Error("what was known is forgotten")
		}
		b.set(nil, within, record.Plan{Project: "over", BudgetBytes: 20, UsedBytes: 10}, capped)
		expect("a larger budget", "over")
		within.Path, within.RelayDelay = protocol.PathRelayOnly, record.DelayOf(0)
		b.set(nil, within, record.Plan{Project: "over", BudgetBytes: 20, UsedBytes: 10}, capped)
		expect("another path", "within")
		low := record.Plan{Project: "over", BudgetBytes: 20, UsedBytes: 16}
		b.set(nil, within, low, capped)
		expect("low", "over")
		expect("nothing new")
		stop()
		run.Wait()
	})
}

func TestProjectsWithoutABoundHaveTheServers(t *testing.T) {
	b := &books{}
	b.set(nil, record.Plan{Project: "own", Terms: record.Terms{MaxKbps: 5}}, record.Plan{Project: "none"})
	p := New(Config{Books: b, Terms: record.Terms{MaxKbps: 7}})
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[protocol.ProjectID]int{"own": 5, "none": 7, "unheard-of": 7} {
		if got := p.Plan(id); got.MaxKbps != want || got.Exhausted() {
			t.Errorf("%s: got %+v, want %d kbit/s", id, got, want)
		}
	}
}

func TestALowBudgetLowersTheRateThroughTheRelay(t *testing.T) {
	b := &books{}
	spent := func(id protocol.ProjectID, used uint64, kbps int) record.Plan {
		return record.Plan{Project: id, BudgetBytes: 10, UsedBytes: used, Terms: record.Terms{MaxKbps: kbps}}
	}
	b.set(nil, spent("well", 7, 0), spent("low", 8, 0), spent("low and fast", 8, 4000), spent("low and slow", 9, 300),
		record.Plan{Project: "low in time", BudgetTime: 10 * time.Minute, UsedTime: 8 * time.Minute},
		record.Plan{Project: "low in points", Purse: record.Purse{Prepaid: true, Balance: 2, Filled: 10}})
	p := New(Config{Books: b, Terms: record.Terms{MaxKbps: 2000}, LowKbps: 500})
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[protocol.ProjectID]int{
		"well": 2000, "low": 500, "low and fast": 500, "low and slow": 300, "low in time": 500, "low in points": 500,
	} {
		if got := p.Plan(id); got.MaxKbps != want || got.Exhausted() {
			t.Errorf("%s: got %+v, want %d kbit/s", id, got, want)
		}
	}
	if got := p.Totals(); got.Low != 5 || got.Exhausted != 0 {
		t.Errorf("got %+v, want five that are low", got)
	}
}

func TestTotalsAreOfProjectsWithABudget(t *testing.T) {
	b := &books{}
	b.set(nil, record.Plan{Project: "a", BudgetBytes: 10, UsedBytes: 12}, record.Plan{Project: "b", BudgetBytes: 5, UsedBytes: 1},
		record.Plan{Project: "c", UsedBytes: 100})
	p := New(Config{Books: b})
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Totals(), (Totals{Budgets: 2, Exhausted: 1, BudgetBytes: 15, UsedBytes: 13}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
