package source

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
)

// doorbell is an RTSP camera with a back channel as ONVIF has it. It counts what it gets.
type doorbell struct {
	server *gortsplib.Server
	stream *gortsplib.ServerStream
	video  *description.Media
	// refuses says that it answers the question for a back channel with 551, as RFC 2326 section 12.32 asks of cameras without.
	refuses bool
	// busy says that it has no place for one more who takes its picture.
	busy bool

	mu       sync.Mutex // guards all below
	asked    int        // how often for the back channel
	talking  int        // sessions with it that are open
	talked   int        // and those that ever were
	shown    int        // how many of those took the picture too
	heard    []*rtp.Packet
	sessions map[*gortsplib.ServerSession]bool
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (d *doorbell) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := ctx.Request.Header["Require"]; ok {
		d.asked++
		if d.refuses {
			return &base.Response{StatusCode: base.StatusOptionNotSupported}, nil, nil
		}
	}
	return &base.Response{StatusCode: base.StatusOK}, d.stream, nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (d *doorbell) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, talk := ctx.Request.Header["Require"]
	if d.busy && d.asked > 1 && !talk {
		return &base.Response{StatusCode: base.StatusNotEnoughBandwidth}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, d.stream, nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (d *doorbell) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	for _, m := range ctx.Session.Medias() {
		if !m.IsBackChannel {
			continue
		}
		d.mu.Lock()
		d.talking++
		d.talked++
		if len(ctx.Session.Medias()) > 1 {
			d.shown++
		}
		d.sessions[ctx.Session] = true
		d.mu.Unlock()
		ctx.Session.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.heard = append(d.heard, p.Clone())
		})
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose implements gortsplib.ServerHandlerOnSessionClose.
func (d *doorbell) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sessions[ctx.Session] {
		d.talking--
	}
}

// startDoorbell runs one until the test ends.
func startDoorbell(t *testing.T, back ...format.Format) (d *doorbell, url string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	card := newCard(224, 128, 10, "")
	h264 := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: card.sps, PPS: card.pps}
	d = &doorbell{
		video:    &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{h264}},
		sessions: map[*gortsplib.ServerSession]bool{},
	}
	d.server = &gortsplib.Server{
		Handler: d, RTSPAddress: l.Addr().String(),
		Listen: func(string, string) (net.Listener, error) { return l, nil },
	}
	if err := d.server.Start(); err != nil {
		t.Fatal(err)
	}
	desc := &description.Session{Medias: []*description.Media{d.video}}
	if len(back) > 0 {
		desc.Medias = append(desc.Medias, &description.Media{Type: description.MediaTypeAudio, IsBackChannel: true, Formats: back})
	}
	d.mu.Lock()
	d.stream = &gortsplib.ServerStream{Server: d.server, Desc: desc}
	err = d.stream.Initialize()
	d.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { d.show(ctx, card, h264) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		d.stream.Close()
		d.server.Close()
	})
	return d, "rtsp://" + l.Addr().String() + "/door"
}

// show sends ten pictures a second, a keyframe each.
func (d *doorbell) show(ctx context.Context, card *card, h264 *format.H264) {
	encoder, err := h264.CreateEncoder()
	if err != nil {
		panic(err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			packets, err := encoder.Encode(card.frame(n, now, true))
			if err != nil {
				panic(err)
			}
			for _, p := range packets {
				p.Timestamp = uint32(n * 9000)
				if err := d.stream.WritePacketRTP(d.video, p); err != nil {
					return
				}
			}
		}
	}
}

func (d *doorbell) counts() (asked, talked int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked, d.talked
}

// eventually waits for something that the doorbell counts.
func (d *doorbell) eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	limit, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		d.mu.Lock()
		done := reached()
		d.mu.Unlock()
		if done {
			return
		}
		select {
		case <-limit:
			t.Fatalf("%s did not come", what)
		case <-tick.C:
		}
	}
}

