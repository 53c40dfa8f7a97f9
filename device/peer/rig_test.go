package peer

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 15 * time.Second

// Parameter sets of a 1280x720 High stream.
var (
	testSPS = []byte{
		0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x6c, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00,
		0x00, 0x1e, 0x07, 0x8c, 0x18, 0xcb,
	}
	testPPS = []byte{0x68, 0xce, 0x3c, 0x80}
)

// newStream is a source of 50 pictures a second with a keyframe every 25, and PCMU sound.
func newStream(t *testing.T) *media.Stream {
	t.Helper()
	stream := media.NewStream(media.Config{})
	runSource(t, stream)
	return stream
}

// runSource feeds a stream until the test ends.
func runSource(t *testing.T, stream *media.Stream) {
	t.Helper()
	stream.Restarted(&media.AudioFormat{Codec: media.CodecPCMU, ClockRate: 8000, Channels: 1})
	stop := make(chan struct{})
	var source sync.WaitGroup
	source.Go(func() {
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for n := 0; ; n++ {
			writePicture(stream, n)
			stream.WriteAudio(media.AudioFrame{Payload: make([]byte, 160), PTS: time.Duration(n) * 20 * time.Millisecond})
			select {
			case <-ticks.C:
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		source.Wait()
	})
}

// cameraOf is a camera of one rendition.
func cameraOf(stream *media.Stream) media.Camera {
	return media.Camera{Renditions: []media.Rendition{{Name: protocol.RenditionMain, Stream: stream}}}
}

func writePicture(stream *media.Stream, n int) {
	au := media.AccessUnit{PTS: time.Duration(n) * 20 * time.Millisecond}
	if n%25 == 0 {
		idr := slices.Repeat([]byte{0x88}, 6000)
		idr[0] = 0x65
		au.NALUs = [][]byte{testSPS, testPPS, idr}
	} else {
		slice := slices.Repeat([]byte{0x9a}, 1500)
		slice[0] = 0x41
		au.NALUs = [][]byte{slice}
	}
	stream.WriteVideo(au)
}

// newHost listens on the machine's addresses, with times short enough for a test.
func newHost(t *testing.T, change ...func(*Config)) *Host {
	t.Helper()
	cfg := Config{ReportInterval: 300 * time.Millisecond}
	if os.Getenv("PEER_TEST_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	for _, c := range change {
		c(&cfg)
	}
	h, err := NewHost(cfg)
	if err != nil {
		t.Fatalf("make host: %v", err)
	}
	listen(t, h)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close host: %v", err)
		}
	})
	return h
}

// listen opens a media port for the host and runs it.
func listen(t *testing.T, h *Host) {
	t.Helper()
	listenOn(t, h, reach.Config{Logger: h.log})
}

func listenOn(t *testing.T, h *Host, cfg reach.Config) {
	t.Helper()
	port, err := reach.Open(cfg)
	if err != nil {
		t.Fatalf("open media port: %v", err)
	}
	if err := h.Listen(port); err != nil {
		t.Fatalf("listen: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := port.Run(ctx); err != nil {
			t.Errorf("run media port: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

func newSession() protocol.SessionID { return protocol.SessionID(uuid.Must(uuid.NewV7()).String()) }

// session is one viewing: a peer, a viewer and what Events told.
type session struct {
	t      *testing.T
	id     protocol.SessionID
	peer   *Peer
	viewer *viewer

	mu         sync.Mutex // guards all below
	changed    chan struct{}
	describes  []protocol.Describe
	candidates []protocol.Candidate
	paths      []protocol.Path
	stats      []protocol.Stats
	closed     []protocol.Reason
	// order names paths and stats as they came.
	order []string
	// mute keeps what the peer says from the viewer.
	mute bool
}

// open makes a session for the viewer.
func open(t *testing.T, h *Host, v *viewer, change ...func(*Options)) *session {
	t.Helper()
	s := &session{t: t, id: newSession(), viewer: v, changed: make(chan struct{})}
	o := Options{
		Session: s.id, Grants: []protocol.Right{protocol.RightView, protocol.RightAudio},
		Media: protocol.Media{Video: true}, Trickle: true, Events: s,
		Policy:      protocol.Policy{Path: protocol.PathPreferDirect, Expires: time.Now().Add(time.Hour)},
		SameNetwork: true,
	}
	for _, c := range change {
		c(&o)
	}
	if o.Camera.Renditions == nil {
		o.Camera = cameraOf(newStream(t))
	}
	p, err := h.Open(o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	s.peer = p
	if v != nil {
		v.session = s
	}
	t.Cleanup(func() { p.Close(protocol.ReasonViewerLeft) })
	return s
}

func (s *session) note(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *session) Describe(_ protocol.SessionID, d protocol.Describe) {
	s.note(func() { s.describes = append(s.describes, d) })
	if d.Kind == protocol.DescribeAnswer && s.viewer != nil && !s.mute {
		s.viewer.answer(d)
	}
}

func (s *session) Candidate(_ protocol.SessionID, c protocol.Candidate) {
	s.note(func() { s.candidates = append(s.candidates, c) })
	if s.viewer != nil && !s.mute && c.Candidate != "" {
		s.viewer.candidate(c)
	}
}

func (s *session) Path(_ protocol.SessionID, p protocol.Path) {
	s.note(func() { s.paths, s.order = append(s.paths, p), append(s.order, string(p.Kind)) })
}

func (s *session) Stats(_ protocol.SessionID, st protocol.Stats) {
	s.note(func() { s.stats, s.order = append(s.stats, st), append(s.order, "stats") })
}

func (s *session) Closed(_ protocol.SessionID, r protocol.Reason) {
	s.note(func() { s.closed = append(s.closed, r) })
}

// until waits for a condition on what Events told.
func (s *session) until(what string, met func() bool) {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		ok, changed := met(), s.changed
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// offer has the viewer offer and the peer answer.
func (s *session) offer(o *webrtc.OfferOptions) error {
	s.t.Helper()
	return s.peer.Offer(s.t.Context(), s.viewer.offer(o))
}

func (s *session) mustOffer(o *webrtc.OfferOptions) {
	s.t.Helper()
	if err := s.offer(o); err != nil {
		s.t.Fatalf("offer: %v", err)
	}
}

// withoutCandidates is an answer that says nothing of where the device is.
func withoutCandidates(d protocol.Describe) protocol.Describe {
	var kept strings.Builder
	for line := range strings.Lines(d.SDP) {
		if !strings.HasPrefix(line, "a=candidate:") {
			kept.WriteString(line)
		}
	}
	d.SDP = kept.String()
	return d
}
