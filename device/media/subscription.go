package media

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/protocol"
)

// Writer takes the packets of one track: a webrtc.TrackLocalWriter is one. The header and the payload must not be
// kept or changed after the call, except for header extensions.
type Writer interface {
	WriteRTP(header *rtp.Header, payload []byte) (int, error)
}

// Track is where one track of a viewer goes.
type Track struct {
	// Writer is nil when the viewer does not take this track.
	Writer      Writer
	SSRC        uint32
	PayloadType uint8
}

// Burst gathers packets of a connection so that they leave together.
type Burst interface {
	// Hold says that more packets follow at once.
	Hold()
	// Flush says that no more do: what was gathered must leave.
	Flush()
}

// noBurst is for connections that gather nothing.
type noBurst struct{}

func (noBurst) Hold()  {}
func (noBurst) Flush() {}

// Options of a Subscription.
type Options struct {
	Video, Audio Track
	// Pacer is the one of the viewer's connection; nil makes one for this viewer alone.
	Pacer *Pacer
	// Start is the rendition that is sent first; empty means the best.
	Start protocol.RenditionName
	// Sound is what the viewer agreed to hear; zero means what the camera has now. One that sounds otherwise is not heard.
	Sound AudioFormat
	// Burst is told when packets follow each other; nil means that nobody cares.
	Burst Burst
	// Turned is called when another rendition is sent than before, and when the wait for one is given up; it may be nil. It
	// must neither block nor call the subscription.
	Turned func()
}

// Subscription is one viewer of a camera, from when its Run is called. It is safe for concurrent use.
type Subscription struct {
	camera Camera
	pacer  *Pacer
	burst  Burst
	video  sender
	audio  sender
	sound  AudioFormat
	turned func()

	// wake has room for one signal that something waits.
	wake   chan struct{}
	closed chan struct{}
	close  sync.Once

	// mu guards all below. It may be taken under Stream.mu, never the other way round.
	mu     sync.Mutex
	queue  queue
	sounds []heard
	stats  Stats

	// showing is where the pictures come from, target where they are to come from as soon as it has a keyframe, and
	// hearing where the sound comes from; nil where nothing does. seats are these, each once.
	showing, target, hearing *seat
	seats                    []*seat
	// entering and leaving are those that Run has to see to.
	entering, leaving []*seat
	// begun says that there has been a picture, ended that Run is over.
	begun, ended bool
}

// Stats are the counters of one viewer.
type Stats struct {
	// Packets and Bytes of RTP payload, video and audio.
	Packets, Bytes uint64
	// Frames and Keyframes are pictures sent whole.
	Frames, Keyframes uint64
	// Dropped is pictures that the viewer did not get, Cuts how often its queue was cut to the next keyframe.
	Dropped, Cuts uint64
	// KeyframeRequests counts RequestKeyframe.
	KeyframeRequests uint64
	// FirstKeyframe is when the first keyframe had left; zero means not yet.
	FirstKeyframe time.Time
}

// Subscribe makes a viewer's end of the camera. Nothing happens before its Run is called, which should be when the
// connection can take packets.
func (c Camera) Subscribe(opts Options) *Subscription {
	s := &Subscription{
		camera: c,
		pacer:  opts.Pacer,
		burst:  opts.Burst,
		video:  newSender(opts.Video),
		audio:  newSender(opts.Audio),
		sound:  opts.Sound,
		turned: opts.Turned,
		wake:   make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
	if s.pacer == nil {
		s.pacer = NewPacer()
	}
	if s.burst == nil {
		s.burst = noBurst{}
	}
	if s.turned == nil {
		s.turned = func() {}
	}
	s.pacer.setTracks(opts.Video.SSRC, opts.Audio.SSRC)
	s.begin(opts.Start)
	return s
}

// Run joins the camera and sends until ctx is done or Close is called, which give nil, or until a writer fails. All
// writes come from the calling goroutine. It is called once.
func (s *Subscription) Run(ctx context.Context) error {
	defer s.leaveAll()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var out outgoing
	s.attend()
	defer s.burst.Flush()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.closed:
			return nil
		default:
		}
		s.burst.Hold()
		wait, err := s.step(&out)
		if err != nil {
			return err
		}
		if wait == 0 {
			continue
		}
		s.burst.Flush()
		var paced <-chan time.Time
		if wait > 0 {
			timer.Reset(wait)
			paced = timer.C
		}
		select {
		case <-ctx.Done():
		case <-s.closed:
		case <-paced:
		case <-s.wake:
			s.attend()
		}
	}
}

