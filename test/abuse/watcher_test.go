//go:build linux

package abuse

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// watcher is somebody who looks at the camera and means no harm.
type watcher struct {
	t       *testing.T
	pc      *webrtc.PeerConnection
	link    *client
	session protocol.SessionID
	mux     *ice.UDPMuxDefault
	doomed  bool
	ready   chan struct{} // closed when the session is known
	reading sync.WaitGroup

	mu   sync.Mutex // guards what follows
	seen picture
	last uint16
}

// picture is what has come of it.
type picture struct{ frames, packets, missing int }

// guise is how somebody who looks differs from a watcher.
type guise struct {
	settings func(*webrtc.SettingEngine)
	// prepare is done before the offer.
	prepare func(*webrtc.PeerConnection)
	// doomed says that the session may end.
	doomed bool
}

// watch has somebody on a host look at the camera, and waits for the picture.
func (s *scene) watch(from *natlab.Host) *watcher {
	s.t.Helper()
	return s.watchAs(from, guise{settings: func(*webrtc.SettingEngine) {}, prepare: func(*webrtc.PeerConnection) {}})
}

func (s *scene) watchAs(from *natlab.Host, as guise) *watcher {
	s.t.Helper()
	socket, err := from.ListenPacket(s.t.Context(), "udp4", net.JoinHostPort(from.Addr.String(), "0"))
	if err != nil {
		s.t.Fatal(err)
	}
	if udp, ok := socket.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(4 << 20) // what is lost here was not lost by the camera
	}
	w := &watcher{t: s.t, mux: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket}), ready: make(chan struct{}), doomed: as.doomed}
	var settings webrtc.SettingEngine
	settings.SetICEUDPMux(w.mux)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	as.settings(&settings)
	engine, registry := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := errors.Join(engine.RegisterDefaultCodecs(), webrtc.ConfigureRTCPReports(registry), webrtc.ConfigureTWCCSender(engine, registry)); err != nil {
		s.t.Fatal(err)
	}
	w.pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(registry)).NewPeerConnection(webrtc.Configuration{})
	if err == nil {
		_, err = w.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(w.close)
	as.prepare(w.pc)
	w.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { w.reading.Go(func() { w.read(track) }) })
	gathered := webrtc.GatheringCompletePromise(w.pc)
	offer, err := w.pc.CreateOffer(nil)
	if err == nil {
		err = w.pc.SetLocalDescription(offer)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	<-gathered
	w.link = s.dial(from, w.heard)
	w.session = w.link.open(s.device, w.pc.LocalDescription().SDP)
	close(w.ready)
	w.sees(30)
	return w
}

func (w *watcher) close() {
	_ = w.pc.GracefulClose()
	_ = w.mux.Close()
	w.reading.Wait()
}

// heard takes what the camera says.
func (w *watcher) heard(e protocol.Envelope, body protocol.Message) {
	<-w.ready
	var err error
	switch m := body.(type) {
	case *protocol.Describe:
		if m.Kind == protocol.DescribeAnswer {
			err = w.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.SDP})
		}
	case *protocol.Candidate:
		line := uint16(m.MLine) //nolint:gosec // an answer has few sections
		err = w.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: &m.Mid, SDPMLineIndex: &line})
	case *protocol.Error:
		err = m
	case *protocol.Closed:
		if !w.doomed {
			w.t.Errorf("the watcher's session ended: %s", m.Reason)
		}
	}
	if err != nil && w.pc.ConnectionState() != webrtc.PeerConnectionStateClosed {
		w.t.Errorf("the watcher heard %s: %v", e.Type, err)
	}
}

func (w *watcher) read(track *webrtc.TrackRemote) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		w.mu.Lock()
		if w.seen.packets > 0 {
			w.seen.missing += int(int16(packet.SequenceNumber-w.last)) - 1 //nolint:gosec // the distance of two sequence numbers
		}
		w.last = packet.SequenceNumber
		w.seen.packets++
		if packet.Marker {
			w.seen.frames++
		}
		w.mu.Unlock()
	}
}

// sees returns what has come, after so many more frames.
func (w *watcher) sees(more int) picture {
	w.t.Helper()
	w.mu.Lock()
	want := w.seen.frames + more
	w.mu.Unlock()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		seen := w.seen
		w.mu.Unlock()
		if seen.frames >= want {
			return seen
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			w.t.Fatalf("the picture stands still after %+v", seen)
		}
	}
}

// undisturbed checks that the picture went on since before, and is whole.
func (w *watcher) undisturbed(before picture) {
	w.t.Helper()
	if now := w.sees(15); now.missing > before.missing {
		w.t.Errorf("the watcher misses %d of %d packets", now.missing-before.missing, now.packets-before.packets)
	}
}
