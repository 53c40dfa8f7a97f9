package media

import (
	"context"
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

// Subscription is one viewer of a stream. It is safe for concurrent use.
type Subscription struct{}

// Run sends until ctx is done or Close is called, which give nil, or until a writer fails. All writes come from the
// calling goroutine.
func (s *Subscription) Run(ctx context.Context) error { panic("x") }

// RequestKeyframe asks for a picture that decoding can start with (PLI or FIR, RFC 4585 and RFC 5104). Requests are
// coalesced over all viewers.
func (s *Subscription) RequestKeyframe() {}

// Close takes the viewer off the stream and ends Run. It may be called more than once.
func (s *Subscription) Close() {}

// Stats returns the viewer's counters.
func (s *Subscription) Stats() Stats { panic("x") }

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
