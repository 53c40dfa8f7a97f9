package media

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/rtp"
)

// line counts what an interceptor's writer gets.
type line struct{ packets, bytes int }

func (l *line) Write(_ *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
	l.packets++
	l.bytes += len(payload)
	return len(payload), nil
}

// drainFor takes packets of 1200 bytes for a while and returns how many bytes the bucket gave.
func drainFor(p *Pacer, d time.Duration) (bytes int) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		if wait := p.take(1200); wait > 0 {
			time.Sleep(wait)
			continue
		}
		bytes += 1200
	}
	return bytes
}

func TestPacerHoldsItsRate(t *testing.T) {
	for name, test := range map[string]struct{ stream, want int }{
		"unknown stream": {0, 4_000_000},
		"slow stream":    {500_000, 4_000_000},
		"fast stream":    {8_000_000, 20_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPacer()
				p.setStreamRate(test.stream)
				const seconds = 5
				got := (drainFor(p, seconds*time.Second) - paceBurst) * 8 / seconds
				if got < test.want*98/100 || got > test.want*102/100 {
					t.Errorf("got %d bit/s, want %d", got, test.want)
				}
			})
		})
	}
}

func TestPacerLetsABurstOf30PacketsPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer()
		time.Sleep(time.Hour)
		n := 0
		for p.take(1200) == 0 {
			n++
		}
		if n != 30 {
			t.Errorf("got %d packets at once, want 30", n)
		}
	})
}

func TestPacerForwardsRetransmissions(t *testing.T) {
	const video, rtx, audio = 1, 2, 3
	p := NewPacer()
	if _, err := p.Write(&rtp.Header{SSRC: rtx}, nil, nil); !errors.Is(err, gcc.ErrUnknownStream) {
		t.Errorf("before any stream: got %v", err)
	}
	var videoLine, audioLine line
	p.setVideo(video)
	p.AddStream(video, &videoLine)
	p.AddStream(audio, &audioLine)
	for _, ssrc := range []uint32{video, rtx, audio, rtx} {
		if _, err := p.Write(&rtp.Header{SSRC: ssrc}, make([]byte, 100), nil); err != nil {
			t.Fatal(err)
		}
	}
	if videoLine.packets != 3 || audioLine.packets != 1 {
		t.Errorf("video's writer got %d packets and audio's %d, want 3 and 1", videoLine.packets, audioLine.packets)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestRetransmissionsCountAgainstTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer()
		var l line
		p.setVideo(1)
		p.AddStream(1, &l)
		p.take(1)
		for range 20 {
			if _, err := p.Write(&rtp.Header{SSRC: 2}, make([]byte, maxPayload), nil); err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		for p.take(1200) == 0 {
			n++
		}
		if n > 10 {
			t.Errorf("after 20 retransmissions %d packets may leave at once, want at most 10", n)
		}
		for range 1000 {
			if _, err := p.Write(&rtp.Header{SSRC: 2}, make([]byte, maxPayload), nil); err != nil {
				t.Fatal(err)
			}
		}
		if wait := p.take(1200); wait > 200*time.Millisecond {
			t.Errorf("a storm of retransmissions stops the video for %s", wait)
		}
	})
}

func TestPacerServesCongestionControl(t *testing.T) {
	p := NewPacer()
	estimator, err := gcc.NewSendSideBWE(gcc.SendSideBWEPacer(p))
	if err != nil {
		t.Fatal(err)
	}
	var l line
	w := estimator.AddStream(&interceptor.StreamInfo{
		SSRC:                1,
		RTPHeaderExtensions: []interceptor.RTPHeaderExtension{},
	}, &l)
	for _, ssrc := range []uint32{1, 2} {
		if _, err := w.Write(&rtp.Header{Version: 2, SSRC: ssrc}, make([]byte, 10), interceptor.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	if l.packets != 2 {
		t.Errorf("%d packets passed, want 2", l.packets)
	}
	if err := estimator.Close(); err != nil {
		t.Error(err)
	}
}

func TestMeterFollowsTheRate(t *testing.T) {
	var m meter
	now := time.Now()
	for range 100 {
		m.add(now, 4000)
		now = now.Add(frameTime)
	}
	if got := m.rate(now); got < 650_000 || got > 850_000 {
		t.Errorf("got %d bit/s of 800000", got)
	}
	if got := m.rate(now.Add(time.Minute)); got != 0 {
		t.Errorf("got %d bit/s after a minute of nothing", got)
	}
}
