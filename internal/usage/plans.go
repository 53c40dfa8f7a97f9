package usage

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// interval is how often the books are read: a budget that is used up, or changed beside the running server, is known so
// soon after it is in them.
const interval = 2 * time.Second

// Books knows all plans and what was used of them this month. The store implements it.
type Books interface {
	Plans(ctx context.Context) ([]record.Plan, error)
	// Expire gives back what was reserved of budgets and is settled by nobody.
	Expire(ctx context.Context) error
}

// Config says how plans are kept. Only Books is needed.
type Config struct {
	Books Books
	// Terms count where a project leaves them open.
	Terms record.Terms
	// LowKbps bounds the rate through the relay of projects that have used most of a budget; 0 means that nothing changes.
	LowKbps int
	// Changed is told of each project whose terms have changed or whose budget is low, used up or back, and again at every
	// reading of one that is used up. Run calls it; nil means nobody.
	Changed func(context.Context, protocol.ProjectID)
	// Logger is nil for silence.
	Logger *slog.Logger
}

// Plans knows what every project may use of the relay. It is safe for concurrent use.
type Plans struct {
	config Config
	// failed is whether the last reading did, held the last try to give back; they belong to Run.
	failed, held bool

	// mu guards the fields below.
	mu    sync.Mutex
	plans map[protocol.ProjectID]record.Plan
}

// New makes plans that bound nothing until Load.
func New(config Config) *Plans {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	return &Plans{config: config}
}

// Plan returns what a project may use of the relay, as of the last reading, with the terms that hold.
func (p *Plans) Plan(project protocol.ProjectID) record.Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan := p.plans[project]
	plan.Terms = plan.Or(p.config.Terms)
	if plan.Low() {
		plan.MaxKbps = record.Least(plan.MaxKbps, p.config.LowKbps)
	}
	return plan
}

// Load reads the books.
func (p *Plans) Load(ctx context.Context) error {
	_, err := p.read(ctx)
	return err
}

// Run reads the books every two seconds until the context ends. What cannot be read stays as it was.
func (p *Plans) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.report(ctx, "reservations not given back", &p.held, p.config.Books.Expire(ctx))
			changed, err := p.read(ctx)
			p.report(ctx, "relay budgets not read", &p.failed, err)
			for _, project := range changed {
				if p.config.Changed != nil {
					p.config.Changed(ctx, project)
				}
			}
		}
	}
}

// report logs the first of a row of failures.
func (p *Plans) report(ctx context.Context, what string, failed *bool, err error) {
	if err != nil && !*failed && ctx.Err() == nil {
		p.config.Logger.Warn(what, "err", err)
	}
	*failed = err != nil
}

// read returns the projects that Changed is to be told of.
func (p *Plans) read(ctx context.Context) (changed []protocol.ProjectID, err error) {
	list, err := p.config.Books.Plans(ctx)
	if err != nil {
		return nil, fmt.Errorf("read relay budgets: %w", err)
	}
	plans := make(map[protocol.ProjectID]record.Plan, len(list))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, plan := range list {
		plans[plan.Project] = plan
		before := p.plans[plan.Project]
		if plan.Exhausted() || before.Exhausted() || plan.Low() != before.Low() || plan.Terms != before.Terms {
			changed = append(changed, plan.Project)
		}
		if plan.Exhausted() && !before.Exhausted() {
			p.config.Logger.Warn("relay budget used up", "project", plan.Project, "budgets", plan.UsedUp())
		}
	}
	p.plans = plans
	return changed, nil
}

// Totals sums up the projects that have a budget.
type Totals struct {
	Budgets, Low, Exhausted int
	BudgetBytes, UsedBytes  uint64
	// Points and HeldPoints are of those that pay with points.
	Points, HeldPoints record.Points
}

// Totals returns the sum over all budgets, as of the last reading.
func (p *Plans) Totals() Totals {
	p.mu.Lock()
	defer p.mu.Unlock()
	var t Totals
	for _, plan := range p.plans {
		if !plan.Bounded() {
			continue
		}
		t.Budgets++
		if plan.BudgetBytes > 0 {
			t.BudgetBytes += plan.BudgetBytes
			t.UsedBytes += plan.UsedBytes
		}
		if plan.Purse.Prepaid {
			t.Points += plan.Purse.Balance
			t.HeldPoints += plan.Purse.Held
		}
		switch {
		case plan.Exhausted():
			t.Exhausted++
		case plan.Low():
			t.Low++
		}
	}
	return t
}
