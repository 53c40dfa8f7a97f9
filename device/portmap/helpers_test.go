package portmap

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// here is a network whose router is this machine.
var here = place{gateway: loopback, local: loopback}

// patience is longer than any answer on loopback takes, and quick a wait for what will not come.
const (
	patience = 20 * time.Second
	quick    = 5 * time.Millisecond
)

// controlServer answers on a router's control port what a function says, from goroutines that end with the test.
func controlServer(t *testing.T, answer func(request []byte) [][]byte) control {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			for _, a := range answer(b[:n]) {
				_, _ = conn.WriteToUDPAddrPort(a, from)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	return control{place: here, port: conn.LocalAddr().(*net.UDPAddr).AddrPort().Port(), firstWait: patience}
}

// box is a router that speaks PCP and NAT-PMP, by the letter of their RFCs and independent of the code under test.
type box struct {
	mu       sync.Mutex
	address  netip.Addr
	epoch    uint32
	lifetime uint32 // granted whatever is asked for, if not 0
	taken    map[uint16]bool
	mapped   map[[2]uint16]uint16 // IP protocol and internal port to external port
	nonces   map[[2]uint16]string
	requests int
}

func newBox() *box {
	return &box{
		address: netip.MustParseAddr("5.6.7.8"), epoch: 1000,
		taken: make(map[uint16]bool), mapped: make(map[[2]uint16]uint16), nonces: make(map[[2]uint16]string),
	}
}

func (r *box) change(f func(*box)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *box) restart() {
	r.change(func(r *box) {
		r.epoch = 0
		clear(r.mapped)
		clear(r.nonces)
	})
}

// external returns where a port is mapped to, 0 for nowhere.
func (r *box) external(protocol, internal uint16) uint16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mapped[[2]uint16{protocol, internal}]
}

func (r *box) assign(key [2]uint16, wished uint16) uint16 {
	if port, ok := r.mapped[key]; ok {
		return port
	}
	for wished == 0 || r.taken[wished] {
		wished += 1024
	}
	r.mapped[key] = wished
	return wished
}

func (r *box) answerPCP(b []byte) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	if b[0] != 2 {
		return [][]byte{{2, b[1] | 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
	}
	a := append([]byte(nil), b...)
	a[1] |= 0x80
	copy(a[8:24], make([]byte, 16))
	binary.BigEndian.PutUint32(a[8:], r.epoch)
	if b[1] != 1 {
		return [][]byte{a}
	}
	key := [2]uint16{uint16(b[36]), binary.BigEndian.Uint16(b[40:])}
	nonce := string(b[24:36])
	if held, ok := r.nonces[key]; ok && held != nonce {
		a[3] = 2 // NOT_AUTHORIZED
		return [][]byte{a}
	}
	if binary.BigEndian.Uint32(b[4:]) == 0 {
		delete(r.mapped, key)
		delete(r.nonces, key)
		return [][]byte{a}
	}
	if r.lifetime != 0 {
		binary.BigEndian.PutUint32(a[4:], r.lifetime)
	}
	r.nonces[key] = nonce
	binary.BigEndian.PutUint16(a[42:], r.assign(key, binary.BigEndian.Uint16(b[42:])))
	address := r.address.As16()
	copy(a[44:60], address[:])
	return [][]byte{a}
}

func (r *box) answerNATPMP(b []byte) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	a := []byte{0, b[1] | 0x80, 0, 0}
	if b[0] != 0 {
		return [][]byte{binary.BigEndian.AppendUint32([]byte{0, b[1] | 0x80, 0, 1}, r.epoch)}
	}
	a = binary.BigEndian.AppendUint32(a, r.epoch)
	if b[1] == 0 {
		return [][]byte{append(a, r.address.AsSlice()...)}
	}
	protocol := uint16(17)
	if b[1] == 2 {
		protocol = 6
	}
	key := [2]uint16{protocol, binary.BigEndian.Uint16(b[4:])}
	lifetime := binary.BigEndian.Uint32(b[8:])
	a = append(a, b[4:6]...)
	if lifetime == 0 {
		delete(r.mapped, key)
		return [][]byte{append(a, 0, 0, 0, 0, 0, 0)}
	}
	if r.lifetime != 0 {
		lifetime = r.lifetime
	}
	a = binary.BigEndian.AppendUint16(a, r.assign(key, binary.BigEndian.Uint16(b[6:])))
	return [][]byte{binary.BigEndian.AppendUint32(a, lifetime)}
}

// asked returns how many requests came.
func (r *box) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// mapping reports whether a request maps a port, and for how long.
func mapping(request []byte) (lifetime uint32, maps bool) {
	switch {
	case request[0] == 2 && request[1] == 1:
		return binary.BigEndian.Uint32(request[4:]), true
	case request[0] == 0 && request[1] != 0:
		return binary.BigEndian.Uint32(request[8:]), true
	}
	return 0, false
}

// retarget has a router of either protocol ask somebody else.
func retarget(r router, c control) {
	switch r := r.(type) {
	case *pcp:
		r.control = c
	case *natpmp:
		r.control = c
	}
}

func wished(port uint16) []netip.AddrPort {
	return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), port)}
}

func opened(t *testing.T, r router, a ask, wishes []netip.AddrPort) lease {
	t.Helper()
	l, err := wish(t.Context(), r, a, wishes)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
