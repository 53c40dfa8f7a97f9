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
)

// Pacer spreads the video of one viewer over time: a token bucket of 30 packets that fills at 2.5 times the rate of
// the stream, 4 Mbit/s at least. It is the gcc.Pacer of the viewer's peer connection too, and has neither queue nor
// goroutine for that: a Subscription waits for the bucket before it writes, so what has to wait stays in the one
// queue that can be cut, and what reaches Write goes out at once. Audio is not paced. Retransmissions come with an
// SSRC that the congestion control does not know; they are forwarded (gcc's own pacers drop them all) and taken out
// of the bucket. It is safe for concurrent use.
type Pacer struct {
	// mu guards all below; nothing is written under it.
	mu      sync.Mutex
	writers map[uint32]interceptor.RTPWriter
	// video is the SSRC whose writer takes packets of unknown SSRCs.
	video uint32
	// other is the writer that was added last.
	other interceptor.RTPWriter

	// rate is in bytes per second, tokens in bytes as of filled.
	rate   float64
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
	w := p.writer(h.SSRC, len(payload)+rtpHeaderBytes)
	if w == nil {
		return 0, gcc.ErrUnknownStream
	}
	return w.Write(h, payload, a)
}

// writer finds where a packet goes, and charges n bytes for one of an unknown SSRC.
func (p *Pacer) writer(ssrc uint32, n int) interceptor.RTPWriter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w, ok := p.writers[ssrc]; ok {
		return w
	}
	// The debt is bounded, so that a storm of requests cannot stop the video.
	p.tokens = max(p.tokens-float64(n), -paceBurst)
	if w, ok := p.writers[p.video]; ok {
		return w
	}
	return p.other
}

// SetTargetBitrate implements gcc.Pacer and does nothing: the estimate for a sender that does not fill the path only
// says "at least this much", and slowing down to it would make it come true.
func (p *Pacer) SetTargetBitrate(int) {}

// Close implements gcc.Pacer; there is nothing to end.
func (p *Pacer) Close() error { return nil }

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

// drain returns how long n bytes take.
func (p *Pacer) drain(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.duration(float64(n))
}

// take takes a packet of n bytes out of the bucket and returns 0, or returns how long to wait before asking again.
func (p *Pacer) take(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	if need := min(float64(n), paceBurst) - p.tokens; need > 0 {
		return max(p.duration(need), paceTick)
	}
	p.tokens -= float64(n)
	return 0
}

// fill needs mu.
func (p *Pacer) fill(now time.Time) {
	if !p.filled.IsZero() {
		p.tokens = min(p.tokens+now.Sub(p.filled).Seconds()*p.rate, paceBurst)
	}
	p.filled = now
}

// duration needs mu.
func (p *Pacer) duration(n float64) time.Duration {
	return time.Duration(n / p.rate * float64(time.Second))
}
