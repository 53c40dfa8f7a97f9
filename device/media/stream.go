package media

import (
	"context"
	"log/slog"
)

// Config of a Stream.
type Config struct {
	// Logger gets what is worth knowing; nil discards it.
	Logger *slog.Logger
}

// Stream is the pipeline of one source, shared by all viewers. It is safe for concurrent use.
type Stream struct{}

// NewStream makes a stream without viewers and without pictures.
func NewStream(cfg Config) *Stream { return &Stream{} }

// WriteVideo takes one access unit from the source. It never blocks on a viewer; the NAL units may be reused afterwards.
func (s *Stream) WriteVideo(au AccessUnit) {}

// WriteAudio takes one frame of sound.
func (s *Stream) WriteAudio(f AudioFrame) {}

// Restarted tells that the source came back, with sound of the given format or nil for none.
func (s *Stream) Restarted(audio *AudioFormat) {}

// SetKeyframer sets what makes the source produce a keyframe soon; nil means that it cannot. It must not block.
func (s *Stream) SetKeyframer(force func()) {}

// Format waits for the first pictures and describes them. It fails when ctx is done first.
func (s *Stream) Format(ctx context.Context) (Format, error) { panic("x") }

// Audio describes the sound; false means that the source has none.
func (s *Stream) Audio() (AudioFormat, bool) { panic("x") }

// Subscribe adds a viewer. Its Run must be called to send anything, and its Close when it leaves.
func (s *Stream) Subscribe(opts Options) *Subscription { panic("x") }

// Stats counts what went through the stream.
func (s *Stream) Stats() StreamStats { panic("x") }

// StreamStats are the counters of a stream since it was made.
type StreamStats struct {
	// Frames and Keyframes are pictures taken, Dropped those that were unfit to send.
	Frames, Keyframes, Dropped uint64
	// Bytes of RTP payload, once and not per viewer; BitsPerSecond over the last seconds.
	Bytes         uint64
	BitsPerSecond int
	Viewers       int
}
