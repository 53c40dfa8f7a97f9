package peer

import (
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// witness is a viewer's end that says what came.
type witness struct{ *twcc.Recorder }

func newWitness() witness { return witness{twcc.NewRecorder(1)} }

// hear records a packet that came at a time on a clock of the viewer's own.
func (w witness) hear(number uint16, at time.Duration) {
	w.Record(2, number, (time.Hour + at).Microseconds())
}

// report passes the feedback through its form on the wire.
func (w witness) report(t *testing.T) []*rtcp.TransportLayerCC {
	t.Helper()
	var all []*rtcp.TransportLayerCC
	for _, p := range w.BuildFeedbackPacket() {
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		f := &rtcp.TransportLayerCC{}
		if err := f.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func matched(t *testing.T, d *departures, all []*rtcp.TransportLayerCC) arrivals {
	t.Helper()
	if len(all) != 1 {
		t.Fatalf("got %d feedback packets, want 1", len(all))
	}
	a, _ := d.match(all[0])
	return a
}

func TestFeedbackIsMatchedWithWhatLeft(t *testing.T) {
	d, e, start := &departures{next: 65_530}, newWitness(), time.Now()
	for n := range 20 {
		number := d.add(start.Add(time.Duration(n)*10*time.Millisecond), 100)
		if n != 3 && n != 12 {
			e.hear(number, time.Duration(n)*10*time.Millisecond+30*time.Millisecond+time.Duration(n%3)*time.Millisecond)
		}
	}
	a := matched(t, d, e.report(t))
	if a.received != 18 || a.lost != 2 || a.bytes != 1800 || a.all != 2000 || !a.timed {
		t.Errorf("got %+v, want 18 of 20 packets", a)
	}
	first := a.delay
	for n := 20; n < 40; n++ { // these wait 50 ms longer
		e.hear(d.add(start.Add(time.Duration(n)*10*time.Millisecond), 100), time.Duration(n)*10*time.Millisecond+80*time.Millisecond)
	}
	a = matched(t, d, e.report(t))
	if got := a.delay - first; got < 49*time.Millisecond || got > 51*time.Millisecond {
		t.Errorf("delay grew by %v, want 50ms", got)
	}
}

func TestFeedbackThatDidNotComeIsNoLoss(t *testing.T) {
	d, e, start := &departures{}, newWitness(), time.Now()
	send := func(n int) []*rtcp.TransportLayerCC {
		for range n {
			e.hear(d.add(start, 100), 0)
		}
		return e.report(t)
	}
	matched(t, d, send(10))
	send(10)
	if a := matched(t, d, send(10)); a.received != 20 || a.lost != 0 {
		t.Errorf("got %+v, want what the lost feedback spoke of as received", a)
	}
}

func TestFeedbackAboutNothingIsNothing(t *testing.T) {
	d := &departures{}
	for name, f := range map[string]*rtcp.TransportLayerCC{
		"what never left": {PacketStatusCount: 5, PacketChunks: []rtcp.PacketStatusChunk{
			&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketNotReceived, RunLength: 5},
		}},
		"more than can be": {PacketStatusCount: 60_000, PacketChunks: []rtcp.PacketStatusChunk{
			&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketNotReceived, RunLength: 8191},
		}},
		"arrivals without times": {PacketStatusCount: 5, PacketChunks: []rtcp.PacketStatusChunk{
			&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 5},
		}},
	} {
		if a, ok := d.match(f); ok {
			t.Errorf("%s: got %+v", name, a)
		}
	}
}

func FuzzFeedback(f *testing.F) {
	e := newWitness()
	for n := range uint16(50) {
		if n%7 != 0 {
			e.hear(n, time.Duration(n)*time.Millisecond)
		}
	}
	for _, p := range e.BuildFeedbackPacket() {
		if b, err := p.Marshal(); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		packet := &rtcp.TransportLayerCC{}
		if packet.Unmarshal(b) != nil {
			return
		}
		m := &pathMeter{}
		for range 100 {
			m.departed.add(time.Now(), 1000)
		}
		now := time.Now()
		m.heed(packet, now)
		m.heed(packet, now.Add(time.Second))
		if s := m.state(now.Add(time.Second)); s.estimate < 0 || s.loss < 0 || s.loss > 1 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestViewersFeedbackReachesTheEstimate(t *testing.T) {
	v := newViewer(t, viewing{audio: true})
	s := open(t, newHost(t), v, func(o *Options) { o.Media.Audio = true })
	s.mustOffer(nil)
	v.until("an estimate", func() bool { return s.peer.pathMeter.state(time.Now()).estimate > 0 })
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	if got := s.peer.pathMeter.state(time.Now()); got.loss != 0 || got.congested {
		t.Errorf("on loopback: got %+v, want a path without faults", got)
	}
}
