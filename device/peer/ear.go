package peer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// openTime bounds the way to the loudspeaker: a camera is asked for it over several round trips.
	openTime = 10 * time.Second
	// quietTime ends a talk of which nothing comes, and a browser sends 50 packets a second.
	quietTime = 3 * time.Second
	// talkCheck is how often that is looked at.
	talkCheck = 250 * time.Millisecond
	// talkRate bounds the packets that go to the loudspeaker, talkBurst at once: twice what 10 ms of sound in each make,
	// and the 100 ms that may have waited for one another.
	talkRate, talkBurst = 200, 20
	// maxTalkPacket is the most that one packet may have: larger ones are no sound. In bytes.
	maxTalkPacket = 1500
)

var errNoTalk = protocol.Errorf(protocol.CodeNotFound, "the camera has no way to be talked to")

// Mouth is an open way to a camera's loudspeaker. One goroutine at a time uses it.
type Mouth interface {
	// Format is that of the sound it takes.
	Format() media.AudioFormat
	// Write plays a frame, in the order of their PTS, which begin anywhere.
	Write(frame media.AudioFrame) error
	// Close ends the way.
	Close() error
}

// ear takes the viewer's sound, which goes to the loudspeaker while the viewer talks, and nowhere else. It is safe for
// concurrent use.
type ear struct {
	codec webrtc.RTPCodecParameters
	// held says that the path is not allowed.
	held *atomic.Bool
	log  *slog.Logger

	// track is the viewer's, nil before its first packet; reading says that somebody reads it. Peer.mu guards them.
	track   *webrtc.TrackRemote
	reading bool

	// mu guards all below, and is held while the loudspeaker is spoken to: one at a time uses it.
	mu sync.Mutex
	// talk is nil while the viewer does not.
	talk *talk
}

// talk is the time in which a viewer is heard.
type talk struct {
	mouth   Mouth
	convert func([]byte) []byte // nil where none is needed
	order   reorder
	pace    *rate.Limiter
	heard   time.Time
	// over is closed at the end.
	over chan struct{}
}

// listener returns what takes the viewer's sound, nil if nothing does.
func (p *Peer) listener() *ear {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ear
}

// watchTalk has the viewer's sound read from its first packet on.
func (p *Peer) watchTalk(pc *webrtc.PeerConnection) {
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.ear != nil && pc == p.pc && track.Kind() == webrtc.RTPCodecTypeAudio && p.ear.track == nil {
			p.ear.track = track
			p.poke()
		}
	})
}

// hear begins to read the viewer's sound once there is some.
func (p *Peer) hear() {
	p.mu.Lock()
	e := p.ear
	start := e != nil && e.track != nil && !e.reading
	if start {
		e.reading = true
	}
	p.mu.Unlock()
	if start {
		p.work.Go(func() { e.read(e.track) })
	}
}

// begin opens the way to the loudspeaker, until end, or until the context ends, nothing comes for a while, or the path is
// no longer allowed.
func (e *ear) begin(ctx context.Context, open func(context.Context) (Mouth, error)) error {
	if e.held.Load() {
		return protocol.Errorf(protocol.CodeForbidden, "nothing is taken over this path")
	}
	opening, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	mouth, err := open(opening)
	if err != nil {
		if ctx.Err() == nil && protocol.AsError(err).Code != protocol.CodeBusy {
			e.log.Warn("loudspeaker not reached", "err", err)
		}
		return err
	}
	convert, err := conversion(e.codec, mouth.Format())
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return errors.Join(err, mouth.Close())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.talk = &talk{
		mouth: mouth, convert: convert, order: reorder{clockRate: e.codec.ClockRate},
		pace: rate.NewLimiter(talkRate, talkBurst), heard: time.Now(), over: make(chan struct{}),
	}
	return nil
}

// talking reports whether the viewer is heard.
func (e *ear) talking() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.talk != nil
}

// end closes the way to the loudspeaker, if it is open.
func (e *ear) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.endLocked()
}

func (e *ear) endLocked() {
	t := e.talk
	if t == nil {
		return
	}
	e.talk = nil
	close(t.over)
	if err := t.mouth.Close(); err != nil {
		e.log.Debug("loudspeaker not closed cleanly", "err", err)
	}
}

// watch ends a talk that nothing comes of, or that may not go on, and returns when it is over.
func (e *ear) watch(ctx context.Context) {
	e.mu.Lock()
	t := e.talk
	e.mu.Unlock()
	if t == nil {
		return
	}
	ticker := time.NewTicker(talkCheck)
	defer ticker.Stop()
	for {
		select {
		case <-t.over:
			return
		case <-ctx.Done():
			e.end()
			return
		case <-ticker.C:
		}
		e.mu.Lock()
		if e.talk == t && (e.held.Load() || time.Since(t.heard) >= quietTime) {
			e.endLocked()
		}
		e.mu.Unlock()
	}
}

// read takes what comes on the viewer's track until it ends. What comes while the viewer does not talk is not looked at.
func (e *ear) read(track *webrtc.TrackRemote) {
	buffer := make([]byte, maxTalkPacket)
	for {
		n, _, err := track.Read(buffer)
		if err != nil {
			return
		}
		e.take(buffer[:n], time.Now())
	}
}

// take plays a packet, or what it makes playable.
func (e *ear) take(packet []byte, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.talk
	if t == nil || e.held.Load() {
		return
	}
	var p rtp.Packet
	if p.Unmarshal(packet) != nil || p.PayloadType != uint8(e.codec.PayloadType) || len(p.Payload) == 0 || !t.pace.AllowN(now, 1) {
		return
	}
	t.heard = now
	for _, frame := range t.order.push(&p, now) {
		if t.convert != nil {
			frame.Payload = t.convert(frame.Payload)
		}
		if err := t.mouth.Write(frame); err != nil {
			e.log.Warn("loudspeaker lost", "err", err)
			e.endLocked()
			return
		}
	}
}
