package peer

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// line is a data channel of a viewer's.
type line struct {
	v       *viewer
	channel *webrtc.DataChannel

	mu      sync.Mutex // guards all below
	changed chan struct{}
	open    bool
	closed  bool
	got     []message
}

// dial makes a data channel. Of one that is made when the viewer is connected the first messages may come before the library
// was told who takes them.
func (v *viewer) dial(label string, how *webrtc.DataChannelInit) *line {
	v.t.Helper()
	channel, err := v.pc.CreateDataChannel(label, how)
	if err != nil {
		v.t.Fatalf("make data channel: %v", err)
	}
	l := &line{v: v, channel: channel, changed: make(chan struct{})}
	channel.OnOpen(func() { l.note(func() { l.open = true }) })
	channel.OnClose(func() { l.note(func() { l.closed = true }) })
	channel.OnMessage(func(m webrtc.DataChannelMessage) {
		l.note(func() { l.got = append(l.got, message{m.Data, m.IsString}) })
	})
	return l
}

func (l *line) note(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *line) say(text string) {
	l.v.t.Helper()
	if err := l.channel.SendText(text); err != nil {
		l.v.t.Fatalf("send %s: %v", text, err)
	}
}

// until waits for a condition on what came.
func (l *line) until(what string, met func() bool) {
	l.v.t.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		ok, changed := met(), l.changed
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			l.v.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// answered waits for the answer to a request and returns it.
func (l *line) answered(id uint64) (c protocol.Control, body protocol.Message) {
	l.v.t.Helper()
	l.until("answer "+strconv.FormatUint(id, 10), func() bool {
		for _, m := range l.got {
			if !m.text {
				continue
			}
			var err error
			if c, body, err = protocol.DecodeControl(m.data); err == nil && c.Re == id {
				return true
			}
		}
		return false
	})
	return c, body
}

func TestControlChannelServesTheViewer(t *testing.T) {
	v, cam := newViewer(t, viewing{}), newCamera()
	s := open(t, newHost(t), v, func(o *Options) {
		o.Controls, o.Grants = cam, []protocol.Right{protocol.RightView, protocol.RightControl}
	})
	l := v.dial(protocol.ControlLabel, nil)
	s.mustOffer(nil)
	l.until("a status", func() bool { return len(l.got) > 0 })
	if _, body, err := protocol.DecodeControl(l.got[0].data); err != nil || !body.(*protocol.Camera).PTZ {
		t.Errorf("first message: got %s, want a status with ptz", l.got[0].data)
	}
	l.say(`{"type":"ptz","id":1,"data":{"pan":0.5}}`)
	if c, _ := l.answered(1); c.Type != protocol.ControlOK {
		t.Errorf("ptz: got %s, want ok", c.Type)
	}
	l.say(`{"type":"snapshot","id":2}`)
	if c, body := l.answered(2); c.Type != protocol.ControlOK || body.(*protocol.Still).Bytes != len(cam.still) {
		t.Errorf("snapshot: got %s %v", c.Type, body)
	}
	var picture []byte
	l.until("the picture", func() bool {
		picture = nil
		for _, m := range l.got {
			if !m.text {
				picture = append(picture, m.data...)
			}
		}
		return len(picture) >= len(cam.still)
	})
	if !bytes.Equal(picture, cam.still) {
		t.Errorf("picture: got %d bytes, want the camera's %d", len(picture), len(cam.still))
	}
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.peer.Close(protocol.ReasonViewerLeft)
	if got := cam.listeners(); got != 0 {
		t.Errorf("listeners of the camera after the session: got %d", got)
	}
}

func TestAnswerBoundsMessages(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	v.dial(protocol.ControlLabel, nil)
	s.mustOffer(nil)
	s.until("an answer", func() bool { return len(s.describes) > 0 })
	want := "a=max-message-size:" + strconv.Itoa(protocol.MaxControlBytes)
	if got := s.describes[0].SDP; !strings.Contains(got, want) {
		t.Errorf("answer: got %s, want %s in it", got, want)
	}
}

func TestOtherChannelsAreClosed(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	no, once := false, uint16(1)
	others := []*line{
		v.dial("chat", nil),
		v.dial(protocol.ControlLabel, &webrtc.DataChannelInit{Ordered: &no}),
		v.dial(protocol.ControlLabel, &webrtc.DataChannelInit{MaxRetransmits: &once}),
	}
	s.mustOffer(nil)
	for _, other := range others {
		other.until("its end", func() bool { return other.closed })
	}
	l := v.dial(protocol.ControlLabel, nil)
	l.until("it to open", func() bool { return l.open })
	l.say(`{"type":"keyframe","id":7}`)
	l.answered(7)
	second := v.dial(protocol.ControlLabel, nil)
	second.until("its end", func() bool { return second.closed })
	l.say(`{"type":"keyframe","id":1}`)
	if c, _ := l.answered(1); c.Type != protocol.ControlOK {
		t.Errorf("the first channel: got %s, want ok", c.Type)
	}
}

func TestFloodClosesTheChannelThenTheSession(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	first := v.dial(protocol.ControlLabel, nil)
	s.mustOffer(nil)
	flood := func(l *line) {
		l.until("it to open", func() bool { return l.open })
		for range 10 * protocol.ControlsPerSecond {
			if l.channel.SendText(`{"type":"keyframe"}`) != nil {
				return
			}
		}
	}
	flood(first)
	first.until("its end", func() bool { return first.closed })
	if len(s.closed) != 0 {
		t.Fatalf("the session ended after the first flood: %v", s.closed)
	}
	flood(v.dial(protocol.ControlLabel, nil))
	s.until("the end of the session", func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonDeviceLeft}) })
}

