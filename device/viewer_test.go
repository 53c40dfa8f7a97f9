package device

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

func newSession() protocol.SessionID { return protocol.SessionID(uuid.Must(uuid.NewV7()).String()) }

// viewer is a browser played by the library.
type viewer struct {
	t          *testing.T
	pc         *webrtc.PeerConnection
	candidates chan string
	packets    chan struct{}
}

func newViewer(t *testing.T, codecs ...webrtc.RTPCodecParameters) *viewer {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	engine := &webrtc.MediaEngine{}
	var err error
	if len(codecs) == 0 {
		err = engine.RegisterDefaultCodecs()
	}
	for _, c := range codecs {
		err = errors.Join(err, engine.RegisterCodec(c, webrtc.RTPCodecTypeVideo))
	}
	if err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{t: t, pc: pc, candidates: make(chan string, 64), packets: make(chan struct{}, 1)}
	t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			t.Errorf("close viewer: %v", err)
		}
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			v.candidates <- c.ToJSON().Candidate
		}
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			select {
			case v.packets <- struct{}{}:
			default:
			}
		}
	})
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionRecvonly,
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *viewer) offer(revision int) *protocol.Offer {
	v.t.Helper()
	offer, err := v.pc.CreateOffer(nil)
	if err == nil {
		err = v.pc.SetLocalDescription(offer)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return &protocol.Offer{Revision: revision, SDP: offer.SDP}
}

func (v *viewer) takes(answer protocol.Message) {
	v.t.Helper()
	d, ok := answer.(*protocol.Describe)
	if !ok || d.Kind != protocol.DescribeAnswer {
		v.t.Fatalf("got %+v, want an answer", answer)
	}
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: d.SDP}); err != nil {
		v.t.Fatal(err)
	}
}

// invitation is an invite as hubs make them.
func invitation(offer *protocol.Offer) *protocol.Invite {
	expires := time.Now().Add(time.Hour)
	return &protocol.Invite{
		Viewer: protocol.Viewer{Name: "somebody", SameNetwork: true}, Grants: []protocol.Right{protocol.RightView},
		Policy:  protocol.Policy{Path: protocol.PathPreferDirect, Expires: expires},
		Expires: expires, Media: protocol.Media{Video: true}, Offer: offer, Trickle: true,
	}
}

// opens invites the device for a viewer and waits for its answer.
func (w *wire) opens(session protocol.SessionID, v *viewer) {
	w.t.Helper()
	invite := w.ask(protocol.TypeInvite, session, invitation(v.offer(1)))
	replied := false
	for {
		e, body := w.read()
		switch {
		case e.Type == protocol.TypeReply && e.Re == invite:
			replied = true
		case e.Type == protocol.TypeDescribe && e.Session == session:
			v.takes(body)
			if !replied {
				w.until(protocol.TypeReply)
			}
			return
		case !slices.Contains(chatter, e.Type):
			w.t.Fatalf("the device sent %s %s, want its answer", e.Type, e.Data)
		}
	}
}

// settled waits until no goroutine of an agent is left.
func settled(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		left := goroutines()
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
			return
		}
		runtime.Gosched()
	}
}

// goroutines are the stacks in the agent that no test runs itself.
func goroutines() []string {
	buffer := make([]byte, 4<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(stack, "sightline/device") && !strings.Contains(stack, "_test.go") {
			left = append(left, stack)
		}
	}
	return left
}
