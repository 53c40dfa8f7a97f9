package turn

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// bound is a raw client with a channel to a peer.
type bound struct {
	*raw
	peer    *net.UDPConn
	relayed netip.AddrPort
}

const testChannel = 0x4001

func (h *harness) bindRaw(t *testing.T, grant protocol.GrantID) *bound {
	t.Helper()
	b := &bound{raw: h.dialRaw(t, h.credentials(t, grant, protocol.RoleViewer)), peer: h.peer(t)}
	b.allocate()
	if code := b.request(stun.MethodChannelBind, channel(testChannel), xorPeer(addrPort(b.peer.LocalAddr()))); code != 0 {
		t.Fatalf("bind a channel: got %d", code)
	}
	b.relayed = h.relayOf(t, addrPort(b.conn.LocalAddr()))
	return b
}

// relayOf returns where the relay of a UDP client is bound.
func (h *harness) relayOf(t *testing.T, client netip.AddrPort) netip.AddrPort {
	t.Helper()
	r, _ := h.relays.of(flow{transportUDP, client, h.Addr()})
	if r == nil {
		t.Fatalf("%s has no relay", client)
	}
	return r.local
}

// frame returns data as ChannelData.
func frame(number uint16, data []byte) []byte {
	head := binary.BigEndian.AppendUint16(nil, number)
	return append(binary.BigEndian.AppendUint16(head, uint16(len(data))), data...)
}

// down sends data from the peer, and returns what the client has got of it.
func (b *bound) down(data []byte) []byte {
	b.t.Helper()
	if _, err := b.peer.WriteToUDPAddrPort(data, b.relayed); err != nil {
		b.t.Fatal(err)
	}
	return b.fromServer()
}

func (b *bound) fromServer() []byte {
	b.t.Helper()
	buf := make([]byte, 2048)
	if err := b.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		b.t.Fatal(err)
	}
	n, err := b.conn.Read(buf)
	if err != nil {
		b.t.Fatal(err)
	}
	return buf[:n]
}

// up sends a datagram to the server, and returns what the peer has got of it.
func (b *bound) up(datagram []byte) []byte {
	b.t.Helper()
	if _, err := b.conn.Write(datagram); err != nil {
		b.t.Fatal(err)
	}
	data, _ := receive(b.t, b.peer)
	return []byte(data)
}

func TestChannelsCarryAnyLength(t *testing.T) {
	h := start(t)
	b := h.bindRaw(t, grantA)
	for size := range 50 {
		data := bytes.Repeat([]byte{byte(size)}, size)
		if got := b.up(frame(testChannel, data)); !bytes.Equal(got, data) {
			t.Fatalf("peer got %x, want %x", got, data)
		}
		// Padding is allowed over UDP.
		if got := b.up(append(frame(testChannel, data), 1, 2, 3)); !bytes.Equal(got, data) {
			t.Fatalf("peer got %x, want %x", got, data)
		}
		number, got, ok := readChannel(b.down(data))
		if number != testChannel || !bytes.Equal(got, data) || !ok {
			t.Fatalf("client got %x of channel %x, want %x", got, number, data)
		}
	}
	want := record.Traffic{UpBytes: 49 * 50, UpPackets: 100, DownBytes: 49 * 25, DownPackets: 50}
	h.wantTraffic(t, grantA, want)
}

// wantTraffic ends the grant and compares what its one allocation has carried.
func (h *harness) wantTraffic(t *testing.T, grant protocol.GrantID, want record.Traffic) {
	t.Helper()
	h.End(grant)
	eventually(t, "the last count", func() bool {
		usage := h.ledger.of(grant)
		return len(usage) == 1 && !usage[0].Ended.IsZero()
	})
	if diff := cmp.Diff(want, h.ledger.of(grant)[0].Traffic); diff != "" {
		t.Errorf("traffic (-want +got):\n%s", diff)
	}
}

