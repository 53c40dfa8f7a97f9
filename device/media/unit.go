package media

import "time"

// Codec names how a track is encoded, with the encoding names of the RTP payload formats (RFC 6184, RFC 3551, RFC 7587).
type Codec string

// The codecs that pass through the pipeline.
const (
	CodecH264 Codec = "H264"
	CodecOpus Codec = "opus"
	CodecPCMU Codec = "PCMU"
	CodecPCMA Codec = "PCMA"
)

// VideoClockRate is the RTP clock of every video codec (RFC 6184 section 8.2.1).
const VideoClockRate = 90000

// AccessUnit is one coded picture: its NAL units in decoding order, without start codes.
type AccessUnit struct {
	// Codec is how it is encoded; empty means H.264.
	Codec Codec
	NALUs [][]byte
	// PTS is the picture's time on the source's own clock, which starts anywhere and is shared with the sound.
	PTS time.Duration
	// Key says that decoding can start here. For H.264 the stream finds out by itself.
	Key bool
}

// AudioFormat describes a sound track.
type AudioFormat struct {
	Codec Codec
	// ClockRate is in hertz: 8000 for G.711, 48000 for Opus.
	ClockRate uint32
	Channels  int
}

// AudioFrame is the sound that one RTP packet carries.
type AudioFrame struct {
	Payload []byte
	// PTS is on the same clock as AccessUnit.PTS.
	PTS time.Duration
}

// Format describes the pictures of a stream.
type Format struct {
	Codec Codec
	// SPS and PPS are the parameter sets in use (without start codes). They must not be changed.
	SPS, PPS []byte
	Profile  ProfileLevelID
	// Width and Height are in pixels, after cropping.
	Width, Height int
	// FPS is the frame rate that the stream declares; 0 means that it does not say.
	FPS float64
}
