package source

import (
	"context"
	"log/slog"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
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
	// Start tells that the source is open and what it will send. It comes before everything else.
	Start(Tracks)
	// Alive tells that something came of the video, though perhaps no picture can be made of it yet.
	Alive()
	WriteVideo(media.AccessUnit)
	WriteAudio(media.AudioFrame)
	// SetKeyframer sets what makes a keyframe soon; sources that cannot do not call it.
	SetKeyframer(force func())
}

// Tracks is what a source announces.
type Tracks struct {
	// Sound is nil when there is none.
	Sound *media.AudioFormat
	// Notes are what viewers do without.
	Notes []protocol.Note
	// Codec is that of the pictures; empty means H.264.
	Codec media.Codec
	// ParameterSets are those that are known before the first picture, of H.264 or H.265.
	ParameterSets [][]byte
}

// Config of a source.
type Config struct {
	// Name is written into the test picture.
	Name string
	// Changed is called when what the source can do besides pictures changed; it may be nil.
	Changed func()
	// Logger gets what is worth knowing; nil discards it.
	Logger *slog.Logger

	// patiences are shared by the sources of one camera; nil means one's own.
	patiences patiences
	// backChannel has an RTSP camera asked whether it can be talked to.
	backChannel bool
}
