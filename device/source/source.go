package source

import (
	"context"
	"log/slog"

	"github.com/sightline-rtc/sightline/device/media"
)

// Source is where pictures come from.
type Source interface {
	// Run opens the source and writes to the sink until ctx is done or the source is lost, and says in words why.
	// It can be called again after it returned.
	Run(ctx context.Context, sink Sink) error
	// String names the source without any secret.
	String() string
}

// Sink takes what a source makes. Sources may call it from several goroutines.
type Sink interface {
	// Start tells that the source is open, and what sound it has: nil for none. It comes before everything else.
	Start(audio *media.AudioFormat)
	WriteVideo(media.AccessUnit)
	WriteAudio(media.AudioFrame)
	// SetKeyframer sets what makes a keyframe soon; sources that cannot do not call it.
	SetKeyframer(force func())
}

// Config of a source.
type Config struct {
	// Name is written into the test picture.
	Name string
	// Logger gets what is worth knowing; nil discards it.
	Logger *slog.Logger
}

// Open makes the source that a specification names: "test:", "file:PATH" or "rtsp://…". An empty one means "test:".
// The errors say in words what is wrong with the specification; nothing is dialled yet.
func Open(spec string, cfg Config) (Source, error) { panic("x") }
