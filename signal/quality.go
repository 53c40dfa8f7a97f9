package signal

import (
	"math"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// mostCounted bounds every counter of an end: what JavaScript has whole numbers for, so every reader of the API.
	mostCounted = 1<<53 - 1
	// mostKbps bounds every rate: 100 Gbit/s.
	mostKbps = 100_000_000
	// mostFPS bounds frames a second.
	mostFPS = 1000
	// longestTrip bounds round trips and jitter.
	longestTrip = time.Minute
)

// measure takes what an end has measured in a session that was created some time before. An end may lie of its own session:
// what it says is bounded, and no counter shrinks.
func (b book) measure(by protocol.Role, m *protocol.Stats, created, now time.Time) {
	q := &b.endOf(by).Quality
	q.Told = now.UTC()
	q.Last = q.Last || m.Last
	grow(&q.Frames, m.Frames)
	grow(&q.Packets, m.Packets)
	grow(&q.Lost, m.Lost)
	q.FPS, q.BitrateKbps = within0(m.FPS, mostFPS), within0(m.BitrateKbps, mostKbps)
	q.RTT, q.Jitter = span(m.RTTMS, time.Millisecond, longestTrip), span(m.JitterMS, time.Millisecond, longestTrip)
	if by != protocol.RoleDevice {
		return
	}
	grow(&q.Retransmitted, m.Retransmitted)
	grow(&q.KeyframeRequests, m.KeyframeRequests)
	grow(&q.Dropped, m.Dropped)
	q.EstimateKbps = within0(m.EstimateKbps, mostKbps)
	if m.Rendition == protocol.RenditionMain || m.Rendition == protocol.RenditionSub {
		q.Rendition = m.Rendition
	}
	age := max(0, now.Sub(created))
	q.Direct = max(q.Direct, span(m.DirectS, time.Second, age))
	q.Relay = max(q.Relay, span(m.RelayS, time.Second, age))
	if m.Milestones != nil {
		reach(&q.Milestones, *m.Milestones, float64(age.Milliseconds()))
	}
}

// reach enters the milestones that are new. The device's clock began with its invite, so none is later than the session's age.
func reach(known *protocol.Milestones, told protocol.Milestones, age float64) {
	for _, m := range []struct {
		known *float64
		told  float64
	}{
		{&known.OfferMS, told.OfferMS},
		{&known.AnswerMS, told.AnswerMS},
		{&known.ICEMS, told.ICEMS},
		{&known.DTLSMS, told.DTLSMS},
		{&known.KeyframeMS, told.KeyframeMS},
	} {
		if *m.known == 0 {
			*m.known = within0(m.told, age)
		}
	}
}

func grow(counter *uint64, told uint64) { *counter = max(*counter, min(told, mostCounted)) }

// within0 returns a figure between 0 and the most; what is no number is 0.
func within0(figure, most float64) float64 {
	if math.IsNaN(figure) {
		return 0
	}
	return max(0, min(figure, most))
}

// span returns so many units of time, most at the most.
func span(figure float64, unit, most time.Duration) time.Duration {
	return time.Duration(within0(figure*float64(unit), float64(most)))
}
