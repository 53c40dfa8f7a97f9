//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pionsdp "github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// askSpacing is the least time between two requests for a keyframe.
const askSpacing = 500 * time.Millisecond

// signaling is the way of one viewer's offer to who has the picture.
type signaling interface {
	// prepare adds to the offer what the other end serves besides picture and sound.
	prepare(pc *webrtc.PeerConnection) error
	// exchange hands over an offer that has all candidates, and returns the answer. What the other end finds later goes
	// to candidate, which may be called before exchange returns.
	exchange(ctx context.Context, offer string, candidate func(webrtc.ICECandidateInit)) (answer string, err error)
	// failed is closed or sent to when the session has ended by itself; nil means that nobody tells.
	failed() <-chan error
	// end leaves.
	end()
}

// viewer looks at one camera.
type viewer struct {
	signaling signaling
	pc        *webrtc.PeerConnection
	began     time.Time
	// played is closed at the first frame.
	played chan struct{}

	mu       sync.Mutex // guards what follows
	pictures pictures
	asked    time.Time
	seen     sighting
	// early are candidates that came before the answer.
	early    []webrtc.ICECandidateInit
	answered bool
}

// sighting is what one viewer saw.
type sighting struct {
	firstFrame      time.Duration
	frames, freezes int
	packets         int64 // of RTP, retransmissions included
	rtx, bytes      int64
}

// open makes the peer connection and brings it up as far as an answer. Whoever calls it calls close too.
func (v *viewer) open(ctx context.Context, loss float64) (err error) {
	v.began = time.Now()
	api, err := viewerAPI(loss)
	if err != nil {
		return err
	}
	if v.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return err
	}
	v.pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { v.read(t) })
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := v.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return err
		}
	}
	if err := v.signaling.prepare(v.pc); err != nil {
		return err
	}
	offer, err := v.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	if err := v.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	answer, err := v.signaling.exchange(ctx, v.pc.LocalDescription().SDP, v.candidate)
	if err != nil {
		return err
	}
	return v.answer(answer)
}

func (v *viewer) answer(text string) error {
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: text}); err != nil {
		return fmt.Errorf("take the answer: %w", err)
	}
	v.mu.Lock()
	early := v.early
	v.early, v.answered = nil, true
	v.mu.Unlock()
	for _, c := range early {
		v.candidate(c)
	}
	return nil
}

// candidate takes one of the other end's; one that cannot be used is as good as none.
func (v *viewer) candidate(c webrtc.ICECandidateInit) {
	v.mu.Lock()
	if !v.answered {
		v.early = append(v.early, c)
		v.mu.Unlock()
		return
	}
	v.mu.Unlock()
	_ = v.pc.AddICECandidate(c)
}

// read counts the packets of a track to its end.
func (v *viewer) read(t *webrtc.TrackRemote) {
	video := t.Kind() == webrtc.RTPCodecTypeVideo
	if video {
		v.mu.Lock()
		v.pictures.key = keyframes(t.Codec().MimeType)
		v.mu.Unlock()
	}
	b := make([]byte, 1500)
	for {
		n, attributes, err := t.Read(b)
		if err != nil {
			return
		}
		var p rtp.Packet
		if p.Unmarshal(b[:n]) != nil {
			continue
		}
		ask, missing := v.note(&p, n, attributes.Get(webrtc.AttributeRtxSsrc) != nil, video)
		var requests []rtcp.Packet
		if ask {
			requests = append(requests, &rtcp.PictureLossIndication{MediaSSRC: uint32(t.SSRC())})
		}
		if len(missing) > 0 {
			requests = append(requests, &rtcp.TransportLayerNack{
				MediaSSRC: uint32(t.SSRC()), Nacks: rtcp.NackPairsFromSequenceNumbers(missing),
			})
		}
		if len(requests) > 0 {
			_ = v.pc.WriteRTCP(requests) // what does not go out is asked for again
		}
	}
}

// note counts a packet of n bytes and tells whether to ask for a keyframe, and for which packets.
func (v *viewer) note(p *rtp.Packet, n int, repaired, video bool) (ask bool, missing []uint16) {
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen.packets++
	v.seen.bytes += int64(n)
	if repaired {
		v.seen.rtx++
	}
	if !video || len(p.Payload) == 0 {
		return false, nil
	}
	waiting := v.pictures.first.IsZero()
	if v.pictures.take(&p.Header, p.Payload, now) && now.Sub(v.asked) > askSpacing && now.Sub(v.began) > askSpacing {
		v.asked, ask = now, true
	}
	if waiting && !v.pictures.first.IsZero() {
		close(v.played)
	}
	return ask, v.pictures.missing(now)
}

// sighting is what the viewer has seen by now.
func (v *viewer) sighting() sighting {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.pictures
	p.rest(time.Now())
	s := v.seen
	s.firstFrame, s.frames, s.freezes = p.first.Sub(v.began), p.frames, p.freezes
	return s
}

// playing waits for the first frame.
func (v *viewer) playing(ctx context.Context) error {
	select {
	case <-v.played:
		return nil
	case err := <-v.signaling.failed():
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the first frame: %w", context.Cause(ctx))
	}
}

func (v *viewer) close() {
	v.signaling.end()
	if v.pc != nil {
		_ = v.pc.GracefulClose()
	}
}

// viewerAPI makes what a viewer's peer connection is made of: the library's codecs, and of its interceptors those of a
// browser that only looks. The library's NACKs are left out: they go on for packets that have come as RTX.
func viewerAPI(loss float64) (*webrtc.API, error) {
	var settings webrtc.SettingEngine
	quiet := logging.NewDefaultLoggerFactory()
	quiet.Writer = io.Discard // what matters shows in the figures
	settings.LoggerFactory = quiet
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	engine, registry := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	var errs []error
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		engine.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, kind)
		errs = append(errs, engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: pionsdp.TransportCCURI}, kind))
	}
	engine.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}, webrtc.RTPCodecTypeVideo)
	engine.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"}, webrtc.RTPCodecTypeVideo)
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(quiet))
	errs = append(errs, err)
	feedback, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(quiet))
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	for _, f := range []interceptor.Factory{lossy(loss), reports, feedback} {
		registry.Add(f)
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry)), nil
}

// lossy loses its share of the packets that come in, before any other interceptor sees them.
type lossy float64

// NewInterceptor implements interceptor.Factory.
func (l lossy) NewInterceptor(string) (interceptor.Interceptor, error) { return &losing{share: l}, nil }

type losing struct {
	interceptor.NoOp
	share lossy
}

// BindRemoteStream implements interceptor.Interceptor.
func (l *losing) BindRemoteStream(_ *interceptor.StreamInfo, next interceptor.RTPReader) interceptor.RTPReader {
	return interceptor.RTPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		for {
			n, out, err := next.Read(b, a)
			if err != nil || rand.Float64() >= float64(l.share) { //nolint:gosec // losses need no secret
				return n, out, err
			}
		}
	})
}
