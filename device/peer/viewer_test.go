package peer

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// viewer is a browser played by the library.
type viewer struct {
	t        *testing.T
	pc       *webrtc.PeerConnection
	session  *session
	revision int
	// silent keeps the viewer's candidates to itself, hold those that it picks until release.
	silent bool
	hold   func(line string) bool
	// left is set when its end begins: what comes then has nobody to take it.
	left atomic.Bool

	mu      sync.Mutex // guards all below
	changed chan struct{}
	got     map[webrtc.RTPCodecType]int
	repairs int // packets that came as RTX
	tracks  map[webrtc.RTPCodecType]*webrtc.TrackRemote
	held    []protocol.Candidate
}

// viewing is how a viewer differs from the usual one.
type viewing struct {
	settings func(*webrtc.SettingEngine)
	config   webrtc.Configuration
	audio    bool
	silent   bool
	codecs   func(*webrtc.MediaEngine) error
}

func newViewer(t *testing.T, w viewing) *viewer {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.LoggerFactory = loggers{slog.New(slog.DiscardHandler)}
	if w.settings != nil {
		w.settings(&settings)
	}
	engine := &webrtc.MediaEngine{}
	if w.codecs == nil {
		w.codecs = (*webrtc.MediaEngine).RegisterDefaultCodecs
	}
	registry := &interceptor.Registry{}
	if err := errors.Join(w.codecs(engine), webrtc.RegisterDefaultInterceptors(engine, registry)); err != nil {
		t.Fatalf("make viewer: %v", err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(registry)).NewPeerConnection(w.config)
	if err != nil {
		t.Fatalf("make viewer: %v", err)
	}
	v := &viewer{
		t: t, pc: pc, silent: w.silent, changed: make(chan struct{}),
		got: make(map[webrtc.RTPCodecType]int), tracks: make(map[webrtc.RTPCodecType]*webrtc.TrackRemote),
	}
	kinds := []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo}
	if w.audio {
		kinds = append(kinds, webrtc.RTPCodecTypeAudio)
	}
	for _, kind := range kinds {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionRecvonly,
		}); err != nil {
			t.Fatalf("add %s: %v", kind, err)
		}
	}
	var reading sync.WaitGroup
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		reading.Add(1)
		defer reading.Done()
		v.read(track)
	})
	pc.OnICECandidate(v.found)
	t.Cleanup(func() {
		v.left.Store(true)
		if err := pc.GracefulClose(); err != nil {
			t.Errorf("close viewer: %v", err)
		}
		reading.Wait()
	})
	return v
}

func (v *viewer) read(track *webrtc.TrackRemote) {
	v.mu.Lock()
	v.tracks[track.Kind()] = track
	v.mu.Unlock()
	for {
		_, attributes, err := track.ReadRTP()
		if err != nil {
			return
		}
		v.mu.Lock()
		v.got[track.Kind()]++
		if attributes.Get(webrtc.AttributeRtxSsrc) != nil {
			v.repairs++
		}
		close(v.changed)
		v.changed = make(chan struct{})
		v.mu.Unlock()
	}
}

func (v *viewer) found(c *webrtc.ICECandidate) {
	if c == nil || v.silent || v.session == nil {
		return
	}
	line := c.ToJSON().Candidate
	_, ufrag, _ := strings.Cut(line, " ufrag ")
	v.mu.Lock()
	candidate := protocol.Candidate{Revision: v.revision, Candidate: line, Mid: "0", Ufrag: ufrag}
	keep := v.hold != nil && v.hold(line)
	if keep {
		v.held = append(v.held, candidate)
	}
	v.mu.Unlock()
	if !keep {
		v.send(candidate)
	}
}

// release tells the candidates that were held, and holds no more.
func (v *viewer) release() {
	v.mu.Lock()
	held := v.held
	v.held, v.hold = nil, nil
	v.mu.Unlock()
	for _, c := range held {
		v.send(c)
	}
}

func (v *viewer) send(c protocol.Candidate) {
	if err := v.session.peer.Candidate(c); err != nil && !errors.Is(err, ErrClosed) {
		v.t.Errorf("candidate: %v", err)
	}
}

func (v *viewer) offer(o *webrtc.OfferOptions) protocol.Offer {
	v.t.Helper()
	v.mu.Lock()
	v.revision++ // first: with an ICE restart the library begins to gather while it makes the offer
	revision := v.revision
	v.mu.Unlock()
	offer, err := v.pc.CreateOffer(o)
	if err != nil {
		v.t.Fatalf("create offer: %v", err)
	}
	if err := v.pc.SetLocalDescription(offer); err != nil {
		v.t.Fatalf("set offer: %v", err)
	}
	return protocol.Offer{Revision: revision, SDP: offer.SDP}
}

func (v *viewer) answer(d protocol.Describe) {
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: d.SDP}); err != nil && !v.gone() {
		v.t.Errorf("set answer: %v", err)
	}
}

func (v *viewer) candidate(c protocol.Candidate) {
	mline := uint16(c.MLine)
	if err := v.pc.AddICECandidate(webrtc.ICECandidateInit{
		Candidate: c.Candidate, SDPMid: &c.Mid, SDPMLineIndex: &mline,
	}); err != nil && !v.gone() {
		v.t.Errorf("add candidate %q: %v", c.Candidate, err)
	}
}

func (v *viewer) gone() bool {
	return v.left.Load() || v.pc.ConnectionState() == webrtc.PeerConnectionStateClosed
}

// until waits for a condition on what came.
func (v *viewer) until(what string, met func() bool) {
	v.t.Helper()
	timeout := time.After(patience)
	for {
		v.mu.Lock()
		ok, changed := met(), v.changed
		v.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			v.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// sees waits for n more packets of a kind.
func (v *viewer) sees(kind webrtc.RTPCodecType, n int) {
	v.t.Helper()
	v.mu.Lock()
	want := v.got[kind] + n
	v.mu.Unlock()
	v.until(kind.String(), func() bool { return v.got[kind] >= want })
}

// filter is a viewer's socket with a say in which packets pass.
type filter struct {
	net.PacketConn
	pass func(packet []byte, from net.Addr) bool
}

func (f *filter) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := f.PacketConn.ReadFrom(b)
		if err != nil || f.pass(b[:n], from) {
			return n, from, err
		}
	}
}

// behind gives a viewer a filtering socket.
func behind(t *testing.T, pass func(packet []byte, from net.Addr) bool) func(*webrtc.SettingEngine) {
	t.Helper()
	var listening net.ListenConfig
	conn, err := listening.ListenPacket(context.Background(), "udp4", net.JoinHostPort(relayAddress(t).String(), "0"))
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: &filter{conn, pass}, Logger: loggers{slog.New(slog.DiscardHandler)}.NewLogger("viewer")})
	t.Cleanup(func() { mux.Close() })
	return func(e *webrtc.SettingEngine) { e.SetICEUDPMux(mux) }
}

// isRTP tells media from STUN, DTLS and RTCP (RFC 7983, RFC 5761).
func isRTP(packet []byte) bool {
	if len(packet) < 12 || packet[0] < 128 || packet[0] > 191 {
		return false
	}
	return packet[1] < 192 || packet[1] > 223
}