// visit runs a camera, and waits for its picture.
func visit(t *testing.T, url, talk string) (c *Camera, changed <-chan struct{}) {
	t.Helper()
	c, err := OpenCamera(CameraConfig{Source: url, Talk: talk, Warm: true})
	if err != nil {
		t.Fatal(err)
	}
	news := make(chan struct{}, 1)
	c.Subscribe(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	keyframes(t, c.feeds[0].feed, 1)
	return c, news
}

var alaw = &format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}

func TestBackChannelIsOpenOnlyWhileSomebodyTalks(t *testing.T) {
	d, url := startDoorbell(t, &format.G726{PayloadTyp: 97, BitRate: 32}, alaw, &format.G711{MULaw: true, SampleRate: 8000, ChannelCount: 1})
	c, changed := visit(t, url, "")
	for len(c.TalkFormats()) == 0 {
		<-changed
	}
	want := []media.AudioFormat{{Codec: media.CodecPCMA, ClockRate: 8000, Channels: 1}}
	if diff := cmp.Diff(want, c.TalkFormats()); diff != "" {
		t.Error(diff)
	}
	if _, talked := d.counts(); talked != 0 || !c.Abilities().Talk {
		t.Errorf("the back channel was opened %d times before anybody talked", talked)
	}
	m, err := c.Talk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		frame := media.AudioFrame{Payload: []byte(strings.Repeat(string(rune('a'+i)), 160)), PTS: time.Duration(i) * 20 * time.Millisecond}
		if err := m.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	d.eventually(t, "what was said", func() bool { return len(d.heard) == 25 })
	d.mu.Lock()
	for i, p := range d.heard {
		if p.PayloadType != 8 || p.Payload[0] != byte('a'+i) || p.Timestamp-d.heard[0].Timestamp != uint32(160*i) || p.Marker != (i == 0) {
			t.Errorf("packet %d is %v", i, p.Header)
		}
	}
	d.mu.Unlock()
	keyframes(t, c.feeds[0].feed, 2)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	d.eventually(t, "the end", func() bool { return d.talking == 0 && d.talked == 1 && d.shown == 1 })
	if err := m.Write(media.AudioFrame{Payload: []byte{1}}); err == nil {
		t.Error("a mouth that is closed speaks")
	}
	again, err := c.Talk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if asked, _ := d.counts(); asked != 3 {
		t.Errorf("asked %d times for the back channel, want once at first and once for each talk", asked)
	}
}

// A camera that sends its picture to no more than one is talked to all the same.
func TestBackChannelIsTakenWithoutThePictureWhereThatIsRefused(t *testing.T) {
	d, url := startDoorbell(t, alaw)
	c, changed := visit(t, url, "")
	for len(c.TalkFormats()) == 0 {
		<-changed
	}
	d.mu.Lock()
	d.busy = true
	d.mu.Unlock()
	m, err := c.Talk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(media.AudioFrame{Payload: []byte("said")}); err != nil {
		t.Fatal(err)
	}
	d.eventually(t, "what was said", func() bool { return len(d.heard) == 1 && d.shown == 0 })
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestCameraWithoutABackChannelIsNotTalkedTo(t *testing.T) {
	for name, refuses := range map[string]bool{"refuses the question": true, "offers none": false} {
		t.Run(name, func(t *testing.T) {
			d, url := startDoorbell(t)
			d.mu.Lock()
			d.refuses = refuses
			d.mu.Unlock()
			c, _ := visit(t, url, "")
			d.eventually(t, "the question", func() bool { return d.asked == 1 })
			keyframes(t, c.feeds[0].feed, 3)
			if formats := c.TalkFormats(); len(formats) != 0 || c.Abilities().Talk {
				t.Errorf("got %v", formats)
			}
		})
	}
}

func TestBackChannelThatIsNotWantedIsNotAskedFor(t *testing.T) {
	d, url := startDoorbell(t, alaw)
	c, _ := visit(t, url, "off")
	keyframes(t, c.feeds[0].feed, 5)
	if asked, _ := d.counts(); asked != 0 || c.Abilities().Talk {
		t.Errorf("asked %d times", asked)
	}
}
