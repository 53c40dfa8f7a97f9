package source

import (
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// videoTrack is the pictures that are taken of a camera.
type videoTrack struct {
	media  *description.Media
	format format.Format
	codec  media.Codec
}

// newVideoTrack returns nil for a format that does not pass through.
func newVideoTrack(m *description.Media, f format.Format) *videoTrack {
	t := &videoTrack{media: m, format: f}
	switch f.(type) {
	case *format.H264:
		t.codec = media.CodecH264
	case *format.H265:
		t.codec = media.CodecH265
	case *format.VP8:
		t.codec = media.CodecVP8
	case *format.VP9:
		t.codec = media.CodecVP9
	case *format.AV1:
		t.codec = media.CodecAV1
	default:
		return nil
	}
	return t
}

// parameterSets are those of the SDP: some cameras do not repeat them in the stream.
func (t *videoTrack) parameterSets() [][]byte {
	switch f := t.format.(type) {
	case *format.H264:
		return allOrNone(f.SPS, f.PPS)
	case *format.H265:
		return allOrNone(f.VPS, f.SPS, f.PPS)
	}
	return nil
}

func allOrNone(sets ...[]byte) [][]byte {
	for _, set := range sets {
		if len(set) == 0 {
			return nil
		}
	}
	return sets
}

// rtspTracks are what is taken of a camera, and what is left.
type rtspTracks struct {
	video *videoTrack
	audio *audioTrack // nil when there is none
	notes []protocol.Note
}

// chooseTracks takes the first pictures and the first sound that browsers understand. Cameras with two lenses announce two
// tracks of pictures: the first is that of the main one.
func chooseTracks(session *description.Session) (*rtspTracks, error) {
	var t rtspTracks
	var videos, sounds []string // that do not pass
	for _, m := range session.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			switch m.Type {
			case description.MediaTypeVideo:
				if v := newVideoTrack(m, f); v == nil {
					videos = append(videos, codecName(f))
				} else if t.video == nil {
					t.video = v
				}
			case description.MediaTypeAudio:
				if a := newAudioTrack(m, f); a == nil {
					sounds = append(sounds, codecName(f))
				} else if t.audio == nil {
					t.audio = a
				}
			}
		}
	}
	if t.video == nil && len(videos) > 0 {
		return nil, protocol.Errorf(protocol.CodeCodec,
			"the camera sends %s; set it, or this stream of it, to H.264", strings.Join(videos, ", "))
	}
	if t.video == nil {
		return nil, protocol.Errorf(protocol.CodeCodec, "the camera sends no video on this stream")
	}
	if t.audio == nil && len(sounds) > 0 {
		t.notes = append(t.notes, protocol.Note{Code: protocol.NoteAudioDropped, Message: fmt.Sprintf(
			"the camera's sound is %s, which browsers do not play: set it to G.711 or Opus", strings.Join(sounds, ", "))})
	}
	return &t, nil
}

// codecName is what people call a format.
func codecName(f format.Format) string {
	switch f := f.(type) {
	case *format.MJPEG:
		return "Motion JPEG"
	case *format.MPEG4Video:
		return "MPEG-4 video"
	case *format.MPEG4Audio, *format.MPEG4AudioLATM:
		return "AAC"
	case *format.G726:
		return "G.726"
	case *format.G722:
		return "G.722"
	case *format.G711:
		return fmt.Sprintf("G.711 of %d channels", f.ChannelCount)
	case *format.Opus:
		return fmt.Sprintf("Opus of %d channels", f.ChannelCount)
	}
	name, _, _ := strings.Cut(f.RTPMap(), "/")
	if name == "" {
		name = fmt.Sprintf("payload type %d", f.PayloadType())
	}
	return name
}
