package app

import (
	"github.com/sightline-rtc/sightline/internal/obs"
	"github.com/sightline-rtc/sightline/internal/webhook"
)

// webhookGauges are what the webhooks of all projects do now: a label for each project, or endpoint, would have no bound.
func (s *Server) webhookGauges() []obs.Gauge {
	now := func(pick func(webhook.Figures) float64) func() float64 {
		return func() float64 { return pick(s.webhooks.Figures()) }
	}
	return []obs.Gauge{
		{Name: "webhook_endpoints", Help: "Endpoints that are sent events.", Value: now(func(f webhook.Figures) float64 { return float64(f.Endpoints) })},
		{Name: "webhook_endpoints_failing", Help: "Endpoints of which no delivery succeeds at the moment.", Value: now(func(f webhook.Figures) float64 { return float64(f.Failing) })},
		{Name: "webhook_in_flight", Help: "Deliveries under way.", Value: now(func(f webhook.Figures) float64 { return float64(f.InFlight) })},
		{Name: "webhook_waiting", Help: "Events that wait for another attempt, or behind one of their device that does.", Value: now(func(f webhook.Figures) float64 { return float64(f.Waiting) })},
		{Name: "webhook_lag_seconds", Help: "Age of the oldest event that is being sent to an endpoint that is not failing.", Value: now(func(f webhook.Figures) float64 { return f.Lag.Seconds() })},
	}
}

func (s *Server) webhookCounters() []obs.Counter {
	const (
		attempts = "Attempts to deliver an event to an endpoint."
		lost     = "Events that were not delivered: dead letters, which can be sent again, and those that history no longer had."
	)
	count := func(name, help, of string, pick func(webhook.Figures) uint64) obs.Counter {
		return obs.Counter{
			Name: name, Help: help, Label: "outcome", Of: of,
			Value: func() float64 { return float64(pick(s.webhooks.Figures())) },
		}
	}
	return []obs.Counter{
		count("webhook_attempts_total", attempts, "succeeded", func(f webhook.Figures) uint64 { return f.Succeeded }),
		count("webhook_attempts_total", attempts, "failed", func(f webhook.Figures) uint64 { return f.Failed }),
		count("webhook_undelivered_total", lost, "dead", func(f webhook.Figures) uint64 { return f.Dead }),
		count("webhook_undelivered_total", lost, "missed", func(f webhook.Figures) uint64 { return f.Missed }),
	}
}
