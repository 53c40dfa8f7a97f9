package app

import (
	"context"

	"github.com/sightline-rtc/sightline/internal/obs"
	"github.com/sightline-rtc/sightline/internal/usage"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/signal"
)

// grant is what the relay asks about a grant that no hub has pushed.
func (s *Server) grant(ctx context.Context, id protocol.GrantID) (record.Grant, bool) {
	found, ok := s.store.GrantAlive(ctx, id)
	plan := s.plans.Plan(found.Project)
	found.Terms = plan.For(found.Terms)
	return found, ok && !plan.Exhausted() && found.Terms.Path != protocol.PathDirectOnly
}

// replan is told when what a project may use of the relay has changed.
func (s *Server) replan(ctx context.Context, project protocol.ProjectID) {
	s.hub.Replan(ctx, project)
	if s.plans.Plan(project).Exhausted() {
		s.relay.EndStrays(project)
	}
}

// quotaGauges sum up the budgets: a label for each project would have no bound.
func (s *Server) quotaGauges() []obs.Gauge {
	sum := func(pick func(usage.Totals) float64) func() float64 {
		return func() float64 { return pick(s.plans.Totals()) }
	}
	return []obs.Gauge{
		{Name: "relay_budgets", Help: "Projects with a budget of relay bytes, minutes or points.", Value: sum(func(t usage.Totals) float64 { return float64(t.Budgets) })},
		{Name: "relay_budgets_low", Help: "Projects that have used 80 % of a budget and go through the relay at a lower rate.", Value: sum(func(t usage.Totals) float64 { return float64(t.Low) })},
		{Name: "relay_budgets_exhausted", Help: "Projects with a used-up budget.", Value: sum(func(t usage.Totals) float64 { return float64(t.Exhausted) })},
		{Name: "relay_budget_bytes", Help: "All monthly budgets of relay bytes together.", Value: sum(func(t usage.Totals) float64 { return float64(t.BudgetBytes) })},
		{Name: "relay_budget_used_bytes", Help: "What was used of them this month.", Value: sum(func(t usage.Totals) float64 { return float64(t.UsedBytes) })},
		{Name: "points", Help: "Points of all projects that pay with them.", Value: sum(func(t usage.Totals) float64 { return t.Points.Float() })},
		{Name: "points_reserved", Help: "Those of them that are reserved.", Value: sum(func(t usage.Totals) float64 { return t.HeldPoints.Float() })},
	}
}

func (s *Server) quotaCounters() []obs.Counter {
	const help = "Sessions on a used-up relay budget: ended, left only the direct path, or refused; those refused because their project has as many as it may; and those over their time on the relay."
	count := func(of string, pick func(signal.Quota) uint64) obs.Counter {
		return obs.Counter{
			Name: "quota_total", Help: help, Label: "what", Of: of,
			Value: func() float64 { return float64(pick(s.hub.Quota())) },
		}
	}
	return []obs.Counter{
		count("ended", func(q signal.Quota) uint64 { return q.Ended }),
		count("direct_only", func(q signal.Quota) uint64 { return q.Direct }),
		count("refused", func(q signal.Quota) uint64 { return q.Refused }),
		count("full", func(q signal.Quota) uint64 { return q.Full }),
		count("overtime", func(q signal.Quota) uint64 { return q.Overtime }),
	}
}
