package peer

import (
	"math"
	"time"
)

// Numbers of the bandwidth estimate. Where a source is given, it is that of libwebrtc's congestion control.
const (
	// initialBitrate is what is assumed before anything is known, in bits per second: an HD camera's rate.
	initialBitrate = 2_000_000
	// leastEstimate and mostEstimate bound what is believed.
	leastEstimate = 50_000
	mostEstimate  = 100_000_000
	// growth is by how much the estimate grows in a second without trouble (draft-ietf-rmcat-gcc-02 section 5.5).
	growth = 1.08
	// recovery is the same once all has been well for recoverAfter: what held the path back is gone.
	recovery     = 1.3
	recoverAfter = 5 * time.Second
	// yield is the share of what got through that is sent after trouble: less, so that the queue drains.
	yield = 0.9
	// provenTimes is how much more than what is sent may be believed: nothing else was tried.
	provenTimes = 2
	// heavyLoss is a share of lost packets, beyond chance, that few radio links have by themselves: it comes of a full buffer
	// that is short. A path that loses as much of half the packets does have it by itself.
	heavyLoss = 0.15
	// standing is how long packets must wait in a queue that never empties to show that the path is full. It is more than
	// the jitter of WiFi and less than what a viewer notices.
	standing = 60 * time.Millisecond
	// queueSpan is how long a queue may take to empty: a keyframe of a second's worth of a stream fills it for that long.
	queueSpan = 500 * time.Millisecond
	// rateSpan is what rates and losses are measured over, baseSpan for how long the shortest way counts, at least.
	rateSpan = time.Second
	baseSpan = 10 * time.Second
	// fewPackets is how many there must be for a share of losses to say something.
	fewPackets = 20
	// lowerEvery is how long it takes until feedback shows what came of giving way.
	lowerEvery = 500 * time.Millisecond
	// maxReports bounds the reports within rateSpan: browsers send up to 20 a second.
	maxReports = 64
)

// arrivals is what one feedback packet says of packets that were sent.
type arrivals struct {
	at             time.Time
	received, lost int
	// bytes is of those received, all of the lost too.
	bytes, all int
	// delay is the shortest way of any of them, on clocks that are not set to each other; timed says that there is one.
	delay time.Duration
	timed bool
}

// estimator says from the viewer's feedback how much the path carries: at least as much as it says. It grows slowly, to
// twice what is sent at most, and falls to less than what gets through as soon as packets wait in a queue that does not
// empty, or are lost in great number. Loss alone below that says nothing about rates: radio links lose some all the time.
type estimator struct {
	estimate float64 // bits per second, 0 before the first feedback
	updated  time.Time
	lowered  time.Time
	recent   []arrivals
	// shortest is the shortest delay since turned, before that of the span before; both once based.
	shortest, before time.Duration
	turned           time.Time
	based            bool
	full             bool
	heavy            heavyLosses
}

// take learns from a feedback packet. Feedback must come in order.
func (e *estimator) take(a arrivals) {
	e.forget(a.at)
	if len(e.recent) == maxReports {
		e.recent = e.recent[:copy(e.recent, e.recent[1:])]
	}
	e.recent = append(e.recent, a)
	if a.timed {
		e.base(a)
	}
	if e.estimate == 0 {
		e.estimate, e.updated = initialBitrate, a.at
	}
	passed := min(a.at.Sub(e.updated), time.Second).Seconds()
	e.updated = a.at
	through, sent, latest := e.rates()
	loss, doubt := e.loss()
	e.full = sent > 0 && (e.queue(a.at) > standing || e.heavy.found(loss, doubt, sent))
	if e.full {
		if latest > 0 && a.at.Sub(e.lowered) >= lowerEvery {
			e.lowered = a.at
			e.estimate = min(e.estimate, max(yield*latest, leastEstimate))
		}
		return
	}
	factor := growth
	if !e.lowered.IsZero() && a.at.Sub(e.lowered) > recoverAfter {
		factor = recovery
	}
	grown := min(e.estimate*math.Pow(factor, passed), max(e.estimate, provenTimes*sent))
	e.estimate = min(max(grown, through), mostEstimate)
}

// state tells what is known now; nothing is before there was feedback.
func (e *estimator) state(now time.Time) pathState {
	e.forget(now)
	if len(e.recent) == 0 {
		return pathState{estimate: int(e.estimate), full: !e.lowered.IsZero()}
	}
	loss, _ := e.loss()
	return pathState{estimate: int(e.estimate), congested: e.full, full: !e.lowered.IsZero(), loss: loss}
}

// forget drops what is older than rateSpan.
func (e *estimator) forget(now time.Time) {
	old := 0
	for old < len(e.recent) && now.Sub(e.recent[old].at) > rateSpan {
		old++
	}
	e.recent = e.recent[:copy(e.recent, e.recent[old:])]
}

// rates returns what got through and what was sent, in bits per second, and what got through latest: all in the better half
// of the span, since a path shows what it carries when there is something to carry.
func (e *estimator) rates() (through, sent, latest float64) {
	all, half := e.recent, len(e.recent)/2
	for _, part := range [][]arrivals{all, all[:half+1], all[half:]} {
		t, s := rates(part)
		through, sent, latest = max(through, t), max(sent, s), t
	}
	return through, sent, latest
}

// rates is zero for a span that is too short to tell.
func rates(part []arrivals) (through, sent float64) {
	span := part[len(part)-1].at.Sub(part[0].at)
	if span < rateSpan/4 {
		return 0, 0
	}
	bytes, all := 0, 0
	for _, a := range part[1:] { // the first one's began before the span
		bytes += a.bytes
		all += a.all
	}
	return float64(bytes*8) / span.Seconds(), float64(all*8) / span.Seconds()
}

// loss is the share of packets that were lost, and twice its standard deviation by chance.
func (e *estimator) loss() (share, doubt float64) {
	received, lost := 0, 0
	for _, a := range e.recent {
		received += a.received
		lost += a.lost
	}
	n := float64(received + lost)
	if n < fewPackets || lost < 0 {
		return 0, 0
	}
	share = float64(lost) / n
	return share, 2 * math.Sqrt(share*(1-share)/n)
}

// base keeps the shortest delay of the last one to two spans.
func (e *estimator) base(a arrivals) {
	switch {
	case !e.based:
		e.shortest, e.before, e.turned, e.based = a.delay, a.delay, a.at, true
	case a.at.Sub(e.turned) > baseSpan:
		e.before, e.shortest, e.turned = e.shortest, a.delay, a.at
	default:
		e.shortest = min(e.shortest, a.delay)
	}
}

// queue is how long the luckiest packet of late waited on its way.
func (e *estimator) queue(now time.Time) time.Duration {
	least, found := time.Duration(math.MaxInt64), false
	oldest := now
	for _, a := range e.recent {
		if a.timed && now.Sub(a.at) <= queueSpan {
			least, found = min(least, a.delay), true
			if a.at.Before(oldest) {
				oldest = a.at
			}
		}
	}
	if !found || now.Sub(oldest) < queueSpan/2 {
		return 0
	}
	return least - min(e.shortest, e.before)
}
