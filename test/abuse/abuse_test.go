//go:build linux

package abuse

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// What docs/security.md promises of checks, which are the only thing that a viewer can have the camera send to others.
const (
	checksAtOnce    = 200 // to one IP address
	checksPerSecond = 100
	checkBytes      = 200 // an IP packet, with a username fragment such as browsers have
	dialsAtOnce     = 16
	dialsPerSecond  = 1
)

func TestViewerThatMeansHarm(t *testing.T) {
	s := newScene(t)
	w := s.watch(s.Server())
	before := s.footprint()
	for _, attack := range []struct {
		name string
		run  func(*testing.T, *scene, *watcher)
	}{
		{"ten thousand candidates", candidates},
		{"restarts without end", restarts},
		{"the address of somebody who watches", theft},
		{"checks that prove nothing", forgeries},
		{"a hundred thousand packets", packets},
		{"a thousand silent connections", silence},
		{"a connection that is used to the full", misuse},
	} {
		t.Run(attack.name, func(t *testing.T) {
			outer := s.t
			s.t, w.t = t, t
			defer func() { s.t, w.t = outer, outer }()
			picture := w.sees(0)
			t.Run("attack", func(t *testing.T) { attack.run(t, s, w) })
			s.quiet(t)
			w.undisturbed(picture)
			now := s.footprint()
			t.Logf("the agent has %d MB, %d threads, %d files", now.memoryKB>>10, now.threads, now.files)
			if now.memoryKB > before.memoryKB+(64<<10) || now.threads > before.threads+16 || now.files > before.files+80 {
				t.Errorf("the agent has %+v, had %+v", now, before)
			}
		})
	}
}

// bounded checks what left the camera during an attack.
func bounded(t *testing.T, got map[string]natlab.Count, took time.Duration) {
	t.Helper()
	t.Logf("in %.1f s: %+v", took.Seconds(), got)
	seconds := took.Seconds() + 1
	if most := checksAtOnce + uint64(checksPerSecond*seconds); got["victim"].Packets > most || got["victim"].Bytes > most*checkBytes {
		t.Errorf("the victim got %+v, want %d packets at most", got["victim"], most)
	}
	if most := dialsAtOnce + uint64(dialsPerSecond*seconds); got["dialled"].Packets > most {
		t.Errorf("the victim was dialled %d times, want %d at most", got["dialled"].Packets, most)
	}
	for _, name := range []string{"home", "nowhere", "service", "itself"} {
		if got[name].Packets > 0 {
			t.Errorf("packets to %s: got %d, want none", name, got[name].Packets)
		}
	}
}

// targets are n candidates for everything that a viewer should not name, with the victim at every other.
func (s *scene) targets(n int) []string {
	own := s.Device().Addr
	kinds := []string{"udp host", "udp srflx", "udp relay", "tcp host", "udp prflx"}
	others := []string{
		"10.1.0.1", "10.1.0.77", own.String(), "10.1.0.255", "10.9.9.9", "192.168.0.1", "172.16.0.9", "100.64.0.1", "169.254.169.254",
		"224.0.0.251", "239.255.255.250", "255.255.255.255", "0.0.0.0", "127.0.0.1", "240.0.0.1", "192.0.0.8", "::ffff:10.1.0.77", "::1",
	}
	services := []uint16{22, 25, 53, 80, 123, 161, 1023}
	list := make([]string, 0, n+3)
	list = append(list, "candidate:1 1 udp 1 victim.example.org 5000 typ host", "candidate:2 1 udp 1 localhost 5000 typ host",
		"candidate:3 1 udp 1 5b1a0f52-3a3a-4a6e-9d0a-3b6b1c7e9c55.local 5000 typ host")
	for i := range n {
		kind := kinds[i/2%len(kinds)]
		switch {
		case i%2 == 0:
			list = append(list, candidateOf(kind, netip.AddrPortFrom(s.victim, uint16(5000+i)))) //nolint:gosec // far below
		case i%4 == 1:
			to := netip.MustParseAddr(others[i/4%len(others)])
			list = append(list, candidateOf(kind, netip.AddrPortFrom(to, uint16(5000+i)))) //nolint:gosec // far below
		default:
			list = append(list, candidateOf(kind, netip.AddrPortFrom(s.victim, services[i/4%len(services)])))
		}
	}
	return list
}

