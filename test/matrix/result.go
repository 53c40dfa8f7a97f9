//go:build linux

package matrix

import (
	"math"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// Conditions are what all pairs of a run have in common.
type Conditions struct {
	// Mapping: home routers open ports when they are asked by PCP, NAT-PMP or UPnP. Without it the agent does not ask.
	Mapping bool `json:"mapping,omitempty"`
	// IPv6: everything has IPv6 addresses too.
	IPv6 bool `json:"v6,omitempty"`
	// Hairpin: what is behind one translator speaks to itself by the address outside.
	Hairpin bool `json:"hairpin,omitempty"`
	// LateMS is how long after the first path nothing but the relay reaches the device; 0 means that all does from the start.
	LateMS int64 `json:"late_ms,omitempty"`
}

// Result is one visit of the page: a line of `sightline-bench nat --json`. Times are in milliseconds from the moment when
// the page asked for the session; null means that it did not come to that.
type Result struct {
	Device natlab.Type `json:"device"`
	Viewer natlab.Type `json:"viewer"`
	// Path is what both ends told the server before the page was closed: direct, relay, or empty without a picture.
	Path  protocol.PathKind `json:"path"`
	Means protocol.Means    `json:"means"`
	// Pair is the page's newest candidate pair: types and transport of its two ends.
	Pair string `json:"pair,omitempty"`
	// FirstPathMS is when ICE had selected its first candidate pair, DirectMS when it had selected one without a relay for
	// good.
	FirstPathMS *float64 `json:"first_path_ms"`
	DirectMS    *float64 `json:"direct_ms"`
	// RelayBytes are the payload that the server's ledger has for the session, both directions.
	RelayBytes uint64 `json:"relay_bytes"`
	// Allocations is how many the relay had at the end of the visit.
	Allocations int `json:"allocations"`
	// RelayedFirst says that the first path was relayed.
	RelayedFirst bool `json:"relayed_first"`
	// LoadMS is how long after the start of the navigation the page asked for the session.
	LoadMS float64 `json:"load_ms"`
	// RevisitMS is FirstPathMS of the page's next visit with the same browser; null if there was none, which is so after a
	// direct one.
	RevisitMS *float64 `json:"revisit_ms"`
	// UpgradeMS is how long after the way was free a session that was late went direct, GapMS the longest time between two
	// frames from then on, and Restarts how often the page restarted ICE since. Without LateMS, Restarts counts all.
	UpgradeMS *float64 `json:"upgrade_ms,omitempty"`
	GapMS     *float64 `json:"gap_ms,omitempty"`
	Restarts  int      `json:"restarts"`
	// Reason is why the server says that the session is relayed.
	Reason string `json:"reason,omitempty"`
	// Theory is what the theory says of the pair. Wrong tells why the result is worse; empty is fine.
	Theory protocol.Means `json:"theory"`
	Wrong  string         `json:"wrong,omitempty"`
	// Run counts the visits of a pair under the same conditions from 1.
	Run int `json:"run"`
	Conditions
	// TookMS is the time for all of it.
	TookMS int64 `json:"took_ms"`
}

// Direct says that the picture came by no relay.
func (r Result) Direct() bool { return r.Path == protocol.PathDirect }

// judge compares the result with the theory.
func (r *Result) judge() {
	switch {
	case r.Wrong != "" || r.Direct():
	case r.Path == "":
		r.Wrong = "no picture"
	case r.Theory != protocol.MeansRelay:
		r.Wrong = "relayed: theory says " + string(r.Theory)
	}
}

// Summary sums up results. A percentile of nothing is 0.
type Summary struct {
	Pairs     int                    `json:"pairs"`
	Connected int                    `json:"connected"`
	Direct    int                    `json:"direct"`
	ByMeans   map[protocol.Means]int `json:"by_means"`
	// FirstPathP95MS is over all pairs; the two after it over those whose first path was direct and relayed.
	FirstPathP95MS    float64 `json:"first_path_p95_ms"`
	FirstDirectP95MS  float64 `json:"first_direct_p95_ms"`
	FirstRelayedP95MS float64 `json:"first_relayed_p95_ms"`
	DirectP95MS       float64 `json:"direct_p95_ms"`
	// RevisitP95MS is over the second visits of pairs that are relayed.
	RevisitP95MS float64 `json:"revisit_p95_ms"`
	// Allocations are those of all relayed pairs, and of all direct ones.
	AllocationsRelayed int `json:"allocations_relayed"`
	AllocationsDirect  int `json:"allocations_direct"`
	// UpgradeMaxMS, GapMaxMS and Restarts are of sessions that were late.
	UpgradeMaxMS float64 `json:"upgrade_max_ms,omitempty"`
	GapMaxMS     float64 `json:"gap_max_ms,omitempty"`
	LateRestarts int     `json:"late_restarts,omitempty"`
	Wrong        int     `json:"wrong"`
}

// Summarize sums up results.
func Summarize(results []Result) Summary {
	s := Summary{Pairs: len(results), ByMeans: map[protocol.Means]int{}}
	var first, firstDirect, firstRelayed, direct, revisit []float64
	for _, r := range results {
		if r.Wrong != "" {
			s.Wrong++
		}
		if r.Path == "" {
			continue
		}
		s.Connected++
		s.ByMeans[r.Means]++
		if r.Direct() {
			s.Direct++
			s.AllocationsDirect += r.Allocations
		} else {
			s.AllocationsRelayed += r.Allocations
		}
		first = collect(first, r.FirstPathMS)
		if r.RelayedFirst {
			firstRelayed = collect(firstRelayed, r.FirstPathMS)
		} else {
			firstDirect = collect(firstDirect, r.FirstPathMS)
		}
		direct = collect(direct, r.DirectMS)
		revisit = collect(revisit, r.RevisitMS)
		s.late(r)
	}
	s.FirstPathP95MS, s.FirstDirectP95MS, s.FirstRelayedP95MS = p95(first), p95(firstDirect), p95(firstRelayed)
	s.DirectP95MS, s.RevisitP95MS = p95(direct), p95(revisit)
	return s
}

func (s *Summary) late(r Result) {
	if r.LateMS == 0 {
		return
	}
	s.LateRestarts += r.Restarts
	if r.UpgradeMS != nil {
		s.UpgradeMaxMS = max(s.UpgradeMaxMS, *r.UpgradeMS)
	}
	if r.GapMS != nil {
		s.GapMaxMS = max(s.GapMaxMS, *r.GapMS)
	}
}

func collect(values []float64, v *float64) []float64 {
	if v == nil {
		return values
	}
	return append(values, *v)
}

// p95 is the smallest of the values that at least 95 percent do not exceed (nearest rank).
func p95(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(math.Ceil(0.95*float64(len(values))))-1]
}

// tenths rounds a time to what it can be measured to.
func tenths(ms float64) float64 { return math.Round(ms*10) / 10 }

func ms(d time.Duration) int64 { return d.Milliseconds() }
