package signal

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// sink is a socket that takes everything.
type sink struct{}

func (sink) Write([]byte) error               { return nil }
func (sink) Close(protocol.CloseCode, string) {}
func (sink) abort()                           {}

// indoors is a hub without doors, with a device and a viewer in a session.
func indoors(tb testing.TB) (h *Hub, device, viewer *client) {
	tb.Helper()
	return newStage(tb, nil).indoors(tb)
}

func (s *stage) indoors(tb testing.TB) (h *Hub, device, viewer *client) {
	tb.Helper()
	h = New(s.config)
	h.config.Link = link.Config{Ping: time.Hour, Grace: time.Hour, AckDelay: time.Hour, MaxUnacked: 1 << 30, MaxUnackedBytes: 1 << 40}
	admit := func(hello protocol.Hello) *client {
		hello.Version = protocol.Version
		c, err := h.admit(context.Background(), &hello, &carrier{socket: sink{}, address: netip.MustParseAddr("192.0.2.1")})
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
	device, viewer = admit(s.deviceHello(tb, camera)), admit(s.viewerHello(tb, nil))
	open := protocol.Must(protocol.TypeOpen, sessionID(1), &protocol.Open{Device: camera, Owner: owner, Offer: offer})
	open.Seq, open.ID = 1, 1
	if err := h.receive(context.Background(), viewer, viewer.carrier, encode(tb, open)); err != nil {
		tb.Fatal(err)
	}
	return h, device, viewer
}

func encode(tb testing.TB, e protocol.Envelope) []byte {
	tb.Helper()
	b, err := e.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// maxFuzzed bounds the messages of one run: more would wait for the limits on candidates and descriptions.
const maxFuzzed = 8

func FuzzReceive(f *testing.F) {
	files, err := filepath.Glob("../protocol/testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no golden messages: ", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file) //nolint:gosec // names come from testdata
		if err != nil {
			f.Fatal(err)
		}
		b = bytes.ReplaceAll(b, []byte("\n"), nil)
		f.Add(false, b)
		f.Add(true, b)
	}
	session := string(sessionID(1))
	f.Add(false, []byte(`{"type":"close","seq":2,"session":"`+session+`","data":{"reason":"viewer_left"}}`))
	f.Add(false, []byte(`{"type":"sync","seq":2,"session":"`+session+`","data":{"owner":"`+owner+`","last":true}}`))
	f.Add(true, []byte(`{"type":"error","seq":1,"re":1,"session":"`+session+`","data":{"code":"busy","message":""}}`))
	f.Add(true, []byte(`{"type":"describe","seq":1,"session":"`+session+`","data":{"kind":"answer"}}`+"\n"+`{"type":"sync","seq":2,"data":{"last":true}}`))
	f.Fuzz(func(t *testing.T, fromDevice bool, text []byte) {
		h, device, viewer := indoors(t)
		c := viewer
		if fromDevice {
			c = device
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if i == maxFuzzed || h.receive(t.Context(), c, c.carrier, line) != nil {
				break
			}
		}
		h.leave(t.Context(), viewer, viewer.carrier, true)
		h.leave(t.Context(), device, device.carrier, true)
		h.work.Wait()
		if len(h.clients)+len(h.devices)+len(h.sessions) != 0 {
			t.Errorf("%d clients, %d devices and %d sessions are left", len(h.clients), len(h.devices), len(h.sessions))
		}
	})
}

// FuzzResume gives a hub what a hello may say of the link that it wants to go on with. An empty link or key stands for
// the right one.
func FuzzResume(f *testing.F) {
	f.Add(false, "", "", uint64(0))
	f.Add(true, "", "", uint64(1))
	f.Add(false, "", "0123456789abcdef0123456789abcdef", uint64(0))
	f.Add(true, "0123456789abcdef0123456789abcdef", "", uint64(1<<63))
	f.Add(false, "", "", uint64(1<<64-1))
	f.Fuzz(func(t *testing.T, fromDevice bool, link, key string, received uint64) {
		s := newStage(t, nil)
		h, device, viewer := s.indoors(t)
		h.work.Wait() // all is written
		c, hello := viewer, s.viewerHello(t, nil)
		if fromDevice {
			c, hello = device, s.deviceHello(t, camera)
		}
		own := link == "" && key == ""
		if link == "" {
			link = string(c.id)
		}
		if key == "" {
			key = c.key
		}
		hello.Version = protocol.Version
		hello.Resume = &protocol.Resume{Link: protocol.LinkID(link), Key: key, Received: received}
		k := &carrier{socket: sink{}, address: netip.MustParseAddr("192.0.2.1")}
		got, err := h.admit(t.Context(), &hello, k)
		if err != nil {
			t.Fatalf("not even a new link: %v", err)
		}
		const sent = 1 // opened, or invite
		if want := own && received <= sent; (got == c) != want {
			t.Errorf("resumed: %v, want %v", got == c, want)
		}
		h.work.Wait()
		for _, left := range []*client{viewer, device, got} {
			h.leave(t.Context(), left, left.carrier, true)
		}
		h.work.Wait()
		if len(h.clients)+len(h.devices)+len(h.sessions) != 0 {
			t.Errorf("%d clients, %d devices and %d sessions are left", len(h.clients), len(h.devices), len(h.sessions))
		}
	})
}

func TestCarryingACandidateAllocatesLittle(t *testing.T) {
	h, device, viewer := indoors(t)
	var messages [][]byte
	const runs = 30 // within the burst, so that nothing waits
	for n := range runs + 1 {
		e := protocol.Must(protocol.TypeCandidate, sessionID(1), candidate(n))
		e.Seq = uint64(n + 2) //nolint:gosec // small
		messages = append(messages, encode(t, e))
	}
	next := 0
	got := testing.AllocsPerRun(runs, func() {
		if err := h.receive(t.Context(), viewer, viewer.carrier, messages[next]); err != nil {
			t.Fatal(err)
		}
		next++
		h.work.Wait() // the writer
	})
	const limit = 40 // 30 when this was written; encoding/json takes most
	if got > limit {
		t.Errorf("one candidate costs %.0f allocations, want %d at most", got, limit)
	}
	h.leave(t.Context(), viewer, viewer.carrier, true)
	h.leave(t.Context(), device, device.carrier, true)
	h.work.Wait()
}