func TestManyChannelsEndTheSession(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	for n := range 1000 {
		if _, err := v.pc.CreateDataChannel("channel "+strconv.Itoa(n), nil); err != nil {
			t.Fatalf("make data channel: %v", err)
		}
	}
	s.mustOffer(nil)
	s.until("the end of the session", func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonDeviceLeft}) })
}

func TestBinaryMessageClosesTheChannel(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	l := v.dial(protocol.ControlLabel, nil)
	s.mustOffer(nil)
	l.until("a status", func() bool { return len(l.got) > 0 })
	if err := l.channel.Send([]byte(`{"type":"keyframe"}`)); err != nil {
		t.Fatalf("send: %v", err)
	}
	l.until("its end", func() bool { return l.closed })
	v.sees(webrtc.RTPCodecTypeVideo, 10) // the session goes on
}

func TestViewerThatNeverReadsHoldsNothingUp(t *testing.T) {
	host := newHost(t)
	started := func(stack string) bool {
		return strings.Contains(stack, "peer.(*console)") || strings.Contains(stack, "pion/sctp")
	}
	cam := newCamera()
	cam.still = bytes.Repeat(cam.still, protocol.MaxSnapshotBytes/len(cam.still))
	v := newViewer(t, viewing{settings: func(e *webrtc.SettingEngine) {
		e.DetachDataChannels() // and nobody takes them
		e.SetSCTPMaxReceiveBufferSize(32 << 10)
	}})
	s := open(t, host, v, func(o *Options) { o.Controls, o.Grants = cam, everything })
	channel, err := v.pc.CreateDataChannel(protocol.ControlLabel, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan struct{})
	channel.OnOpen(func() { close(opened) })
	s.mustOffer(nil)
	<-opened
	if err := channel.SendText(`{"type":"snapshot","id":1}`); err != nil {
		t.Fatal(err)
	}
	settled(t, "snapshots to be asked for", func() int {
		cam.mu.Lock()
		defer cam.mu.Unlock()
		return 1 - cam.stills
	})
	v.sees(webrtc.RTPCodecTypeVideo, 50) // the picture does not wait for who does not read
	s.peer.Close(protocol.ReasonViewerLeft)
	if err := v.pc.GracefulClose(); err != nil {
		t.Error(err)
	}
	settled(t, "goroutines", func() int {
		return len(slices.DeleteFunc(strayGoroutines(), func(stack string) bool { return !started(stack) }))
	})
}
