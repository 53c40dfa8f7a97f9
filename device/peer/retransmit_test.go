package peer

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// wire keeps what is written to it.
type wire struct{ packets []rtp.Packet }

func (w *wire) Write(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
	w.packets = append(w.packets, rtp.Packet{Header: *h, Payload: slices.Clone(payload)})
	return len(payload), nil
}

func bindStream(r *retransmit, w *wire, rtx uint32) interceptor.RTPWriter {
	return r.BindLocalStream(&interceptor.StreamInfo{
		SSRC: 1, SSRCRetransmission: rtx, PayloadTypeRetransmission: 97,
		RTCPFeedback: []interceptor.RTCPFeedback{{Type: "nack"}},
	}, w)
}

func sendPackets(t *testing.T, to interceptor.RTPWriter, first uint16, n int) {
	t.Helper()
	for i := range n {
		seq := first + uint16(i)
		h := rtp.Header{Version: 2, SSRC: 1, PayloadType: 96, SequenceNumber: seq, Timestamp: uint32(seq) * 10, Marker: true}
		if _, err := to.Write(&h, []byte{byte(seq)}, nil); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
}

func TestNACKIsAnsweredWithRTXAcrossTheWrap(t *testing.T) {
	r, w := &retransmit{}, &wire{}
	sendPackets(t, bindStream(r, w, 2), 65535, 3)
	w.packets = nil
	r.resend(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{65535, 0})})
	want := []rtp.Packet{
		{
			Header:  rtp.Header{Version: 2, SSRC: 2, PayloadType: 97, SequenceNumber: 0, Timestamp: 655350, Marker: true},
			Payload: []byte{0xff, 0xff, 0xff},
		},
		{
			Header:  rtp.Header{Version: 2, SSRC: 2, PayloadType: 97, SequenceNumber: 1, Marker: true},
			Payload: []byte{0, 0, 0},
		},
	}
	if diff := cmp.Diff(want, w.packets); diff != "" {
		t.Errorf("resent: %s", diff)
	}
}

func TestNACKIsAnsweredWithThePacketItselfWithoutRTX(t *testing.T) {
	r, w := &retransmit{}, &wire{}
	sendPackets(t, bindStream(r, w, 0), 7, 1)
	r.resend(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{7})})
	if len(w.packets) != 2 {
		t.Fatalf("packets: got %d, want 2", len(w.packets))
	}
	if diff := cmp.Diff(w.packets[0], w.packets[1]); diff != "" {
		t.Errorf("resent: %s", diff)
	}
}

func TestOldAndUnknownPacketsAreNotResent(t *testing.T) {
	r, w := &retransmit{}, &wire{}
	sendPackets(t, bindStream(r, w, 2), 0, historySize+1)
	w.packets = nil
	r.resend(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{0, historySize + 1})})
	r.resend(&rtcp.TransportLayerNack{MediaSSRC: 9, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{5})})
	if len(w.packets) != 0 {
		t.Errorf("resent: got %v, want nothing", w.packets)
	}
}

func TestOneNACKIsAnsweredWithinABudget(t *testing.T) {
	r, w := &retransmit{}, &wire{}
	sendPackets(t, bindStream(r, w, 2), 0, 2*resendBudget)
	w.packets = nil
	lost := make([]uint16, 2*resendBudget)
	for i := range lost {
		lost[i] = uint16(i)
	}
	r.resend(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers(lost)})
	if got := len(w.packets); got != resendBudget {
		t.Errorf("resent: got %d, want %d", got, resendBudget)
	}
}

func TestSendingKeepsNoCopies(t *testing.T) {
	r := &retransmit{}
	out := r.BindLocalStream(&interceptor.StreamInfo{SSRC: 1, RTCPFeedback: []interceptor.RTCPFeedback{{Type: "nack"}}},
		interceptor.RTPWriterFunc(func(*rtp.Header, []byte, interceptor.Attributes) (int, error) { return 0, nil }))
	h, payload := &rtp.Header{Version: 2, SSRC: 1}, make([]byte, 1188)
	if got := testing.AllocsPerRun(100, func() {
		h.SequenceNumber++
		if _, err := out.Write(h, payload, nil); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("allocations per packet: got %v, want 0", got)
	}
}

func TestRetransmissionsOfAStreamAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := &retransmit{}, &wire{}
		sendPackets(t, bindStream(r, w, 2), 0, historySize)
		w.packets = nil
		var all []uint16
		for n := range uint16(historySize) {
			all = append(all, n)
		}
		flood := func() {
			for range 100 {
				r.resend(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers(all)})
			}
		}
		flood()
		if len(w.packets) != resendRate {
			t.Errorf("resent at once: got %d, want %d", len(w.packets), resendRate)
		}
		time.Sleep(time.Second)
		flood()
		if len(w.packets) != 2*resendRate {
			t.Errorf("resent a second later: got %d, want %d", len(w.packets), 2*resendRate)
		}
	})
}

func TestPacketThatIsMissedAgainIsSentTwice(t *testing.T) {
	for name, test := range map[string]struct{ carries, want int }{
		"on a path that was never full": {0, 2}, "on one that was": {600_000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := &retransmit{}, &wire{}
			sendPackets(t, bindStream(r, w, 2), 0, 3)
			r.bound(test.carries)
			nack := &rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{1})}
			r.resend(nack)
			w.packets = nil
			r.resend(nack)
			if got := len(w.packets); got != test.want || int(r.resent.Load()) != test.want+1 {
				t.Errorf("packets: got %d, want %d; counted %d", got, test.want, r.resent.Load())
			}
		})
	}
}

func TestRetransmissionsTakeTheirShareOfAFullPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const carries, seconds = 1_000_000, 10
		r, w := &retransmit{}, &wire{}
		sendPackets(t, bindStream(r, w, 2), 0, historySize)
		r.bound(carries)
		w.packets = nil
		for n := range seconds * 100 {
			r.resend(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{uint16(n)})})
			time.Sleep(10 * time.Millisecond)
		}
		const most = (seconds + 1) * resendShare * carries / 8 / packetBytes
		if got := float64(len(w.packets)); got > most || got < most/2 {
			t.Errorf("packets in %d s: got %.0f, want up to %.0f", seconds, got, most)
		}
	})
}

func TestPathIsTriedWithCopiesOfWhatWasSent(t *testing.T) {
	r, w := &retransmit{}, &wire{}
	if r.pads() || r.pad() != 0 {
		t.Error("there is something to copy before anything was sent")
	}
	sendPackets(t, bindStream(r, w, 2), 0, 100)
	w.packets = nil
	for range 3 {
		if r.pad() == 0 {
			t.Fatal("no copy was sent")
		}
	}
	for i, p := range w.packets {
		if p.SSRC != 2 || p.Payload[0] != 0 || p.Payload[1] != byte(98-i) {
			t.Errorf("copy %d: got %+v, want one of the newest packets as RTX", i, p)
		}
	}
	if got := r.resent.Load(); got != 0 {
		t.Errorf("counted as sent again: got %d, want none", got)
	}
}
