package media

import (
	"testing"
	"testing/synctest"
	"time"
)

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

func TestRetransmissionsCountAgainstTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer()
		p.setTracks(1, 2)
		p.take(1)
		admit := func(ssrc uint32, n int) {
			for range n {
				if !p.Admit(ssrc, maxPayload) {
					t.Fatal("a packet was left out without a limit")
				}
			}
		}
		admit(1, 100) // waited for the bucket before
		admit(2, 100) // sound does not count
		admit(3, 20)
		n := 0
		for p.take(1200) == 0 {
			n++
		}
		if n > 10 {
			t.Errorf("after 20 retransmissions %d packets may leave at once, want at most 10", n)
		}
		admit(3, 1000)
		if wait := p.take(1200); wait > 200*time.Millisecond {
			t.Errorf("a storm of retransmissions stops the video for %s", wait)
		}
	})
}

func TestPacerDoesNotOverfillAPathThatItKnows(t *testing.T) {
	for name, test := range map[string]struct {
		stream, path int
		little       bool
		want         int
	}{
		"nothing known":       {2_000_000, 0, false, 5_000_000},
		"room":                {2_000_000, 8_000_000, false, 5_000_000},
		"little room":         {2_000_000, 3_000_000, false, 3_300_000},
		"hardly any":          {2_000_000, 1_800_000, false, 2_400_000},
		"too little":          {2_000_000, 600_000, true, 600_000},
		"slow stream, narrow": {300_000, 600_000, false, 660_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPacer()
				p.setStreamRate(test.stream)
				p.SetPath(test.path, test.little)
				const seconds = 10
				sent := drainFor(p, seconds*time.Second) - int(p.burst())
				if test.little { // all headers count
					sent += sent / 1200 * wireBytes
				}
				if got := sent * 8 / seconds; got < test.want*97/100 || got > test.want*103/100 {
					t.Errorf("got %d bit/s, want %d", got, test.want)
				}
			})
		})
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