func TestMalformedChannelDataGoesNowhere(t *testing.T) {
	h := start(t)
	b := h.bindRaw(t, grantA)
	whole := frame(testChannel, []byte("cut off"))
	for _, datagram := range [][]byte{
		{},
		{0x40},
		whole[:3], whole[:4], whole[:len(whole)-1],
		frame(testChannel+1, []byte("no such channel")), frame(0x3fff, []byte("not a channel")), frame(0x8000, []byte("not a channel")),
		bytes.Repeat([]byte{0x40}, 3000),
	} {
		if _, err := b.conn.Write(datagram); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.up(frame(testChannel, []byte("good"))); string(got) != "good" {
		t.Errorf("peer got %q", got)
	}
	h.wantTraffic(t, grantA, record.Traffic{UpBytes: 4, UpPackets: 1})
}

func TestPeersWithoutChannelComeAsIndications(t *testing.T) {
	h := start(t)
	b := h.bindRaw(t, grantA)
	other := h.peer(t)
	if _, err := other.WriteToUDPAddrPort([]byte("indicated"), b.relayed); err != nil {
		t.Fatal(err)
	}
	m := &stun.Message{Raw: b.fromServer()}
	if err := m.Decode(); err != nil || m.Type != stun.NewType(stun.MethodData, stun.ClassIndication) {
		t.Fatalf("got %s, %v", m, err)
	}
	if data, err := m.Get(stun.AttrData); err != nil || string(data) != "indicated" {
		t.Errorf("got %q, %v", data, err)
	}
	if number, data, ok := readChannel(b.down([]byte("by channel"))); number != testChannel || string(data) != "by channel" || !ok {
		t.Errorf("got %q of %x", data, number)
	}
	h.wantTraffic(t, grantA, record.Traffic{DownBytes: 19, DownPackets: 2})
}

func TestPeersAreJudgedAfterTheirChannelIsBound(t *testing.T) {
	h := start(t)
	b := h.bindRaw(t, grantA)
	keep := h.peer(t) // The address stays open, the port does not.
	h.lab.refuse(addrPort(b.peer.LocalAddr()))
	if _, err := b.conn.Write(frame(testChannel, []byte("refused"))); err != nil {
		t.Fatal(err)
	}
	if _, err := b.peer.WriteToUDPAddrPort([]byte("refused"), b.relayed); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both drops", func() bool {
		return h.metric(t, "sightline_turn_dropped_packets_total", string(refusedSpecial)) == 2
	})
	_ = keep
	h.wantTraffic(t, grantA, record.Traffic{})
}

func TestEndedAllocationsFreeTheirClientsForNewOnes(t *testing.T) {
	h := start(t)
	b := h.bindRaw(t, grantA)
	b.up(frame(testChannel, []byte("before")))
	if code := b.request(stun.MethodRefresh, lifetime(0)); code != 0 {
		t.Fatalf("refresh: got %d", code)
	}
	if _, err := b.conn.Write(frame(testChannel, []byte("nobody's"))); err != nil {
		t.Fatal(err)
	}
	b.allocate()
	if _, err := b.conn.Write(frame(testChannel, []byte("not bound yet"))); err != nil {
		t.Fatal(err)
	}
	if code := b.request(stun.MethodChannelBind, channel(testChannel), xorPeer(addrPort(b.peer.LocalAddr()))); code != 0 {
		t.Fatalf("bind a channel: got %d", code)
	}
	if got := b.up(frame(testChannel, []byte("after"))); string(got) != "after" {
		t.Errorf("peer got %q", got)
	}
}

