package media

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"
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

// Options of a Subscription.
type Options struct {
	Video, Audio Track
	// Pacer is the one that the viewer's congestion control uses; nil makes one for this viewer alone.
	Pacer *Pacer
}

// Subscription is one viewer of a stream, from when its Run is called. It is safe for concurrent use.
type Subscription struct {
	stream *Stream
	pacer  *Pacer
	video  sender
	audio  sender
	// sound is what the viewer agreed to hear; a source that comes back with another is not heard.
	sound AudioFormat

	// wake has room for one signal that something waits.
	wake   chan struct{}
	closed chan struct{}
	close  sync.Once

	// asked is when a keyframe was last asked for, replayed the group that the viewer got again. Stream.mu guards them.
	asked    time.Time
	replayed *picture

	// mu guards all below. It may be taken under Stream.mu, never the other way round.
	mu     sync.Mutex
	queue  queue
	sounds []sound
	stats  Stats
}

// sound is one frame of sound: immutable and shared by all viewers.
type sound struct {
	payload []byte
	// ts is the stream's time in ticks of the sound's clock rate.
	ts     int64
	format AudioFormat
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

func newSubscription(stream *Stream, opts Options, sound AudioFormat) *Subscription {
	s := &Subscription{
		stream: stream,
		pacer:  opts.Pacer,
		video:  newSender(opts.Video),
		audio:  newSender(opts.Audio),
		sound:  sound,
		wake:   make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
	if s.pacer == nil {
		s.pacer = NewPacer()
	}
	s.pacer.setVideo(opts.Video.SSRC)
	return s
}

// Run joins the stream and sends until ctx is done or Close is called, which give nil, or until a writer fails. All
// writes come from the calling goroutine. It is called once.
func (s *Subscription) Run(ctx context.Context) error {
	s.stream.join(s)
	defer s.stream.leave(s)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var out outgoing
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.closed:
			return nil
		default:
		}
		wait, err := s.step(&out)
		if err != nil {
			return err
		}
		if wait == 0 {
			continue
		}
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

func (s *Subscription) sendSound() error {
	for {
		frame, ok := s.nextSound()
		if !ok {
			return nil
		}
		s.audio.begin(frame.ts)
		if err := s.audio.write(frame.payload, false); err != nil {
			return fmt.Errorf("send audio: %w", err)
		}
	}
}

func (s *Subscription) nextSound() (sound, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sounds) == 0 {
		return sound{}, false
	}
	frame := s.sounds[0]
	n := copy(s.sounds, s.sounds[1:])
	s.sounds[n] = sound{}
	s.sounds = s.sounds[:n]
	s.stats.Packets++
	s.stats.Bytes += uint64(len(frame.payload))
	return frame, true
}

// RequestKeyframe asks for a picture that decoding can start with (PLI or FIR, RFC 4585 section 6.3.1 and RFC 5104
// section 4.3.1). Requests are coalesced over all viewers.
func (s *Subscription) RequestKeyframe() {
	s.mu.Lock()
	s.stats.KeyframeRequests++
	s.mu.Unlock()
	s.stream.requestKeyframe(s)
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

// offer queues a live picture and reports whether the viewer was cut and now waits for a keyframe.
func (s *Subscription) offer(p *picture, now time.Time) (starved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limited := s.pacer.limited()
	s.queue.yield(limited, now)
	if !s.queue.push(p, now, s.pacer.drain(p.bytes)) {
		s.stats.Dropped++
		return false
	}
	if dropped := s.queue.cut(now, s.pacer.drain); dropped > 0 {
		s.stats.Dropped += uint64(dropped)
		s.stats.Cuts++
	}
	s.signal()
	return !s.queue.started && !limited // a keyframe out of turn would not fit either
}

// prime queues a cached group instead of what waits.
func (s *Subscription) prime(group []*picture, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.prime(group, now, s.pacer.drain)
	if s.pacer.limited() {
		s.queue.shorten(now)
	}
	s.signal()
}

// offerSound queues a frame of sound.
func (s *Subscription) offerSound(frame sound) {
	if s.audio.track.Writer == nil || frame.format != s.sound {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sounds) == maxQueuedAudio {
		s.sounds = s.sounds[:copy(s.sounds, s.sounds[1:])]
	}
	s.sounds = append(s.sounds, frame)
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
