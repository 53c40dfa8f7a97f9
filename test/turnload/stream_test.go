//go:build linux

package turnload

import (
	"bytes"
	"slices"
	"testing"
	"testing/iotest"
	"time"
)

// answer is a STUN message with nothing in it.
var answer = append([]byte{1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)

func TestFramesAreFoundWhereverReadsEnd(t *testing.T) {
	b := newBurst(17, 3)
	stream := slices.Concat(b.stream, answer, b.stream)
	for name, reader := range map[string]func([]byte) []byte{
		"at once":      func(b []byte) []byte { return frames(bytes.NewReader(b)) },
		"byte by byte": func(b []byte) []byte { return frames(iotest.OneByteReader(bytes.NewReader(b))) },
		"in halves":    func(b []byte) []byte { return frames(iotest.HalfReader(bytes.NewReader(b))) },
	} {
		if got, want := reader(stream), []byte{21, 21, 21, 20, 21, 21, 21}; !slices.Equal(got, want) {
			t.Errorf("%s: got frames of %d bytes, want %d", name, got, want)
		}
	}
}

// frames returns the lengths of a stream's messages.
func frames(stream interface{ Read([]byte) (int, error) }) (lengths []byte) {
	readFrames(stream, func(message []byte, _ int64) { lengths = append(lengths, byte(len(message))) })
	return lengths
}

func FuzzFrames(f *testing.F) {
	f.Add(newBurst(16, 2).stream)
	f.Add(answer)
	f.Add([]byte{0x40, 0, 0xff, 0xff})
	f.Add([]byte{0, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		s := &Session{client: newClient(Credentials{}), load: new(Load)}
		s.load.gauge.Store(new(gauge))
		total := 0
		readFrames(bytes.NewReader(stream), func(message []byte, at int64) {
			total += len(message)
			s.answered(message, at)
		})
		if total > len(stream) || s.Received().Bytes > uint64(len(stream)) {
			t.Errorf("%d bytes of messages in %d", total, len(stream))
		}
	})
}

func TestPercentilesAreDelaysThatPacketsHad(t *testing.T) {
	g := &gauge{mark: 1}
	payload := make([]byte, MinSize)
	for n := range 100 {
		stamp{at: 5, mark: 1}.put(payload)
		delay := time.Duration(n) * time.Microsecond
		if n == 99 {
			delay = 7 * time.Millisecond
		}
		g.arrived(payload, 5+int64(delay))
	}
	stamp{mark: 2}.put(payload) // of another measurement
	g.arrived(payload, int64(time.Hour))
	for p, want := range map[uint64]time.Duration{50: 49 * time.Microsecond, 99: 98 * time.Microsecond, 100: 7 * time.Millisecond} {
		if got := g.percentile(p); got != want {
			t.Errorf("the %dth percentile is %v, want %v", p, got, want)
		}
	}
	if got := new(gauge).percentile(99); got != 0 {
		t.Errorf("without packets: got %v, want 0", got)
	}
}
