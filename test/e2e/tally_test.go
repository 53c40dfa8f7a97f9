//go:build linux

package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

const (
	// channel is the number of every client's only channel (RFC 8656 section 12).
	channel = 0x4001
	// burst and pause make a rate that a busy machine carries without loss: up to 12,000 packets a second in all.
	burst = 5
	pause = 10 * time.Millisecond
)

// carrier is a TURN client with one peer, through which known packets go.
type carrier struct {
	*turnClient
	peer    *listener
	relayed net.Addr
	channel bool
	stream  bool
}

// carrier makes an allocation, in a session of its own, for a peer on the camera's host. Over TCP it reads from then on
// and throws away what comes.
func (s *stage) carrier(network string, byChannel bool) *carrier {
	s.t.Helper()
	c := &carrier{turnClient: s.turnClientBy(network), channel: byChannel, stream: network == "tcp"}
	c.peer = listen(s.t, s.Camera, s.Camera.Addr)
	c.relayed = net.UDPAddrFromAddrPort(c.allocate())
	if byChannel {
		bound := c.request(stun.MethodChannelBind,
			attribute{stun.AttrChannelNumber, []byte{channel >> 8, channel & 0xff, 0, 0}}, peerAddress(c.peer.addr))
		if bound.Type.Class != stun.ClassSuccessResponse {
			s.t.Fatalf("no channel: %v", bound)
		}
	} else if code := c.permit(c.peer.addr); code != 0 {
		s.t.Fatalf("no permission: %d", code)
	}
	if c.stream {
		must(s.t, c.conn.SetReadDeadline(time.Time{}))
		go func() { _, _ = io.Copy(io.Discard, c.conn) }() // to the end of the connection
	}
	return c
}

// up sends a packet to the peer, down one from it.
func (c *carrier) up(data []byte) {
	c.t.Helper()
	if !c.channel {
		c.send(c.peer.addr, string(data))
		return
	}
	frame := binary.BigEndian.AppendUint16(nil, channel)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(data)))
	frame = append(frame, data...)
	for c.stream && len(frame)%4 != 0 { // RFC 8656 section 12.5
		frame = append(frame, 0)
	}
	_, err := c.conn.Write(frame)
	must(c.t, err)
}

func (c *carrier) down(data []byte) {
	c.t.Helper()
	_, err := c.peer.conn.WriteTo(data, c.relayed)
	must(c.t, err)
}

// carry sends that many packets each way through every client, of many sizes about 1000, and returns the payload.
func carry(t *testing.T, clients []*carrier, packets int) (bytesUp, bytesDown uint64) {
	t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for i := range packets {
		data := bytes.Repeat([]byte{byte(i)}, 980+i%41)
		for _, c := range clients {
			c.up(data)
			c.down(data)
			bytesUp += uint64(len(data))
			bytesDown += uint64(len(data))
		}
		if i%burst == burst-1 {
			<-tick.C
		}
	}
	return bytesUp, bytesDown
}

// tally counts what the server's host exchanges with peers on the relay's ports and what it sends to UDP clients.
func (s *stage) tally() {
	s.t.Helper()
	must(s.t, s.Server.Filter(s.t.Context(), fmt.Sprintf(`table inet tally {
	counter peer_in {}
	counter peer_out {}
	counter client_out {}
	chain input {
		type filter hook input priority 0
		ip saddr %[1]s udp dport != %[3]s counter name peer_in
	}
	chain output {
		type filter hook output priority 0
		ip daddr %[1]s udp sport != %[3]s counter name peer_out
		ip daddr %[2]s udp sport %[3]s counter name client_out
	}
}`, s.Camera.Addr, s.Viewer.Addr, s.hub.RelayPort())))
}

func (s *stage) counters() map[string]natlab.Count {
	s.t.Helper()
	return need(s.Server.Counters(s.t.Context(), "tally"))(s.t)
}

// payload is what counted packets carried beside IP and UDP. A burst that the server hands to the kernel as one (UDP GSO) is
// one packet with one header here, and so many on the wire: the counters cannot tell how many packets there were.
func payload(c natlab.Count) float64 { return float64(c.Bytes) - ipUDP*float64(c.Packets) }

