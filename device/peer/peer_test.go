package peer

import (
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestPictureReachesTheViewer(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	s.until("a path", func() bool { return len(s.paths) > 0 })
	if got := s.paths[0]; got.Kind != protocol.PathDirect || got.Means != "ice" || got.Protocol != "udp" {
		t.Errorf("path: got %+v, want a direct one by ice over udp", got)
	}
	s.until("stats", func() bool { return len(s.stats) > 1 })
	got := s.stats[len(s.stats)-1]
	if !got.Media || got.Packets == 0 || got.Bytes == 0 || got.Frames == 0 || got.BitrateKbps == 0 {
		t.Errorf("stats: got %+v, want figures of a flowing picture", got)
	}
}
