package media

import (
	"errors"
	"testing"
	"time"

	"github.com/pion/rtp"
)

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) WriteRTP(*rtp.Header, []byte) (int, error) { return 0, errBroken }

type nullWriter struct{}

func (nullWriter) WriteRTP(_ *rtp.Header, payload []byte) (int, error) { return len(payload), nil }

// The cost of one more viewer: neither queueing a picture nor sending its packets allocates.
func TestViewerCostsNoAllocations(t *testing.T) {
	s := NewStream(Config{})
	v := s.Subscribe(Options{Video: Track{Writer: nullWriter{}}})
	key := &picture{payloads: packetiseH264(idr(20_000)), key: true, bytes: 20_000}
	var out outgoing
	send := func() {
		v.showing.offer(key, moment{now: time.Now()})
		for {
			v.pacer.tokens = paceBurst
			wait, err := v.step(&out)
			if err != nil {
				t.Fatal(err)
			}
			if wait == idle {
				return
			}
		}
	}
	send()
	if got := testing.AllocsPerRun(100, send); got != 0 {
		t.Errorf("got %v allocations a picture, want 0", got)
	}
}

// The cache of one viewer's start is bounded by the cache; what is live adds no more than as much again.
func TestQueueIsBoundedInBytes(t *testing.T) {
	s := NewStream(Config{})
	v := s.Subscribe(Options{Video: Track{Writer: nullWriter{}}})
	now := time.Now()
	p := &picture{payloads: [][]byte{{0x65}}, bytes: 1 << 20}
	k := &picture{payloads: [][]byte{{0x65}}, bytes: 1 << 20, key: true}
	for i := range 100 {
		if i%40 == 0 {
			v.showing.offer(k, moment{now: now})
		} else {
			v.showing.offer(p, moment{now: now})
		}
		if v.queue.bytes > maxQueueBytes {
			t.Fatalf("%d bytes are queued", v.queue.bytes)
		}
	}
	if v.stats.Cuts == 0 {
		t.Error("the queue was never cut")
	}
}

func BenchmarkViewerPicture(b *testing.B) {
	s := NewStream(Config{})
	v := s.Subscribe(Options{Video: Track{Writer: nullWriter{}}})
	key := &picture{payloads: packetiseH264(idr(12_000)), key: true, bytes: 12_000}
	var out outgoing
	b.ReportAllocs()
	for b.Loop() {
		v.showing.offer(key, moment{now: time.Now()})
		for wait := time.Duration(0); wait != idle; {
			v.pacer.tokens = paceBurst
			wait, _ = v.step(&out)
		}
	}
}