// outgoing is the picture that is being sent and how many of its packets have left.
type outgoing struct {
	queued
	sent int
}

// idle is the wait of a step that found nothing to send.
const idle = -1

// step sends the sound that waits and at most one packet of video. It returns how long the pacer wants to wait, 0 if
// it sent a packet, or idle.
func (s *Subscription) step(out *outgoing) (time.Duration, error) {
	if err := s.sendSound(); err != nil {
		return 0, err
	}
	if out.picture == nil {
		next, ok := s.next()
		if !ok {
			return idle, nil
		}
		*out = outgoing{queued: next}
	}
	payload := out.payloads[out.sent]
	if wait := s.pacer.take(len(payload) + rtpHeaderBytes); wait > 0 {
		return wait, nil
	}
	out.sent++
	last := out.sent == len(out.payloads)
	if out.sent == 1 {
		s.video.begin(out.ts)
	}
	if err := s.video.write(payload, last); err != nil {
		return 0, fmt.Errorf("send video: %w", err)
	}
	s.count(out, len(payload), last)
	if last {
		*out = outgoing{}
	}
	return 0, nil
}

func (s *Subscription) next() (queued, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.pop()
}

func (s *Subscription) count(out *outgoing, n int, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Packets++
	s.stats.Bytes += uint64(n)
	if !last {
		return
	}
	s.stats.Frames++
	if out.key {
		s.stats.Keyframes++
		if s.stats.FirstKeyframe.IsZero() {
			s.stats.FirstKeyframe = time.Now()
		}
	}
}

// RequestKeyframe asks for a picture that decoding can start with (PLI or FIR, RFC 4585 section 6.3.1 and RFC 5104
// section 4.3.1). Requests are coalesced over all viewers.
func (s *Subscription) RequestKeyframe() {
	s.mu.Lock()
	s.stats.KeyframeRequests++
	in := s.showing
	s.mu.Unlock()
	if in != nil {
		in.stream().requestKeyframe(in)
	}
}

// Close ends Run, which takes the viewer off the stream. It may be called more than once.
func (s *Subscription) Close() { s.close.Do(func() { close(s.closed) }) }

// Stats returns the viewer's counters.
func (s *Subscription) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// watches reports whether the viewer takes pictures, and not only sound.
func (s *Subscription) watches() bool { return s.video.track.Writer != nil }

// queuePicture queues a live picture and reports whether the viewer was cut and now waits for a keyframe. It needs mu.
func (s *Subscription) queuePicture(p *picture, shift int64, now time.Time) (starved bool) {
	limited := s.pacer.scarce()
	s.queue.yield(limited, now)
	if !s.queue.push(p, p.ts+shift, now, s.pacer.drain(p.bytes)) {
		s.stats.Dropped++
		return false
	}
	s.begun = true
	if dropped := s.queue.cut(now, s.pacer.drain); dropped > 0 {
		s.stats.Dropped += uint64(dropped)
		s.stats.Cuts++
	}
	s.signal()
	return !s.queue.started && !limited // a keyframe out of turn would not fit either
}

// replace queues a cached group instead of what waits. It needs mu.
func (s *Subscription) replace(group []*picture, shift int64, now time.Time) {
	s.begun = true
	s.queue.prime(group, shift, now, s.pacer.drain)
	if s.pacer.scarce() {
		s.queue.shorten(now)
	}
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