// relayed sums up the records of all sessions.
func (s *stage) relayed() (sum rig.Relayed, err error) {
	list, err := s.api.Sessions(s.t.Context(), "")
	for _, session := range list {
		sum.UpBytes += session.Relayed.UpBytes
		sum.UpPackets += session.Relayed.UpPackets
		sum.DownBytes += session.Relayed.DownBytes
		sum.DownPackets += session.Relayed.DownPackets
	}
	return sum, err
}

// percent is how near the records are to be to the wire.
const percent = 0.01

func TestTheLedgerAgreesWithTheWireForEveryKindOfClient(t *testing.T) {
	s := enter(t)
	s.tally()
	var clients []*carrier
	for _, network := range []string{"udp", "tcp"} {
		for _, byChannel := range []bool{true, false} {
			for range 3 {
				clients = append(clients, s.carrier(network, byChannel))
			}
		}
	}
	const each = 300
	up, down := carry(t, clients, each)
	packets := each * len(clients)
	var wire map[string]natlab.Count
	got := eventually(t, "agreement of the records with the wire", s.relayed, func(r rig.Relayed) bool {
		wire = s.counters()
		return near(float64(r.UpBytes), payload(wire["peer_out"]), percent) && near(float64(r.DownBytes), payload(wire["peer_in"]), percent)
	})
	t.Logf("sent %d up and %d down, on record %+v, on the wire %+v", up, down, got, wire)
	if !near(float64(got.UpPackets), float64(packets), percent) || !near(float64(got.DownPackets), float64(packets), percent) {
		t.Errorf("the records have %d and %d packets, %d were sent", got.UpPackets, got.DownPackets, packets)
	}
	eventually(t, "as many bytes in the project's month as its sessions have", func() (uint64, error) { return s.used(), nil },
		func(used uint64) bool { return used == got.UpBytes+got.DownBytes })
}

func TestTheLedgerAgreesWithTheWireOverTheCap(t *testing.T) {
	s := enter(t, "--relay-max-kbps", "1000")
	s.tally()
	clients := []*carrier{s.carrier("udp", true), s.carrier("udp", true), s.carrier("udp", true)}
	up, down := carry(t, clients, 2000)
	var wire map[string]natlab.Count
	got := eventually(t, "agreement of the records with the wire", s.relayed, func(r rig.Relayed) bool {
		wire = s.counters()
		client := float64(r.DownBytes) + channelData*float64(r.DownPackets)
		return near(float64(r.UpBytes), payload(wire["peer_out"]), percent) && near(client, payload(wire["client_out"]), percent)
	})
	t.Logf("sent %d up and %d down, on record %+v, on the wire %+v", up, down, got, wire)
	for way, n := range map[string]uint64{"up": got.UpBytes, "down": got.DownBytes} {
		if n > up*9/10 {
			t.Errorf("%d of %d bytes went %s over the cap, want fewer", n, up, way)
		}
		// 0.8 s of sending at least, after a second's worth at once.
		if least := uint64(len(clients)) * 125_000; n < least {
			t.Errorf("%d bytes went %s, want %d at least", n, way, least)
		}
	}
}

func TestAKilledServerCountsNothingTwice(t *testing.T) {
	s := enter(t)
	s.tally()
	counted, _ := carry(t, []*carrier{s.carrier("udp", true)}, 100)
	eventually(t, "the first count", func() (uint64, error) { return s.used(), nil }, func(n uint64) bool { return n == 2*counted })
	lost, _ := carry(t, []*carrier{s.carrier("udp", true)}, 50)
	s.hub.Kill()
	must(t, s.hub.Start(t.Context()))
	before := s.used()
	later, _ := carry(t, []*carrier{s.carrier("udp", true)}, 100)
	eventually(t, "the last count", func() (uint64, error) { return s.used(), nil }, func(n uint64) bool { return n == before+2*later })
	if before < 2*counted || before > 2*(counted+lost) {
		t.Errorf("after the kill %d bytes are on record, want %d to %d", before, 2*counted, 2*(counted+lost))
	}
	wire := s.counters()
	if got, most := float64(s.used()), payload(wire["peer_in"])+payload(wire["peer_out"]); got > most {
		t.Errorf("%v bytes are on record, %v were on the wire", got, most)
	}
}

// used is what the default project has used of the relay this month.
func (s *stage) used() uint64 {
	s.t.Helper()
	var project struct {
		Used uint64 `json:"relay_used_bytes"`
	}
	must(s.t, s.hub.Do(s.t.Context(), &project, "project", "list"))
	return project.Used
}
