package turn

import (
	"github.com/prometheus/client_golang/prometheus"
)

// counts are the server's counters. Labels are of closed lists: never a user, an address or a grant.
type counts struct {
	auth        *prometheus.CounterVec
	drops       *prometheus.CounterVec
	permissions *prometheus.CounterVec
	refused     *prometheus.CounterVec
	peers       *prometheus.CounterVec
	unanswered  prometheus.Counter
	// bySight are those of peers.
	bySight        [len(sights)]prometheus.Counter
	streamsBroken  prometheus.Counter
	streamsRefused prometheus.Counter
}

func newCounts() *counts {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "sightline", Subsystem: "turn", Name: name, Help: help}
	}
	c := &counts{
		auth: prometheus.NewCounterVec(counter("auth_total",
			"Authentications by what became of the username: known, malformed, expired or ended."), []string{"result"}),
		drops: prometheus.NewCounterVec(counter("dropped_packets_total",
			"Packets that a relay did not carry, by reason."), []string{"reason"}),
		permissions: prometheus.NewCounterVec(counter("permissions_total",
			"Permissions asked for: expected (signaling saw the peer), unbound (no session), unexpected; not given: stranger, refused, full."),
			[]string{"result"}),
		refused: prometheus.NewCounterVec(counter("refused_allocations_total",
			"Allocations that were not made, by reason: draining, ended, full, ports, ledger or other."), []string{"reason"}),
		peers: prometheus.NewCounterVec(counter("peer_packets_total",
			"Packets carried, by what signaling saw of the peer: expected, port (not this one of the address), stranger, unbound (no session)."),
			[]string{"peer"}),
		unanswered: prometheus.NewCounter(counter("unanswered_requests_total",
			"Requests without credentials that went unanswered: too many came from their network.")),
		streamsBroken: prometheus.NewCounter(counter("broken_streams_total",
			"TCP clients that sent what is no frame.")),
		streamsRefused: prometheus.NewCounter(counter("refused_streams_total",
			"TCP clients over the limit of their address or of the listener.")),
	}
	for i := range c.bySight {
		c.bySight[i] = c.peers.WithLabelValues(sight(i).String())
	}
	return c
}

// drop counts a packet that was not carried, for a reason out of this package's own closed list.
func (c *counts) drop(reason string) { c.drops.WithLabelValues(reason).Inc() }

// refusals name why an allocation is not made; everything else is "other".
var refusals = map[error]string{
	errDraining: "draining", errGrantEnded: "ended", errAllocationsMax: "full", errNoPort: "ports", errLedgerStuck: "ledger",
}

// refuse counts an allocation that was not made.
func (c *counts) refuse(err error) {
	reason, ok := refusals[err]
	if !ok {
		reason = "other"
	}
	c.refused.WithLabelValues(reason).Inc()
}

// sighted counts packets that were carried.
func (c *counts) sighted(s sight, packets int) { c.bySight[s].Add(float64(packets)) }

func (c *counts) dropAll(reason string, n int) {
	if n > 0 {
		c.drops.WithLabelValues(reason).Add(float64(n))
	}
}

var (
	descAllocations = prometheus.NewDesc("sightline_turn_allocations",
		"Allocations that live, by the transport of the client.", []string{"transport"}, nil)
	descBytes = prometheus.NewDesc("sightline_turn_bytes_total",
		"Payload carried: up is from the client to its peer.", []string{"transport", "direction"}, nil)
	descPackets = prometheus.NewDesc("sightline_turn_packets_total",
		"Packets carried: up is from the client to its peer.", []string{"transport", "direction"}, nil)
	descGrants = prometheus.NewDesc("sightline_turn_grants",
		"Relay grants that live.", nil, nil)
	descLost = prometheus.NewDesc("sightline_turn_socket_drops_total",
		"Packets for which the kernel had no room in a UDP socket's buffer; Linux only.", nil, nil)
	descStreams = prometheus.NewDesc("sightline_turn_streams",
		"TCP and TLS clients that are connected.", nil, nil)
)

// gauges reads what the server knows anyway.
type gauges struct{ server *Server }

// Describe tells the metrics that Collect sends.
func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAllocations, descBytes, descPackets, descGrants, descLost, descStreams} {
		ch <- d
	}
}

// Collect sends the current values.
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	carried, live := g.server.meter.totals()
	for _, transport := range []string{transportUDP, transportTCP, transportTLS} {
		t := carried[transport]
		ch <- prometheus.MustNewConstMetric(descAllocations, prometheus.GaugeValue, float64(live[transport]), transport)
		counter := func(desc *prometheus.Desc, value uint64, direction string) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), transport, direction)
		}
		counter(descBytes, t.UpBytes, "up")
		counter(descBytes, t.DownBytes, "down")
		counter(descPackets, t.UpPackets, "up")
		counter(descPackets, t.DownPackets, "down")
	}
	ch <- prometheus.MustNewConstMetric(descGrants, prometheus.GaugeValue, float64(g.server.grants.count()))
	if sockets := g.server.sockets; sockets != nil {
		ch <- prometheus.MustNewConstMetric(descLost, prometheus.CounterValue, float64(sockets.lost()))
	}
	ch <- prometheus.MustNewConstMetric(descStreams, prometheus.GaugeValue, float64(g.server.streamCount()))
}

// Collectors returns the server's metrics, for a registry of the caller's.
func (s *Server) Collectors() []prometheus.Collector {
	c := s.counts
	return []prometheus.Collector{
		c.auth, c.drops, c.permissions, c.refused, c.peers, c.unanswered, c.streamsBroken, c.streamsRefused, gauges{s},
	}
}