// candidates names 10,000 of them in six sessions: in offers, in the same offers said again, and one by one, as many as the
// hub lets through.
func candidates(t *testing.T, s *scene, _ *watcher) {
	const sessions, offers, offered, trickled = 6, 3, 500, 200
	before, begun := s.counts(), time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	var saying sync.WaitGroup
	var said atomic.Int64
	all := s.targets(sessions * (offers*offered + trickled))
	for n := range sessions {
		h, ufrag := s.hostile(), fmt.Sprintf("host%d", n)
		mine := all[n*(offers*offered+trickled):][:offers*offered+trickled]
		id := h.open(s.device, offerOf(ufrag, mine[:offered]))
		h.answer(id, 1)
		t.Cleanup(func() { h.end(id) })
		said.Add(offered)
		saying.Go(func() {
			for revision := 2; revision <= offers; revision++ {
				if h.say(ctx, protocol.TypeDescribe, id, &protocol.Describe{
					Revision: revision, Kind: protocol.DescribeOffer, SDP: offerOf(ufrag, mine[(revision-1)*offered:][:offered]),
				}) == nil {
					said.Add(offered)
				}
			}
			said.Add(int64(h.flood(ctx, id, ufrag, mine[offers*offered:])))
		})
	}
	saying.Wait()
	<-ctx.Done()
	t.Logf("%d candidates were said", said.Load())
	got := s.since(before)
	bounded(t, got, time.Since(begun))
	if got["victim"].Packets == 0 || got["dialled"].Packets == 0 {
		t.Error("the attack did not reach anybody: it proves nothing")
	}
}

// quiet waits until the victim gets nothing any more.
func (s *scene) quiet(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for last := s.counts()["victim"]; ; {
		pause(t.Context(), 700*time.Millisecond)
		now := s.counts()["victim"]
		if now == last {
			return
		}
		if last = now; time.Now().After(deadline) {
			t.Fatal("the victim still gets packets after the attack")
		}
	}
}

// restarts begins one ICE generation after another, each with other ports of the victim and with origins that are the
// camera's to tell.
func restarts(t *testing.T, s *scene, _ *watcher) {
	h := s.hostile()
	before, begun := s.counts(), time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	fresh := func(n int) string {
		var list []string
		for port := range 64 {
			list = append(list, candidateOf("udp srflx", netip.AddrPortFrom(s.victim, uint16(2000+64*n%60000+port)))) //nolint:gosec // below 65536
		}
		return offerOf(fmt.Sprintf("again%d", n), list)
	}
	id := h.open(s.device, fresh(0))
	h.answer(id, 1)
	n := 1
	for ; ctx.Err() == nil; n++ {
		if err := h.say(ctx, protocol.TypeDescribe, id, &protocol.Describe{
			Revision: 1 + n, Kind: protocol.DescribeOffer, SDP: fresh(n),
			Origins: []protocol.Origin{{Address: netip.AddrPortFrom(s.victim, 4444).String(), Means: protocol.MeansMapped}},
		}); err != nil && ctx.Err() == nil {
			t.Logf("the hub takes no more: %v", err)
			break
		}
	}
	<-ctx.Done()
	t.Logf("%d restarts were said", n)
	bounded(t, s.since(before), time.Since(begun))
	h.end(id)
}

// theft names the very address that a watcher's media goes to.
func theft(t *testing.T, s *scene, w *watcher) {
	h := s.hostile()
	pair, err := w.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		t.Fatalf("the watcher has no path: %v", err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr(pair.Local.Address), pair.Local.Port)
	id := h.open(s.device, offerOf("thief", []string{candidateOf("udp host", at), candidateOf("udp srflx", at)}))
	h.answer(id, 1)
	before := received(w)
	w.sees(60)
	if after := received(w); after <= before {
		t.Errorf("checks of the camera that reached the watcher: got %d, had %d", after, before)
	}
	h.end(id)
}

// received is how many answers of the camera have proven to the watcher that its path is alive.
func received(w *watcher) uint64 {
	stats, _ := w.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	return stats.ResponsesReceived
}

// door is what a session's answer tells of the way to the camera.
type door struct {
	at              netip.AddrPort
	ufrag, password string
}

