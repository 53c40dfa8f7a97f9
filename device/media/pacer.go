package media

import (
	"sync"
	"time"
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
	// ceilingFactor is how much faster than the path is known to be the bucket fills, since it is known to be at least that;
	// streamFactor is the least, of the stream's rate: slower would put off pictures for ever.
	ceilingFactor = 1.1
	streamFactor  = 1.2
	// ceilingBurst is how long such a path takes for what may leave at once: short buffers hold no more.
	ceilingBurst = 40 * time.Millisecond
	// limitedBurst is how long a bounded viewer may have sent nothing to send as fast as it can.
	limitedBurst = 100 * time.Millisecond
)

// Pacer spreads the video of one viewer over time: a token bucket of 30 packets that fills at 2.5 times the rate of
// the stream, 4 Mbit/s at least. It has neither queue nor goroutine: a Subscription waits for the bucket before it writes,
// so what has to wait stays in the one queue that can be cut. Sound and retransmissions do not wait; Admit takes them out of
// the bucket. With a limit everything is taken out of it, and sound and retransmissions that do not fit are left out. A
// path that is known to carry little slows the bucket down, and bounds the pictures once it is known to be too little.
// It is safe for concurrent use.
type Pacer struct {
	// mu guards all below.
	mu sync.Mutex
	// video is the SSRC that take paces, audio that of the sound.
	video, audio uint32

	// rate is how fast the bucket fills for the stream, which is of rate stream, in bytes per second; so are limit and bound,
	// 0 for none, and ceiling, 0 for unknown; tokens are in bytes as of filled.
	rate    float64
	stream  float64
	limit   float64
	bound   float64
	ceiling float64
	tokens  float64
	filled  time.Time
}

// NewPacer makes the pacer of one peer connection.
func NewPacer() *Pacer { return &Pacer{rate: minPace / 8, tokens: paceBurst} }

// Admit charges a packet of n bytes unless it is one that a Subscription has waited for, and reports whether it fits
// the limit.
func (p *Pacer) Admit(ssrc uint32, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ssrc == p.video || ssrc == p.audio && !p.limited() {
		return true
	}
	if p.limit != 0 {
		p.fill(time.Now())
		if p.tokens < 0 {
			return false
		}
	}
	if p.limited() {
		n += wireBytes
	}
	// The debt is bounded, so that a storm of requests cannot stop the video.
	p.tokens = max(p.tokens-float64(n), -paceBurst)
	return true
}

// SetPath tells what the path is known to carry, in bits per second, and whether that is too little for the stream. Zero
// means that nothing is known. A bucket that fills no faster does not fill the queues before a bottleneck; pictures of a
// stream that is too fast for it are left out like those that do not fit a limit.
func (p *Pacer) SetPath(bps int, tooLittle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	p.ceiling, p.bound = float64(bps)/8, 0
	if tooLittle {
		p.bound = p.ceiling
	}
}

// SetLimit bounds what leaves, in bits per second with all headers below RTP; 0 means no bound. Pictures that do not fit
// are left out whole, and all that follow until the next keyframe.
func (p *Pacer) SetLimit(bps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	p.limit = float64(bps) / 8
}

// setTracks names the SSRC that take paces and that of the sound.
func (p *Pacer) setTracks(video, audio uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.video, p.audio = video, audio
}

// setStreamRate tells the stream's rate in bits per second.
func (p *Pacer) setStreamRate(bps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	p.stream = float64(bps) / 8
	p.rate = max(paceFactor*p.stream, minPace/8)
}

// drain returns how long a picture of n bytes takes.
func (p *Pacer) drain(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limited() {
		n += (n/maxPayload + 1) * (rtpHeaderBytes + wireBytes)
	}
	return p.duration(float64(n))
}

// scarce reports whether pictures that do not fit are to be left out.
func (p *Pacer) scarce() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limited()
}

// limited needs mu.
func (p *Pacer) limited() bool { return p.limit != 0 || p.bound != 0 }

// take takes a packet of n bytes out of the bucket and returns 0, or returns how long to wait before asking again.
func (p *Pacer) take(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(time.Now())
	if p.limited() {
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
	speed := p.rate
	if p.ceiling != 0 {
		// No slower than the stream itself with a little to spare, unless it is bounded.
		speed = min(speed, max(p.ceiling*ceilingFactor, p.stream*streamFactor))
	}
	for _, most := range []float64{p.limit, p.bound} {
		if most != 0 {
			speed = min(speed, most)
		}
	}
	return speed
}

// burst is the size of the bucket, a packet at least. It needs mu.
func (p *Pacer) burst() float64 {
	span := limitedBurst
	switch {
	case p.ceiling != 0:
		span = ceilingBurst
	case p.limit == 0:
		return paceBurst
	}
	return min(max(p.speed()*span.Seconds(), maxPayload+rtpHeaderBytes+wireBytes), paceBurst)
}
