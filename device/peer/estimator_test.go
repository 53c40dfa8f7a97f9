package peer

import (
	"math/rand/v2"
	"testing"
	"time"
)

// pipe is a path of a rate with a buffer before it and losses of its own, as an estimator sees it.
type pipe struct {
	rate   float64 // bits per second
	buffer time.Duration
	loss   float64
	delay  time.Duration
	free   time.Time // when what waits has left
	dice   *rand.Rand
}

// send passes a packet and returns when it comes; false means that it is lost.
func (p *pipe) send(at time.Time, bytes int) (time.Time, bool) {
	if p.free.Before(at) {
		p.free = at
	}
	if p.free.Sub(at) > p.buffer {
		return time.Time{}, false
	}
	p.free = p.free.Add(time.Duration(float64(bytes*8) / p.rate * float64(time.Second)))
	if p.dice.Float64() < p.loss {
		return time.Time{}, false
	}
	return p.free.Add(p.delay), true
}

// sendFor sends packets of 1000 bytes at a rate, with feedback every 100 ms.
func (p *pipe) sendFor(e *estimator, start time.Time, d time.Duration, rate func() float64) time.Time {
	const size = 1000
	report := arrivals{}
	begun := start
	for now := start; now.Before(start.Add(d)); {
		if came, ok := p.send(now, size); ok {
			report.received++
			report.bytes += size
			if delay := came.Sub(now); !report.timed || delay < report.delay {
				report.delay, report.timed = delay, true
			}
		} else {
			report.lost++
		}
		report.all += size
		now = now.Add(time.Duration(size * 8 / rate() * float64(time.Second)))
		if now.Sub(begun) >= 100*time.Millisecond {
			report.at = now
			e.take(report)
			report, begun = arrivals{}, now
		}
	}
	return start.Add(d)
}

func newPipe(rate float64, buffer time.Duration, loss float64) *pipe {
	return &pipe{rate: rate, buffer: buffer, loss: loss, delay: 20 * time.Millisecond, dice: rand.New(rand.NewPCG(1, 2))}
}

func constant(rate float64) func() float64 { return func() float64 { return rate } }

func TestEstimateFallsToWhatABottleneckCarries(t *testing.T) {
	for name, buffer := range map[string]time.Duration{
		"with a long buffer": 400 * time.Millisecond, "with a short one": 20 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			e, p := &estimator{}, newPipe(600_000, buffer, 0)
			at := p.sendFor(e, time.Now(), 3*time.Second, constant(2_000_000))
			if s := e.state(at); !s.congested || s.estimate > 600_000 || s.estimate < 400_000 {
				t.Errorf("got %+v, want congested and a bit less than 600 kbit/s", s)
			}
		})
	}
}

func TestSenderThatObeysTheEstimateKeepsABottleneckBusy(t *testing.T) {
	e, p := &estimator{}, newPipe(600_000, 300*time.Millisecond, 0)
	at := p.sendFor(e, time.Now(), 2*time.Second, constant(2_000_000))
	sum, n := 0.0, 0
	at = p.sendFor(e, at, 60*time.Second, func() float64 {
		n++
		sum += e.estimate
		return e.estimate
	})
	if mean := sum / float64(n); mean < 0.7*600_000 || mean > 1.05*600_000 {
		t.Errorf("mean estimate: got %.0f, want nearly 600000", mean)
	}
	if s := e.state(at); s.loss > 0.1 {
		t.Errorf("loss at the end: got %.2f", s.loss)
	}
}

func TestRandomLossIsNoCongestion(t *testing.T) {
	e, p := &estimator{}, newPipe(20_000_000, time.Second, 0.1)
	at := p.sendFor(e, time.Now(), 20*time.Second, constant(2_000_000))
	if s := e.state(at); s.congested || s.estimate < 2_000_000 || s.loss < 0.05 || s.loss > 0.16 {
		t.Errorf("got %+v, want 10 %% of loss and no congestion", s)
	}
}

func TestPathThatLosesWhateverIsSentIsNotFull(t *testing.T) {
	e, p := &estimator{}, newPipe(20_000_000, time.Second, 0.3)
	at := p.sendFor(e, time.Now(), 30*time.Second, func() float64 { return max(min(e.estimate, 2_000_000), 100_000) })
	if s := e.state(at); s.congested || s.estimate < 300_000 {
		t.Errorf("got %+v, want an estimate that does not fall for ever", s)
	}
}

func TestEstimateBelievesTwiceWhatIsSentAtMost(t *testing.T) {
	e, p := &estimator{}, newPipe(100_000_000, time.Second, 0)
	at := p.sendFor(e, time.Now(), 60*time.Second, constant(3_000_000))
	if s := e.state(at); s.estimate < 5_500_000 || s.estimate > 6_600_000 {
		t.Errorf("estimate: got %d, want twice 3 Mbit/s", s.estimate)
	}
}

func TestEstimateDoesNotFallBecauseLittleIsSent(t *testing.T) {
	e, p := &estimator{}, newPipe(100_000_000, time.Second, 0)
	at := p.sendFor(e, time.Now(), 10*time.Second, constant(4_000_000))
	before := e.state(at).estimate
	at = p.sendFor(e, at, 20*time.Second, constant(200_000))
	if s := e.state(at); s.estimate < before {
		t.Errorf("estimate: got %d, want %d still", s.estimate, before)
	}
}

func TestOneKeyframeIsNoCongestion(t *testing.T) {
	e, p := &estimator{}, newPipe(2_000_000, time.Second, 0)
	at := time.Now()
	for range 20 { // 60 KB at once and then little, every second
		at = p.sendFor(e, at, 60*time.Millisecond, constant(8_000_000))
		at = p.sendFor(e, at, 940*time.Millisecond, constant(400_000))
	}
	if s := e.state(at); s.full {
		t.Errorf("got %+v, want no congestion", s)
	}
}
