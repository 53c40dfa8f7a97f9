package peer

import (
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
)

// What is done for each packet of each viewer between the stream and encryption allocates nothing.
func TestPacketOfAViewerCostsNoAllocations(t *testing.T) {
	info := &interceptor.StreamInfo{
		SSRC: 1, SSRCRetransmission: 2, RTCPFeedback: []interceptor.RTCPFeedback{{Type: webrtc.TypeRTCPFBNACK}},
		RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: sdp.TransportCCURI, ID: 3}},
	}
	var last byte
	wire := interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
		last = h.GetExtension(3)[1]
		return len(payload), nil
	})
	m := &pathMeter{pacer: media.NewPacer()}
	chain := (&retransmit{}).BindLocalStream(info, m.BindLocalStream(info, wire))
	header, payload := &rtp.Header{Version: 2, SSRC: 1}, make([]byte, 1200)
	send := func() {
		header.SequenceNumber++
		header.Extension, header.Extensions = false, header.Extensions[:0]
		if _, err := chain.Write(header, payload, nil); err != nil {
			t.Fatal(err)
		}
	}
	send()
	if got := testing.AllocsPerRun(1000, send); got != 0 {
		t.Errorf("allocations a packet: got %v, want none", got)
	}
	if want := byte(header.SequenceNumber - 1); last != want {
		t.Errorf("number of the last packet: got %d, want %d modulo 256", last, want)
	}
}
