package peer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestReportsAboutEverybodyEndTheSession(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	if got := s.peer.intake.made.Load(); got > maxIncoming/4 {
		t.Errorf("an ordinary viewer makes %d buffers, want a quarter of %d at most", got, maxIncoming)
	}
	over := func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonDeviceLeft}) }
	for range 1000 {
		report := &rtcp.ReceiverReport{SSRC: 1}
		for range 31 {
			report.Reports = append(report.Reports, rtcp.ReceptionReport{SSRC: rand.Uint32()})
		}
		if v.pc.WriteRTCP([]rtcp.Packet{report}) != nil {
			break
		}
	}
	s.until("the end of the session", over)
}
