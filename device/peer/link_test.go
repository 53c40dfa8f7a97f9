package peer

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// This file is a link with losses and a bottleneck, and a receiver behind it that does what browsers do: everything between
// a source and its viewer but the network, in time that is faked.

const (
	linkVideo, linkRTX = 1, 2
	// linkFrame is the distance of pictures: 25 a second.
	linkFrame = 40 * time.Millisecond
	// nackEvery is how often libwebrtc looks for what to ask for again, nackTries how often it asks for one packet
	// (webrtc/modules/video_coding/nack_requester).
	nackEvery = 20 * time.Millisecond
	nackTries = 10
	// giveUpAfter is when libwebrtc asks for a keyframe because nothing can be decoded (webrtc/video, kMaxWaitForFrame is 3 s;
	// it asks before that when a packet was asked for too often).
	giveUpAfter = 3 * time.Second
)

// lossyLink is a way from a device to a viewer.
type lossyLink struct {
	dice *rand.Rand
	// loss is the share of packets lost in each direction, delay the time one way.
	loss  float64
	delay time.Duration
	// rate is in bits per second, 0 for any; what would wait longer than buffer is lost.
	rate   float64
	buffer time.Duration
	free   time.Time
	// dark is until when everything is lost.
	dark time.Time
}

// pass returns when a packet of n bytes that is sent now comes.
func (l *lossyLink) pass(now time.Time, n int) (after time.Duration, ok bool) {
	if l.dice.Float64() < l.loss || now.Before(l.dark) {
		return 0, false
	}
	if l.rate == 0 {
		return l.delay, true
	}
	if l.free.Before(now) {
		l.free = now
	}
	if l.free.Sub(now) > l.buffer {
		return 0, false
	}
	l.free = l.free.Add(time.Duration(float64(n*8) / l.rate * float64(time.Second)))
	return l.free.Sub(now) + l.delay, true
}

// linkRig is a source, a peer without a network of its own, a link and a receiver.
type linkRig struct {
	t    *testing.T
	peer *Peer
	way  chan onTheWay

	mu       sync.Mutex // guards what follows
	link     lossyLink
	receiver receiver
	start    time.Time
}

// newLink makes a rig with renditions of these rates in bits per second.
func newLink(t *testing.T, link lossyLink, rates ...int) *linkRig {
	t.Helper()
	link.dice = rand.New(rand.NewPCG(7, 11))
	if link.delay == 0 {
		link.delay = 20 * time.Millisecond
	}
	r := &linkRig{t: t, link: link, start: time.Now(), way: make(chan onTheWay, 1<<16)}
	r.receiver = receiver{
		packets: map[uint64]*rtp.Packet{}, missing: map[uint64]*lack{}, left: map[uint32]time.Time{},
		feedback: twcc.NewRecorder(9),
	}
	var camera media.Camera
	for i := range rates {
		camera.Renditions = append(camera.Renditions, media.Rendition{
			Name:   []protocol.RenditionName{protocol.RenditionMain, protocol.RenditionSub}[i],
			Stream: media.NewStream(media.Config{}),
		})
	}
	pacer := media.NewPacer()
	r.peer = &Peer{
		opt: Options{Camera: camera}, pacer: pacer, pathMeter: &pathMeter{pacer: pacer}, history: &retransmit{},
		wake: make(chan struct{}, 1), closing: make(chan struct{}), letGo: func() {},
	}
	r.peer.pathMeter.filled = r.peer.poke
	info := &interceptor.StreamInfo{
		SSRC: linkVideo, SSRCRetransmission: linkRTX, PayloadType: 96, PayloadTypeRetransmission: 97,
		RTCPFeedback:        []interceptor.RTCPFeedback{{Type: webrtc.TypeRTCPFBNACK}},
		RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: sdp.TransportCCURI, ID: 3}},
	}
	out := r.peer.history.BindLocalStream(info, r.peer.pathMeter.BindLocalStream(info, interceptor.RTPWriterFunc(r.send)))
	flow := camera.Subscribe(media.Options{
		Pacer: pacer, Turned: r.peer.turned,
		Video: media.Track{Writer: linkWriter{out}, SSRC: linkVideo, PayloadType: 96},
	})
	r.peer.flow = flow
	var work sync.WaitGroup
	for i, rate := range rates {
		work.Go(func() { r.source(camera.Renditions[i].Stream, rate) })
	}
	work.Go(func() {
		if err := flow.Run(t.Context()); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	work.Go(r.adapt)
	work.Go(r.carry)
	work.Go(func() { r.every(nackEvery, r.ask) })
	work.Go(func() { r.every(100*time.Millisecond, r.report) })
	t.Cleanup(func() {
		close(r.peer.closing)
		flow.Close()
		r.peer.work.Wait()
		work.Wait()
	})
	return r
}

type linkWriter struct{ interceptor.RTPWriter }

func (w linkWriter) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	return w.Write(h, payload, nil)
}

