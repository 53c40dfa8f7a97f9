package peer

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// newCameraOfTwo is a camera of two renditions, of which the smaller has the same pictures here.
func newCameraOfTwo(t *testing.T) media.Camera {
	t.Helper()
	return media.Camera{Renditions: []media.Rendition{
		{Name: protocol.RenditionMain, Stream: newStream(t)}, {Name: protocol.RenditionSub, Stream: newStream(t)},
	}}
}

// showing waits until a rendition is sent.
func (s *session) showing(name protocol.RenditionName) {
	s.t.Helper()
	told := make(chan struct{}, 1)
	cancel := s.peer.OnPicture(func() {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	defer cancel()
	timeout := time.After(patience)
	for s.peer.Picture().Rendition != name {
		select {
		case <-told:
		case <-timeout:
			s.t.Fatalf("waited in vain for the rendition %s, got %+v", name, s.peer.Picture())
		}
	}
}

func TestViewerGetsTheRenditionThatFits(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v, func(o *Options) { o.Camera = newCameraOfTwo(t) })
	s.mustOffer(nil)
	s.showing(protocol.RenditionMain)
	s.peer.SetView(protocol.View{})
	s.showing(protocol.RenditionSub)
	s.peer.SetView(protocol.View{Width: 1920, Height: 1080})
	s.showing(protocol.RenditionMain)
	if err := s.peer.Choose(protocol.Choice{Rendition: protocol.RenditionSub}); err != nil {
		t.Fatalf("choose: %v", err)
	}
	s.showing(protocol.RenditionSub)
	if got := s.peer.Picture(); got.Auto || len(got.Renditions) != 2 {
		t.Errorf("picture: got %+v, want the viewer's choice of two", got)
	}
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.until("stats of it", func() bool {
		return len(s.stats) > 0 && s.stats[len(s.stats)-1].Rendition == protocol.RenditionSub
	})
}

func TestRelayCarriesTheSmallerRenditionUnlessThePolicySaysHD(t *testing.T) {
	v, _ := throughRelay(t)
	s := open(t, newHost(t), v, func(o *Options) { o.Camera = newCameraOfTwo(t) })
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.showing(protocol.RenditionSub)
	s.peer.SetPolicy(protocol.Policy{RelayHD: true, Expires: time.Now().Add(time.Hour)})
	s.showing(protocol.RenditionMain)
	s.peer.Close(protocol.ReasonViewerLeft)
	got := s.stats[len(s.stats)-1]
	if !got.Last || got.RelayS <= 0 || got.DirectS != 0 {
		t.Errorf("last report: got %+v, want the time over the relay", got)
	}
}

func TestCameraStartsWithWhatHasAPicture(t *testing.T) {
	camera := newCameraOfTwo(t)
	camera.Renditions[0].Stream = media.NewStream(media.Config{})
	v := newViewer(t, viewing{})
	s := open(t, newHost(t, func(c *Config) { c.FormatTimeout = time.Millisecond }), v, func(o *Options) { o.Camera = camera })
	s.mustOffer(nil)
	s.showing(protocol.RenditionSub)
	v.sees(webrtc.RTPCodecTypeVideo, 1)
	runSource(t, camera.Renditions[0].Stream)
	s.showing(protocol.RenditionMain)
}

func TestReportsTellHowTheSessionWent(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	s.until("a report", func() bool { return len(s.stats) > 1 })
	s.peer.RequestKeyframe()
	s.peer.Close(protocol.ReasonViewerLeft)
	for i, got := range s.stats {
		if got.Last != (i == len(s.stats)-1) {
			t.Errorf("report %d of %d: last is %v", i+1, len(s.stats), got.Last)
		}
	}
	got := s.stats[len(s.stats)-1]
	m := got.Milestones
	if m == nil || m.OfferMS <= 0 || m.AnswerMS < m.OfferMS || m.ICEMS < m.OfferMS || m.DTLSMS < m.ICEMS || m.KeyframeMS < m.DTLSMS {
		t.Errorf("milestones: got %+v, want all in order", m)
	}
	if got.KeyframeRequests == 0 || got.EstimateKbps <= 0 || got.DirectS <= 0 || got.RelayS != 0 || got.Rendition != protocol.RenditionMain {
		t.Errorf("got %+v, want a keyframe request, an estimate and the time of the direct path", got)
	}
}

func TestBrakeIsTheLastMeans(t *testing.T) {
	now, b := time.Now(), &brake{}
	full := pathState{estimate: 500_000, congested: true, full: true}
	for n, look := range []struct {
		after time.Duration
		path  pathState
		bps   int
		on    bool
	}{
		{0, pathState{estimate: 500_000}, 0, false},
		{0, full, 500_000, false},
		{500 * time.Millisecond, full, 500_000, false},
		{600 * time.Millisecond, full, 500_000, true},
		{time.Second, pathState{estimate: 900_000, full: true}, 900_000, true},
		{time.Second, pathState{estimate: 1_300_000, full: true}, 1_300_000, false},
		{time.Second, full, 500_000, false},
		{time.Second, pathState{estimate: 950_000, congested: true, full: true}, 950_000, false},
		{time.Second, full, 500_000, false},
	} {
		now = now.Add(look.after)
		if bps, on := b.decide(now, look.path, 1_000_000); bps != look.bps || on != look.on {
			t.Errorf("look %d: got %d, %v; want %d, %v", n, bps, on, look.bps, look.on)
		}
	}
}
