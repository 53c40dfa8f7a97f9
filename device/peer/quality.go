package peer

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/sightline-rtc/sightline/protocol"
)

// quality is what the viewer's receiver reports (RFC 3550 section 6.4.1) say of the picture.
type quality struct {
	lost uint64
	// fraction is the share of packets that were lost since the report before.
	fraction float64
	jitter   time.Duration
	rtt      time.Duration
}

// take reads the report about one stream, which came at now.
func (q *quality) take(r rtcp.ReceptionReport, clockRate uint32, now time.Time) {
	q.lost = uint64(r.TotalLost)
	q.fraction = float64(r.FractionLost) / 256
	q.jitter = time.Duration(r.Jitter) * time.Second / time.Duration(clockRate)
	if r.LastSenderReport == 0 {
		return
	}
	// All in 1/65536 s, modulo 18 hours. A clock that was set in between makes nonsense: that is left out.
	units := shortNTP(now) - r.LastSenderReport - r.Delay
	if rtt := time.Duration(units) * time.Second / 65536; rtt < time.Minute {
		q.rtt = rtt
	}
}

// shortNTP is the middle 32 bits of an NTP timestamp (RFC 3550 section 4).
func shortNTP(t time.Time) uint32 {
	const epoch = 2208988800 // seconds from 1900 to 1970
	seconds := uint64(t.Unix()+epoch) << 16
	fraction := uint64(t.Nanosecond()) << 16 / uint64(time.Second)
	return uint32(seconds + fraction) //nolint:gosec // modulo 2^32 by design
}

// counters are what has left by a moment.
type counters struct {
	at                     time.Time
	packets, bytes, frames uint64
}

// leastSpan is the shortest span of time that has rates.
const leastSpan = 100 * time.Millisecond

// stats tells the quality of a span of time.
func (q *quality) stats(from, to counters, rtt time.Duration) protocol.Stats {
	if q.rtt != 0 {
		rtt = q.rtt
	}
	s := protocol.Stats{
		Media: true, Bytes: to.bytes, Packets: to.packets, Frames: to.frames, Lost: q.lost,
		RTTMS: milliseconds(rtt), JitterMS: milliseconds(q.jitter),
	}
	if seconds := to.at.Sub(from.at).Seconds(); seconds >= leastSpan.Seconds() {
		s.FPS = float64(to.frames-from.frames) / seconds
		s.BitrateKbps = float64(to.bytes-from.bytes) * 8 / 1000 / seconds
	}
	return s
}
