package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// victims are sockets of somebody who has nothing to do with a session. What they get is told, one by one.
func victims(t *testing.T, n int) (at []netip.AddrPort, got <-chan struct{}) {
	t.Helper()
	packets := make(chan struct{}, 1<<16)
	var reading sync.WaitGroup
	t.Cleanup(reading.Wait)
	var listening net.ListenConfig
	host := relayAddress(t).String()
	for range n {
		conn := must(listening.ListenPacket(context.Background(), "udp4", net.JoinHostPort(host, "0")))(t)
		t.Cleanup(func() { conn.Close() })
		at = append(at, conn.LocalAddr().(*net.UDPAddr).AddrPort())
		reading.Go(func() {
			for buf := make([]byte, 1500); ; packets <- struct{}{} {
				if _, _, err := conn.ReadFrom(buf); err != nil {
					return
				}
			}
		})
	}
	return at, packets
}

func TestFloodOfCandidatesReachesThirdPartiesNoMoreThanItMay(t *testing.T) {
	third, got := victims(t, 40)
	host := newHost(t)
	begin := time.Now()
	for range 3 {
		v := newViewer(t, viewing{silent: true})
		s := open(t, host, v)
		s.mute = true
		s.mustOffer(nil)
		for n := range 1000 {
			to := third[n%len(third)]
			for _, kind := range []string{"host", "srflx raddr 0.0.0.0 rport 9", "prflx raddr 0.0.0.0 rport 9"} {
				if err := s.peer.Candidate(protocol.Candidate{Revision: 1, Candidate: fmt.Sprintf(
					"candidate:%d 1 udp %d %s %d typ %s", n, 1000+n, to.Addr(), to.Port(), kind)}); err != nil {
					t.Fatalf("candidate: %v", err)
				}
			}
		}
	}
	late := time.After(patience)
	for n := range 2 * checksPerAddress { // they do get some: that is ICE
		select {
		case <-got:
		case <-late:
			t.Fatalf("packets: got %d, want %d", n, 2*checksPerAddress)
		}
	}
	n, most := 2*checksPerAddress+len(got), 2*checksPerAddress+checksPerAddress*time.Since(begin).Seconds()
	if float64(n) > most+1 {
		t.Errorf("packets of three sessions: got %d, want %.0f at most", n, most)
	}
}

func TestChecksWithoutThePasswordAreNotAnswered(t *testing.T) {
	h := newHost(t)
	v := newViewer(t, viewing{silent: true})
	s := open(t, h, v)
	s.mute = true
	s.mustOffer(nil)
	s.until("an answer", func() bool { return len(s.describes) > 0 })
	_, describes, _ := s.told()
	user := ufragOf(describes[0].SDP) + ":" + ufragOf(v.pc.LocalDescription().SDP)
	_, password, _ := strings.Cut(describes[0].SDP, "a=ice-pwd:")
	password, _, _ = strings.Cut(password, "\r\n")

	stranger := must((&net.Dialer{}).DialContext(t.Context(), "udp4",
		net.JoinHostPort(relayAddress(t).String(), fmt.Sprint(h.mux.port.Number()))))(t)
	defer stranger.Close()
	check := func(user, password string) *stun.Message {
		return stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(user), ice.AttrControlling(1),
			ice.PriorityAttr(1), stun.NewShortTermIntegrity(password), stun.Fingerprint)
	}
	right := check(user, password)
	for _, m := range []*stun.Message{
		stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint),
		check(user, "guessed"), check("guessed:"+user, password), right,
	} {
		if _, err := stranger.Write(m.Raw); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	if err := stranger.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatalf("set deadline: %v", err)
	}
	for buf := make([]byte, 1500); ; {
		n, err := stranger.Read(buf)
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		m := &stun.Message{Raw: buf[:n]}
		if err := m.Decode(); err != nil {
			t.Fatalf("decode: %v", err)
		}
		if m.Type.Class == stun.ClassRequest {
			continue // the device's own check of an address that has proven itself
		}
		if m.TransactionID != right.TransactionID {
			t.Errorf("answered a check without the password: %s", m)
		}
		return
	}
}

func TestAddressesThatAreNotAdmittedDoNotReachTheLibrary(t *testing.T) {
	v := newViewer(t, viewing{silent: true})
	s := open(t, newHost(t), v)
	s.mute = true
	s.mustOffer(nil)
	for _, line := range []string{
		"candidate:1 1 udp 1 127.0.0.1 5000 typ host", "candidate:1 1 udp 1 224.0.0.251 5353 typ host",
		"candidate:1 1 udp 1 10.99.99.99 5000 typ host", "candidate:1 1 udp 1 8.8.8.8 53 typ srflx raddr 0.0.0.0 rport 9",
		"candidate:1 1 tcp 1 127.0.0.1 8080 typ host tcptype passive",
	} {
		if err := s.peer.Candidate(protocol.Candidate{Revision: 1, Candidate: line}); err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("candidate: %v", err)
		}
	}
	for id, stat := range s.peer.pc.GetStats() {
		if c, ok := stat.(webrtc.ICECandidateStats); ok && c.Type == webrtc.StatsTypeRemoteCandidate {
			t.Errorf("the library has %s: %s:%d", id, c.IP, c.Port)
		}
	}
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	if got := len(s.peer.checks.targets); got != 0 {
		t.Errorf("addresses to check: got %d, want none", got)
	}
}
