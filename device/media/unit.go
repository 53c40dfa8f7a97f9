package media

import "time"

// Codec names how a track is encoded, with the encoding name of its RTP payload format.
type Codec string

// The codecs of pictures, all of which pass through the pipeline as they are.
const (
	CodecH264 Codec = "H264" // RFC 6184
	CodecH265 Codec = "H265" // RFC 7798
	CodecVP8  Codec = "VP8"  // RFC 7741
	CodecVP9  Codec = "VP9"  // RFC 9628
	CodecAV1  Codec = "AV1"  // https://aomediacodec.github.io/av1-rtp-spec
)

// The codecs of sound. Opus passes, and so does G.711 at 8 kHz with one channel; what else there is of PCM comes out as
// PCMU at 8 kHz.
const (
	CodecOpus Codec = "opus" // RFC 7587
	CodecPCMU Codec = "PCMU" // RFC 3551 section 4.5.14
	CodecPCMA Codec = "PCMA"
	CodecL16  Codec = "L16" // from sources only: 16 bits, big-endian, channels interleaved (RFC 3551 section 4.5.11)
)

// VideoClockRate is the RTP clock of every video codec (RFC 6184 section 8.2.1).
const VideoClockRate = 90000

// AccessUnit is one coded picture.
type AccessUnit struct {
	// Codec is how it is encoded; empty means H.264.
	Codec Codec
	// NALUs are its units in decoding order: NAL units of H.264 and H.265 without start codes, the OBUs of one temporal
	// unit of AV1, with size fields or without, or the one frame (or superframe) of VP8 and VP9.
	NALUs [][]byte
	// PTS is the picture's time on the source's own clock, which starts anywhere and is shared with the sound.
	PTS time.Duration
	// Key says that decoding can start here, as IsKey has it. The stream finds out by itself.
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
	// VPS (of H.265 alone), SPS and PPS are the parameter sets in use, without start codes. Other codecs have none. They
	// must not be changed.
	VPS, SPS, PPS []byte
	// Profile is that of H.264, and H265, VP9 and AV1 those of the other codecs.
	Profile ProfileLevelID
	H265    H265Profile
	VP9     VP9Profile
	AV1     AV1Profile
	// Width and Height are in pixels, after cropping.
	Width, Height int
	// FPS is the frame rate that the stream declares; 0 means that it does not say.
	FPS float64
}

// H265Profile is what an H.265 stream asks of a decoder (H.265 section 7.3.3).
type H265Profile struct {
	// Profile is general_profile_idc: 1 is Main, 2 Main 10. Compatible has a bit for each profile that it fits too, the
	// first in the highest bit, as general_profile_compatibility_flag.
	Profile    uint8
	Compatible uint32
	// HighTier is general_tier_flag, Level general_level_idc, 30 times the level.
	HighTier bool
	Level    uint8
}

// VP9Profile is the profile of a VP9 stream, 0 to 3: 0 is 8 bits in 4:2:0.
type VP9Profile uint8

// AV1Profile is what an AV1 stream asks of a decoder (AV1 section 5.5.1).
type AV1Profile struct {
	// Profile is seq_profile: 0 is Main. Level is seq_level_idx: 5 is level 3.1, 8 is 4.0.
	Profile, Level uint8
	HighTier       bool
}
