package media

import (
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/rtp"
)

const (
	// paceFactor is WebRTC's own (webrtc/modules/pacing: kDefaultPaceMultiplier): a keyframe of a second's worth of
	// the stream leaves in 400 ms.
	paceFactor = 2.5
	// minPace is the least rate in bits per second: the first keyframe comes before the stream's rate is known.
	minPace = 4_000_000
	// paceBurst is what may leave at once, 30 packets: it passes the 64 KB buffers of home routers with room to spare.
	paceBurst = 30 * (maxPayload + rtpHeaderBytes)
	// paceTick is the shortest wait, so that a fast viewer gets a few packets per timer and not one.
	paceTick = 2 * time.Millisecond

	rtpHeaderBytes = 12
	// wireBytes is what a packet has on the wire beyond RTP: the transport-wide sequence number, the tag of SRTP, UDP and
	// IPv4. It counts where a bound on the bit rate is kept.
	wireBytes = 8 + 16 + 8 + 20
	// limitedBurst is how long a bounded viewer may have sent nothing to send as fast as it can.
	limitedBurst = 100 * time.Millisecond
)

// Pacer spreads the video of one viewer over time: a token bucket of 30 packets that fills at 2.5 times the rate of
// the stream, 4 Mbit/s at least. It is the gcc.Pacer of the viewer's peer connection too, and has neither queue nor
// goroutine for that: a Subscription waits for the bucket before it writes, so what has to wait stays in the one
// queue that can be cut, and what reaches Write goes out at once. Audio is not paced. Retransmissions come with an
// SSRC that the congestion control does not know; they are forwarded (gcc's own pacers drop them all) and taken out
// of the bucket. With a limit everything is taken out of it, and sound and retransmissions that do not fit are left out.
// It is safe for concurrent use.
type Pacer struct {
	// mu guards all below; nothing is written under it.
	mu      sync.Mutex
	writers map[uint32]interceptor.RTPWriter
	// video is the SSRC whose writer takes packets of unknown SSRCs.
	video uint32
	// other is the writer that was added last.
	other interceptor.RTPWriter

	// rate is in bytes per second, and so is limit, 0 for none; tokens are in bytes as of filled.
	rate   float64
	limit  float64
	tokens float64
	filled time.Time
}

var _ gcc.Pacer = (*Pacer)(nil)

// NewPacer makes the pacer of one peer connection; give it to gcc.SendSideBWEPacer and to Options.Pacer.
func NewPacer() *Pacer {
	return &Pacer{writers: make(map[uint32]interceptor.RTPWriter), rate: minPace / 8, tokens: paceBurst}
}

// AddStream implements gcc.Pacer.
func (p *Pacer) AddStream(ssrc uint32, w interceptor.RTPWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writers[ssrc], p.other = w, w
}

// Write implements gcc.Pacer: it forwards at once. A packet before the first AddStream is dropped with
// gcc.ErrUnknownStream.
func (p *Pacer) Write(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
	n := len(payload) + rtpHeaderBytes
	w, fits := p.writer(h.SSRC, n)
	switch {
	case w == nil:
		return 0, gcc.ErrUnknownStream
	case !fits:
		return n, nil
	}
	return w.Write(h, payload, a)
}

// writer finds where a packet goes, charges n bytes for one that take has not charged, and tells whether it fits the limit.
func (p *Pacer) writer(ssrc uint32, n int) (w interceptor.RTPWriter, fits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, known := p.writers[ssrc]
	if known && (p.limit == 0 || ssrc == p.video) {
		return w, true
	}
	if !known {
		if w, known = p.writers[p.video]; !known {
			w = p.other
		}
	}
	if p.limit != 0 {
		p.fill(time.Now())
		if p.tokens < 0 {
			return w, false
		}
		n += wireBytes
	}
	// The debt is bounded, so that a storm of requests cannot stop the video.
	p.tokens = max(p.tokens-float64(n), -paceBurst)
	return w, true
}

// SetTargetBitrate implements gcc.Pacer and does nothing: the estimate for a sender that does not fill the path only
// says "at least this much", and slowing down to it would make it come true.
func (p *Pacer) SetTargetBitrate(int) {}

// Close implements gcc.Pacer; there is nothing to end.
func (p *Pacer) Close() error { return nil }

// SetLimit bounds what leaves, in bits per second with all headers below RTP; 0 means no bound. Pictures that do not fit
// are left out whole, and all that follow until the next keyframe.
func (p *Pacer) SetLimit(bps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	p.limit = float64(bps) / 8
}

// setVideo names the SSRC that take paces.
func (p *Pacer) setVideo(ssrc uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.video = ssrc
}

// setStreamRate tells the stream's rate in bits per second.
func (p *Pacer) setStreamRate(bps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	p.rate = max(paceFactor*float64(bps), minPace) / 8
}

// drain returns how long a picture of n bytes takes.
func (p *Pacer) drain(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit != 0 {
		n += (n/maxPayload + 1) * (rtpHeaderBytes + wireBytes)
	}
	return p.duration(float64(n))
}

// limited reports whether there is a limit.
func (p *Pacer) limited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit != 0
}

// take takes a packet of n bytes out of the bucket and returns 0, or returns how long to wait before asking again.
func (p *Pacer) take(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	if p.limit != 0 {
		n += wireBytes
	}
	if need := min(float64(n), p.burst()) - p.tokens; need > 0 {
		return max(p.duration(need), paceTick)
	}
	p.tokens -= float64(n)
	return 0
}

// fill needs mu.
func (p *Pacer) fill(now time.Time) {
	if !p.filled.IsZero() {
		p.tokens = min(p.tokens+now.Sub(p.filled).Seconds()*p.speed(), p.burst())
	}
	p.filled = now
}

// duration needs mu.
func (p *Pacer) duration(n float64) time.Duration {
	return time.Duration(n / p.speed() * float64(time.Second))
}

// speed is in bytes per second. It needs mu.
func (p *Pacer) speed() float64 {
	if p.limit != 0 {
		return min(p.rate, p.limit)
	}
	return p.rate
}

// burst is the size of the bucket, a packet at least. It needs mu.
func (p *Pacer) burst() float64 {
	if p.limit != 0 {
		return min(max(p.limit*limitedBurst.Seconds(), maxPayload+rtpHeaderBytes+wireBytes), paceBurst)
	}
	return paceBurst
}
