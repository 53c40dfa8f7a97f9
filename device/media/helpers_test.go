package media

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// Parameter sets that x264 made: High level 1.3 at 320x180, and Constrained Baseline level 1.0 at 64x64; both 25 fps.
var (
	highSPS = []byte{
		0x67, 0x64, 0x00, 0x0d, 0xac, 0xb2, 0x02, 0x83, 0x3f, 0x3e, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20,
		0x00, 0x00, 0x06, 0x41, 0xe2, 0x85, 0x49,
	}
	highPPS     = []byte{0x68, 0xeb, 0xcc, 0xb2, 0x2c}
	baselineSPS = []byte{
		0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x04, 0x26, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00,
		0x03, 0x00, 0xc8, 0x3c, 0x48, 0x99, 0x20,
	}
	baselinePPS = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
)

// slice makes a NAL unit of the given size whose bytes tell it apart.
func slice(header byte, size int, mark byte) []byte {
	nalu := bytes.Repeat([]byte{mark | 1}, size)
	if nalu[0], nalu[1] = header, 0x9a; header&0x1f == 5 {
		nalu[1] = 0x88 // of type I and not P
	}
	return nalu
}

func idr(size int) [][]byte { return [][]byte{highSPS, highPPS, slice(0x65, size, 1)} }

func inter(size int) [][]byte { return [][]byte{slice(0x41, size, 3)} }

// frameTime is the distance of pictures in these tests: 25 a second.
const frameTime = 40 * time.Millisecond

// camera writes pictures in real time: a keyframe of keySize every gop pictures, and others of size.
type camera struct {
	stream        *Stream
	gop           int
	keySize, size int
	n             int
	pts           time.Duration
}

func (c *camera) write() {
	nalus := inter(c.size)
	if c.n%c.gop == 0 {
		nalus = idr(c.keySize)
	}
	c.n++
	c.stream.WriteVideo(AccessUnit{NALUs: nalus, PTS: c.pts})
	c.pts += frameTime
}

// run writes n pictures, each followed by its time.
func (c *camera) run(n int) {
	for range n {
		c.write()
		time.Sleep(frameTime)
	}
}

// packet is one that a viewer got.
type packet struct {
	rtp.Packet
	at time.Time
}

// screen is a viewer's end: it keeps what it gets.
type screen struct {
	mu sync.Mutex // guards all below
	// gate blocks writes while it is not nil and open.
	gate    chan struct{}
	packets []packet
}

func (s *screen) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets = append(s.packets, packet{rtp.Packet{Header: h.Clone(), Payload: bytes.Clone(payload)}, time.Now()})
	return len(payload), nil
}

func (s *screen) block() (unblock func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.gate = gate
	return func() {
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		close(gate)
	}
}

func (s *screen) got() []packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]packet(nil), s.packets...)
}

// shown is an access unit as a viewer sees it.
type shown struct {
	nalus   [][]byte
	ts      uint32
	first   time.Time
	last    time.Time
	key     bool
	packets int
}

// watchStream subscribes a screen in a synctest bubble; the subscription runs until the test ends.
func watchStream(t *testing.T, s *Stream) (*screen, *Subscription) {
	t.Helper()
	view := &screen{}
	sub := s.Subscribe(Options{Video: Track{Writer: view, SSRC: 7, PayloadType: 96}})
	run(t, sub)
	synctest.Wait()
	return view, sub
}

func run(t *testing.T, sub *Subscription) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := sub.Run(context.Background()); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		sub.Close()
		wg.Wait()
	})
}

// pictures puts the packets of a viewer together again, and fails on a hole in the numbers, on times that do not
// grow, on a picture without end, and when the first is no keyframe.
func pictures(t *testing.T, packets []packet) []shown {
	t.Helper()
	var all []shown
	var depacketiser codecs.H264Packet
	var stream []byte
	var open *shown
	for i, p := range packets {
		if i > 0 && p.SequenceNumber != packets[i-1].SequenceNumber+1 {
			t.Fatalf("packet %d: number %d follows %d", i, p.SequenceNumber, packets[i-1].SequenceNumber)
		}
		if p.SSRC != 7 || p.PayloadType != 96 || p.Version != 2 {
			t.Fatalf("packet %d: header %+v", i, p.Header)
		}
		if len(p.Payload) > maxPayload {
			t.Fatalf("packet %d: %d bytes", i, len(p.Payload))
		}
		if open == nil {
			if len(all) > 0 && int32(p.Timestamp-all[len(all)-1].ts) <= 0 {
				t.Fatalf("packet %d: time %d does not follow %d", i, p.Timestamp, all[len(all)-1].ts)
			}
			open = &shown{ts: p.Timestamp, first: p.at}
		}
		if p.Timestamp != open.ts {
			t.Fatalf("packet %d: the picture before it has no end", i)
		}
		part, err := depacketiser.Unmarshal(p.Payload)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		stream = append(stream, part...)
		open.packets++
		if p.Marker {
			open.nalus = SplitAnnexB(stream)
			open.key, open.last = IsKey(CodecH264, open.nalus), p.at
			all = append(all, *open)
			stream, open = nil, nil
		}
	}
	if len(all) > 0 && !all[0].key {
		t.Fatal("the first picture is no keyframe")
	}
	return all
}
