package app

import (
	"github.com/sightline-rtc/sightline/internal/obs"
	"github.com/sightline-rtc/sightline/signal"
)

// gauges are what the hub holds now, counters what it has refused and given up.
func (s *Server) gauges() []obs.Gauge {
	count := func(pick func(signal.Counts) int) func() float64 {
		return func() float64 { return float64(pick(s.hub.Counts())) }
	}
	return []obs.Gauge{
		{Name: "device_links", Help: "Links of devices.", Value: count(func(c signal.Counts) int { return c.Devices })},
		{Name: "viewer_links", Help: "Links of viewers.", Value: count(func(c signal.Counts) int { return c.Viewers })},
		{Name: "parked_links", Help: "Links without a socket, which may be resumed.", Value: count(func(c signal.Counts) int { return c.Parked })},
		{Name: "queued_bytes", Help: "Bytes that wait to be sent to clients, or may have to be sent again.", Value: func() float64 { return float64(s.hub.Queues().Bytes) }},
		{Name: "queued_bytes_limit", Help: "What queued_bytes may come to.", Value: func() float64 { return float64(s.hub.Queues().Budget) }},
		{Name: "waiting_connections", Help: "Connections that have not said yet what they came for.", Value: s.waiting(func(now int, _ uint64) float64 { return float64(now) })},
		{Name: "sessions", Help: "Open sessions.", Value: count(func(c signal.Counts) int { return c.Sessions })},
	}
}

func (s *Server) counters() []obs.Counter {
	shed := func(pick func(signal.Queues) uint64) func() float64 {
		return func() float64 { return float64(pick(s.hub.Queues())) }
	}
	const (
		shedHelp    = "What was given up because the queues were full."
		refusedHelp = "Clients that were not let in."
	)
	counters := []obs.Counter{
		{Name: "shed_total", Help: shedHelp, Label: "what", Of: "volatile", Value: shed(func(q signal.Queues) uint64 { return q.Dropped })},
		{Name: "shed_total", Help: shedHelp, Label: "what", Of: "links", Value: shed(func(q signal.Queues) uint64 { return q.Closed })},
	}
	counters = append(counters, obs.Counter{
		Name: "refused_total", Help: refusedHelp, Label: "cause", Of: "crowded_port",
		Value: s.waiting(func(_ int, givenUp uint64) float64 { return float64(givenUp) }),
	})
	for _, cause := range signal.Causes {
		counters = append(counters, obs.Counter{
			Name: "refused_total", Help: refusedHelp, Label: "cause", Of: string(cause),
			Value: func() float64 { return float64(s.hub.Refused(cause)) },
		})
	}
	return counters
}

// waiting sums up what the ports know of connections that have not said yet what they came for.
func (s *Server) waiting(pick func(now int, givenUp uint64) float64) func() float64 {
	return func() float64 {
		sum := 0.0
		for _, port := range s.ports {
			sum += pick(port.Waiting())
		}
		return sum
	}
}