// After End has returned not a packet passes, however many are under way.
func TestNothingPassesAfterTheEnd(t *testing.T) {
	h := start(t)
	b := h.bindRaw(t, grantA)
	var sending sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer sending.Wait()
	defer cancel()
	for _, send := range []func(){
		func() { _, _ = b.conn.Write(frame(testChannel, []byte("up"))) },
		func() { _, _ = b.peer.WriteToUDPAddrPort([]byte("down"), b.relayed) },
	} {
		sending.Go(func() {
			for ctx.Err() == nil {
				send()
				runtime.Gosched()
			}
		})
	}
	var client, peer atomic.Int64
	count := func(conn net.Conn, n *atomic.Int64) func() {
		return func() {
			buf := make([]byte, 2048)
			for ctx.Err() == nil {
				_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				if _, err := conn.Read(buf); err == nil {
					n.Add(1)
				}
			}
		}
	}
	sending.Go(count(b.conn, &client))
	sending.Go(count(b.peer, &peer))
	eventually(t, "packets pass both ways", func() bool { return client.Load() > 100 && peer.Load() > 100 })
	h.End(grantA)
	usage := h.ledger.of
	eventually(t, "the last count", func() bool { return len(usage(grantA)) == 1 && !usage(grantA)[0].Ended.IsZero() })
	sent := usage(grantA)[0].Traffic
	var seen [2]int64
	eventually(t, "what was under way to arrive", func() bool {
		now := [2]int64{client.Load(), peer.Load()}
		still := now == seen
		seen = now
		return still
	})
	if seen[0] > int64(sent.DownPackets) || seen[1] > int64(sent.UpPackets) {
		t.Errorf("client got %d of %d counted, peer %d of %d", seen[0], sent.DownPackets, seen[1], sent.UpPackets)
	}
}

// A client and two peers do at random what they may and what they may not: what arrives and what is counted is the same
// with event loops and without, because it is what this test expects.
func TestRandomTrafficArrivesAsItShould(t *testing.T) {
	h := start(t)
	random := rand.New(rand.NewPCG(3, 4))
	b := h.bindRaw(t, grantA)
	second := h.peer(t)
	boundSecond := false
	var want record.Traffic
	buf := make([]byte, 1500)
	for range 500 {
		data := buf[:random.IntN(len(buf)-200)]
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		switch random.IntN(6) {
		case 0, 1:
			if got := b.up(frame(testChannel, data)); !bytes.Equal(got, data) {
				t.Fatalf("peer got %d bytes, want %d", len(got), len(data))
			}
			want.UpPackets, want.UpBytes = want.UpPackets+1, want.UpBytes+uint64(len(data))
		case 2, 3:
			if _, got, _ := readChannel(b.down(data)); !bytes.Equal(got, data) {
				t.Fatalf("client got %d bytes, want %d", len(got), len(data))
			}
			want.DownPackets, want.DownBytes = want.DownPackets+1, want.DownBytes+uint64(len(data))
		case 4:
			if boundSecond {
				continue
			}
			boundSecond = random.IntN(10) == 0
			if boundSecond {
				if code := b.request(stun.MethodChannelBind, channel(0x7fff), xorPeer(addrPort(second.LocalAddr()))); code != 0 {
					t.Fatalf("bind a channel: got %d", code)
				}
			} else if _, err := b.conn.Write(frame(0x7fff, data)); err != nil {
				t.Fatal(err)
			}
		case 5:
			if _, err := second.WriteToUDPAddrPort(data, b.relayed); err != nil {
				t.Fatal(err)
			}
			number, got, ok := readChannel(b.fromServer())
			if ok != boundSecond || ok && (number != 0x7fff || !bytes.Equal(got, data)) {
				t.Fatalf("client got %d bytes of %x, bound %v", len(got), number, boundSecond)
			}
			want.DownPackets, want.DownBytes = want.DownPackets+1, want.DownBytes+uint64(len(data))
		}
	}
	h.wantTraffic(t, grantA, want)
}

func FuzzReadChannel(f *testing.F) {
	f.Add(frame(testChannel, []byte("data")))
	f.Add([]byte{0x7f, 0xff, 0, 0})
	f.Add([]byte{0x40, 0, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		number, data, ok := readChannel(datagram)
		if !ok {
			return
		}
		if number < 0x4000 || number > 0x7fff {
			t.Errorf("channel %x", number)
		}
		if !bytes.HasPrefix(datagram, frame(number, data)) {
			t.Errorf("%x is not what %x begins with", data, datagram)
		}
	})
}
