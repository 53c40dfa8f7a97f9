package source

import (
	"log/slog"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
)

// FuzzPackets: whatever a camera sends as payloads, with holes or without, becomes access units of a bounded size or nothing.
func FuzzPackets(f *testing.F) {
	formats := []format.Format{
		&format.H264{PayloadTyp: 96, PacketizationMode: 1}, &format.H265{PayloadTyp: 96}, &format.VP8{PayloadTyp: 96},
		&format.VP9{PayloadTyp: 96}, &format.AV1{PayloadTyp: 96},
	}
	for i := range formats {
		f.Add(uint8(i), []byte{4, 0x67, 1, 2, 3, 3, 0x65, 0x88, 0x80, 2, 0x41, 0x9a})
		f.Add(uint8(i), []byte{3, 0x7c, 0x85, 1, 3, 0x7c, 0x45, 2, 4, 0x10, 0, 1, 2})
		f.Add(uint8(i), []byte{6, 0x18, 0x0a, 0x0b, 0, 0, 0, 0, 5, 0x62, 0x01, 0x93, 0xaf, 0x0d})
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		out := newSink()
		track := newVideoTrack(nil, formats[int(which)%len(formats)])
		intake, err := newVideoIntake(out, track, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for n := uint16(0); len(data) > 0; n++ {
			length := min(int(data[0]&0x3f), len(data)-1)
			if data[0]&0x40 != 0 {
				n++ // a hole
			}
			p := &rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: n, Timestamp: uint32(n/2) * 3000, Marker: data[0]&0x80 != 0},
				Payload: data[1 : 1+length],
			}
			data = data[1+length:]
			intake.packet(p, duration(int64(p.Timestamp), media.VideoClockRate), true)
		}
		for _, u := range out.units {
			if len(u.NALUs) == 0 || u.Codec != track.codec || u.Key != media.IsKey(u.Codec, u.NALUs) {
				t.Errorf("got %+v", u)
			}
		}
	})
}
