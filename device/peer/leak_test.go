package peer

import (
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

// strayGoroutines returns the stacks of goroutines that are not the test's own.
func strayGoroutines() []string {
	buf := make([]byte, 4<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var stray []string
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(stack, "pion") || strings.Contains(stack, "sightline/device") {
			if !strings.Contains(stack, "testing.tRunner") && !strings.Contains(stack, "runSource") {
				stray = append(stray, stack)
			}
		}
	}
	return stray
}

// settled waits until nothing is left behind.
func settled(t *testing.T, what string, left func() int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for left() > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%s left behind: %d\n%s", what, left(), strings.Join(strayGoroutines(), "\n\n"))
		}
		runtime.Gosched()
	}
}

func sockets(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("sockets cannot be counted here: %v", err)
	}
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func TestAbortedSessionsLeaveNothingBehind(t *testing.T) {
	before := sockets(t)
	host, err := NewHost(Config{})
	if err != nil {
		t.Fatalf("make host: %v", err)
	}
	port, err := reach.Open(reach.Config{})
	if err != nil {
		t.Fatalf("open media port: %v", err)
	}
	if err := host.Listen(port); err != nil {
		t.Fatalf("listen: %v", err)
	}
	stream := media.NewStream(media.Config{})
	writePicture(stream, 0)
	var early uint64
	for n := range 200 {
		t.Run(strconv.Itoa(n), func(t *testing.T) { abort(t, host, stream, n) })
		if n == 49 {
			early = heap()
		}
	}
	// 150 sessions more of which each left 20 KB would be 3 MB; what the library pools is less.
	if late := heap(); late > early+3<<20 {
		t.Errorf("the heap grew from %d to %d bytes", early, late)
	}
	if err := host.Close(); err != nil {
		t.Fatalf("close host: %v", err)
	}
	settled(t, "goroutines", func() int { return len(strayGoroutines()) })
	settled(t, "sockets", func() int { return sockets(t) - before })
}

// heap is what lives in it, after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// abort opens a session and leaves it at one of several moments: before its offer, before the viewer has the answer,
// when it has, when ICE is connected, and in a DTLS handshake that nothing of gets through. The end of the test ends both sides.
func abort(t *testing.T, host *Host, stream *media.Stream, n int) {
	var how viewing
	if n%5 == 4 {
		how.settings = behind(t, func(packet []byte, _ net.Addr) bool { return !isDTLS(packet) })
	}
	v := newViewer(t, how)
	cam := newCamera()
	cam.speakTo(&speaker{format: pcmu}, pcmu)
	s := open(t, host, v, func(o *Options) {
		o.Camera, o.Controls, o.Grants = cameraOf(stream), cam, everything
	})
	s.mute = n%5 == 1
	if n%5 == 0 {
		return
	}
	if n%2 == 0 {
		v.dial(protocol.ControlLabel, nil)
		v.microphone()
	}
	s.mustOffer(nil)
	switch n % 5 {
	case 2:
		s.until("an answer", func() bool { return len(s.describes) > 0 })
	case 3, 4:
		s.until("a path", func() bool { return len(s.paths) > 0 })
	}
}

// isDTLS tells packets apart by their first byte (RFC 7983 section 7).
func isDTLS(packet []byte) bool { return len(packet) > 0 && packet[0] >= 20 && packet[0] <= 63 }

func TestViewerThatVanishesInTheHandshakeIsCleanedUp(t *testing.T) {
	host := newHost(t, func(c *Config) {
		c.DisconnectedTimeout, c.FailedTimeout = 100*time.Millisecond, 100*time.Millisecond
		c.RestartTimeout = 100 * time.Millisecond
	})
	v := newViewer(t, viewing{silent: true})
	s := open(t, host, v)
	s.mute = true
	s.mustOffer(nil)
	s.until("the end", func() bool { return len(s.closed) == 1 && s.closed[0] == protocol.ReasonICEFailed })
}

func TestSessionWithoutAnOfferEnds(t *testing.T) {
	host := newHost(t, func(c *Config) { c.OfferTimeout = time.Millisecond })
	s := open(t, host, nil)
	s.until("the end", func() bool { return len(s.closed) == 1 && s.closed[0] == protocol.ReasonTimeout })
}