// knock opens a session without a candidate and returns its door, and a socket on the stranger's host.
func (h *hostile) knock(t *testing.T) (door, net.PacketConn, protocol.SessionID) {
	t.Helper()
	id := h.open(h.scene.device, offerOf("knock", nil))
	answer := h.answer(id, 1).SDP
	place := candidateLine.FindStringSubmatch(answer)
	ufrag, secret := ufragLine.FindStringSubmatch(answer), passwordLine.FindStringSubmatch(answer)
	if place == nil || ufrag == nil || secret == nil {
		t.Fatalf("the answer tells no place outside:\n%s", answer)
	}
	number, err := strconv.ParseUint(place[2], 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := h.scene.Viewer().ListenPacket(t.Context(), "udp4", net.JoinHostPort(h.scene.Viewer().Addr.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return door{netip.AddrPortFrom(netip.MustParseAddr(place[1]), uint16(number)), ufrag[1], secret[1]}, socket, id
}

// check is a connectivity check as a viewer sends it, proven with a password if there is one.
func (d door) check(t *testing.T, ufrag, secret string) []byte {
	t.Helper()
	setters := []stun.Setter{
		stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag + ":knock"), ice.AttrControlling(1), ice.PriorityAttr(1),
	}
	if secret != "" {
		setters = append(setters, stun.NewShortTermIntegrity(secret))
	}
	m, err := stun.Build(append(setters, stun.Fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// forged are packets that the camera must not answer.
func (d door) forged(t *testing.T) [][]byte {
	t.Helper()
	answer := func(kind stun.MessageType, secret string) []byte {
		m, err := stun.Build(stun.TransactionID, kind, &stun.XORMappedAddress{IP: net.IPv4(1, 2, 3, 4), Port: 5},
			stun.NewShortTermIntegrity(secret), stun.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	bare, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{
		bare.Raw, d.check(t, d.ufrag, ""), d.check(t, d.ufrag, "guessedguessedguessedguessed"), d.check(t, "nobody", d.password),
		answer(stun.BindingSuccess, password), answer(stun.BindingError, password), answer(stun.BindingSuccess, d.password),
		{0},
		{0, 1, 0, 0},
		[]byte(strings.Repeat("\x00\x01", 400)), []byte(strings.Repeat("\x80\x60", 400)), []byte(strings.Repeat("\x16\xfe", 400)),
	}
}

// forgeries asks the camera in every way that proves nothing, and then in the one that does.
func forgeries(t *testing.T, s *scene, _ *watcher) {
	h := s.hostile()
	d, socket, id := h.knock(t)
	before := s.counts()
	for range 200 {
		for _, packet := range d.forged(t) {
			if _, err := socket.WriteTo(packet, net.UDPAddrFromAddrPort(d.at)); err != nil {
				t.Fatal(err)
			}
		}
	}
	pause(t.Context(), 500*time.Millisecond)
	if got := s.since(before)["stranger"]; got.Packets > 0 {
		t.Errorf("answers to what proves nothing: got %+v, want none", got)
	}
	if _, err := socket.WriteTo(d.check(t, d.ufrag, d.password), net.UDPAddrFromAddrPort(d.at)); err != nil {
		t.Fatal(err)
	}
	if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, from, err := socket.ReadFrom(make([]byte, 1500)); err != nil {
		t.Errorf("a check that proves itself is not answered (%v, %v): the test proves nothing", from, err)
	}
	h.end(id)
}

// packets sends as many as go.
func packets(t *testing.T, s *scene, _ *watcher) {
	h := s.hostile()
	d, socket, id := h.knock(t)
	before, begun := s.counts(), time.Now()
	forged, to := d.forged(t), net.UDPAddrFromAddrPort(d.at)
	for n := range 100_000 {
		if _, err := socket.WriteTo(forged[n%len(forged)], to); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%.0f packets a second", 100_000/time.Since(begun).Seconds())
	pause(t.Context(), 500*time.Millisecond)
	if got := s.since(before)["stranger"]; got.Packets > 0 {
		t.Errorf("answers to what proves nothing: got %+v, want none", got)
	}
	h.end(id)
}

// silence opens connections from the camera's own network that say nothing, or half of something, and looks whether one that
// speaks is heard afterwards.
func silence(t *testing.T, s *scene, _ *watcher) {
	before := s.footprint()
	to := netip.AddrPortFrom(s.Device().Addr, mediaPort).String()
	most := before.files
	for n := range 1000 {
		conn, err := s.Router(natlab.DeviceSide).Dial(t.Context(), "tcp", to)
		if err != nil {
			t.Fatalf("connection %d: %v", n, err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if n%2 == 0 {
			_, _ = conn.Write(binary.BigEndian.AppendUint16(nil, 100)) // it may be closed already
		}
		if n%100 == 0 {
			most = max(most, s.footprint().files)
		}
	}
	if most > before.files+16 {
		t.Errorf("files of the agent: got %d, had %d, want 16 more at most for one address", most, before.files)
	}
}
