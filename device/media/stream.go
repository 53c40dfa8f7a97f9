package media

import (
	"log/slog"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// keyframeSpacing is the least time between two keyframes that are asked of a source.
const keyframeSpacing = 500 * time.Millisecond

// Config of a Stream.
type Config struct {
	// Logger gets what is worth knowing; nil discards it.
	Logger *slog.Logger
}

// Stream is the pipeline of one source, shared by all viewers. It is safe for concurrent use.
type Stream struct {
	log *slog.Logger
	// ready is closed when format is first set.
	ready chan struct{}

	// mu guards all below. Neither the keyframer nor who listens is called under it.
	mu     sync.Mutex
	format Format
	// listening are those who want to know when format changes, reformed says that they have not been told yet.
	listening map[*func()]struct{}
	reformed  bool
	// sound is nil when there is none, or none that can be sent.
	sound *soundCoding
	// notes are what viewers do without in this life of the source.
	notes []protocol.Note

	// coding is that of codec; nil before the first picture of the source's life.
	codec     Codec
	coding    coding
	time      timeline
	videoTime trackTime
	audioTime trackTime
	origin    origin
	rate      meter
	gop       gop
	// broken tells that pictures are missing: nothing is sent before the next keyframe.
	broken bool

	viewers map[*seat]struct{}
	// force asks the source for a keyframe, forced is when it last did, wanted that somebody waits for it to do so again.
	force  func()
	forced time.Time
	wanted bool
	// standIn shows something else until the source's next keyframe; nil when its own pictures are shown.
	standIn *StandIn
	// hint may have a keyframe come sooner, hinted is when it was last used.
	hint   func()
	hinted time.Time

	stats StreamStats
}

// StreamStats are the counters of a stream since it was made.
type StreamStats struct {
	// Frames and Keyframes are pictures taken, Dropped those that were unfit to send.
	Frames, Keyframes, Dropped uint64
	// Bytes of RTP payload, once and not per viewer; BitsPerSecond over the last seconds.
	Bytes         uint64
	BitsPerSecond int
	Viewers       int
}

// NewStream makes a stream without viewers and without pictures.
func NewStream(cfg Config) *Stream {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Stream{
		log:     log,
		ready:   make(chan struct{}),
		broken:  true,
		viewers: make(map[*seat]struct{}),

		listening: make(map[*func()]struct{}),
	}
}

// WriteVideo takes one access unit from the source. It never blocks on a viewer; the NAL units may be reused
// afterwards. Pictures are dropped until the first keyframe, and after one that cannot be sent until the next.
func (s *Stream) WriteVideo(au AccessUnit) {
	if force := s.writeVideo(au, time.Now()); force != nil {
		force()
	}
	s.tellFormat()
}

func (s *Stream) writeVideo(au AccessUnit, now time.Time) (force func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.take(au, now) {
		s.standIn = nil
		s.stats.Frames++
		if p.key {
			s.stats.Keyframes++
		}
		s.send(p, now)
	}
	return s.due(now)
}

// send gives a picture to all viewers, and keeps it for those to come. It needs mu.
func (s *Stream) send(p *picture, now time.Time) {
	for _, payload := range p.payloads {
		p.bytes += len(payload)
	}
	s.stats.Bytes += uint64(p.bytes)
	s.gop.add(p, now)
	s.rate.add(now, p.bytes)
	s.wanted = s.wanted && !p.key
	s.show(p, now)
}

// Restarted tells that the source is there, for the first time or again, with sound of the given format or nil for
// none. The times of what it writes are taken as new: viewers see them go on from where they stopped. Pictures flow
// again from the next keyframe.
func (s *Stream) Restarted(audio *AudioFormat) {
	defer s.tellFormat()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time.restart()
	s.gop.clear()
	s.coding = nil
	s.broken = true
	s.setSound(audio)
}

// Rest lets go of the pictures that are kept for new viewers: the source is closed.
func (s *Stream) Rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gop.clear()
}

// SetKeyframer sets what makes the source produce a keyframe soon; nil means that it cannot. It must not block and
// may be called from any goroutine.
func (s *Stream) SetKeyframer(force func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.force = force
}

// SetKeyframeHint sets what may have a keyframe come sooner, such as a word to a camera's web server: it takes a while and
// may be without effect, so that it is used where the cached group does not help a viewer, and nothing waits for it. It must
// not block.
func (s *Stream) SetKeyframeHint(hint func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hint = hint
}

// Subscribe makes a viewer's end of the stream alone, like Camera.Subscribe.
func (s *Stream) Subscribe(opts Options) *Subscription {
	return Camera{Renditions: []Rendition{{Stream: s}}}.Subscribe(opts)
}

// Stats counts what went through the stream.
func (s *Stream) Stats() StreamStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.BitsPerSecond = s.rate.rate(time.Now())
	stats.Viewers = len(s.viewers)
	return stats
}