// every does something until the rig ends.
func (r *linkRig) every(d time.Duration, what func()) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for {
		select {
		case <-r.peer.closing:
			return
		case <-ticker.C:
			what()
		}
	}
}

// adapt is the peer's own goroutine.
func (r *linkRig) adapt() {
	ticker := time.NewTicker(adaptEvery)
	defer ticker.Stop()
	for {
		select {
		case <-r.peer.closing:
			return
		case <-ticker.C:
		case <-r.peer.wake:
		}
		r.peer.adapt(time.Now())
	}
}

// source writes a keyframe every 2 s that is as large as a quarter of what comes in that time.
func (r *linkRig) source(stream *media.Stream, rate int) {
	const group = 50
	bytes := rate / 8 * 2
	n := 0
	r.every(linkFrame, func() {
		au := media.AccessUnit{PTS: time.Duration(n) * linkFrame}
		if n%group == 0 {
			au.NALUs = [][]byte{testSPS, testPPS, nalu(0x65, bytes/4)}
		} else {
			au.NALUs = [][]byte{nalu(0x41, bytes*3/4/group)}
		}
		stream.WriteVideo(au)
		n++
	})
}

func nalu(kind byte, size int) []byte {
	b := slices.Repeat([]byte{0x9a}, size)
	b[0] = kind
	return b
}

// send takes a packet onto the link.
func (r *linkRig) send(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
	now := time.Now()
	p := &rtp.Packet{Header: h.Clone(), Payload: slices.Clone(payload)}
	number := p.GetExtension(3)
	size := p.MarshalSize() + 28
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.SSRC == linkRTX {
		p.SSRC, p.SequenceNumber, p.Payload = linkVideo, uint16(payload[0])<<8|uint16(payload[1]), p.Payload[2:]
	} else if _, ok := r.receiver.left[p.Timestamp]; !ok {
		r.receiver.left[p.Timestamp] = now
	}
	if after, ok := r.link.pass(now, size); ok {
		r.way <- onTheWay{now.Add(after), p, uint16(number[0])<<8 | uint16(number[1])}
	}
	return size, nil
}

// onTheWay is a packet between the ends, and when it comes.
type onTheWay struct {
	due    time.Time
	packet *rtp.Packet
	number uint16
}

// carry brings packets to the receiver in the order in which they were sent.
func (r *linkRig) carry() {
	for {
		select {
		case <-r.peer.closing:
			return
		case p := <-r.way:
			time.Sleep(time.Until(p.due))
			r.arrive(p.packet, p.number)
		}
	}
}

// arrive is a packet's end of the way.
func (r *linkRig) arrive(p *rtp.Packet, number uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	v := &r.receiver
	v.feedback.Record(linkVideo, number, now.Sub(r.start).Microseconds())
	v.take(p, now)
}

// ask sends the receiver's wishes back, over the same losses.
func (r *linkRig) ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, v := time.Now(), &r.receiver
	rtt := 2*r.link.delay + 10*time.Millisecond
	nack := &rtcp.TransportLayerNack{MediaSSRC: linkVideo}
	var seqs []uint16
	lost := false
	for n, l := range v.missing {
		if now.Sub(l.asked) < rtt {
			continue
		}
		l.asked = now
		l.tries++
		if l.tries > nackTries {
			delete(v.missing, n)
			lost = true
			continue
		}
		seqs = append(seqs, uint16(n))
	}
	slices.Sort(seqs)
	nack.Nacks = rtcp.NackPairsFromSequenceNumbers(seqs)
	if len(seqs) > 0 && r.link.dice.Float64() >= r.link.loss {
		time.AfterFunc(r.link.delay, func() { r.peer.history.resend(nack) })
	}
	if v.started && now.Sub(v.shownAt) > giveUpAfter && now.Sub(v.asked) > giveUpAfter || lost {
		v.plis++
		v.asked = now
		time.AfterFunc(r.link.delay, r.peer.flow.RequestKeyframe)
	}
}

// report sends the receiver's feedback back.
func (r *linkRig) report() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.receiver.feedback.BuildFeedbackPacket() {
		f, ok := p.(*rtcp.TransportLayerCC)
		if ok && r.link.dice.Float64() >= r.link.loss {
			time.AfterFunc(r.link.delay, func() { r.peer.pathMeter.heed(f, time.Now()) })
		}
	}
}
