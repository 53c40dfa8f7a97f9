package turn

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pionturn "github.com/pion/turn/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	grantA protocol.GrantID = "00000000000000000000000000000aaa"
	grantB protocol.GrantID = "00000000000000000000000000000bbb"

	// patience bounds what a test waits for; nothing is measured by it.
	patience = 10 * time.Second
)

var testSecrets = []record.RelaySecret{{ID: "k1", Secret: []byte("01234567890123456789"), Created: time.Unix(1, 0)}}

// lab is the policy but for peers that a test opens: the only ones there are on loopback.
type lab struct {
	judge
	mu   sync.Mutex
	open map[netip.AddrPort]bool
}

func (l *lab) allow(addr netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[addr] = true
}

func (l *lab) refuse(addr netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, addr)
}

func (l *lab) peer(peer netip.AddrPort) refusal {
	l.mu.Lock()
	open := l.open[peer]
	l.mu.Unlock()
	if open {
		return allowed
	}
	return l.judge.peer(peer)
}

func (l *lab) address(addr netip.Addr) refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	for peer := range l.open {
		if peer.Addr() == addr {
			return allowed
		}
	}
	return l.judge.address(addr)
}

// fakeLedger keeps the last count of each allocation, and fails while broken.
type fakeLedger struct {
	mu     sync.Mutex
	broken bool
	calls  int
	last   map[string]record.Usage
	// allows is what every allocation may carry in all; 0 is anything.
	allows uint64
}

func (l *fakeLedger) Settle(_ context.Context, usage []record.Usage) (allowed []record.Allowance, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.broken {
		return nil, errors.New("ledger is broken")
	}
	if l.last == nil {
		l.last = make(map[string]record.Usage)
	}
	for _, u := range usage {
		l.last[u.Allocation] = u
		if l.allows != 0 && u.Ended.IsZero() {
			allowed = append(allowed, record.Allowance{Allocation: u.Allocation, Bytes: l.allows, Until: time.Now().Add(time.Hour)})
		}
	}
	return allowed, nil
}

func (l *fakeLedger) allow(bytes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allows = bytes
}

func (l *fakeLedger) mend(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
}

func (l *fakeLedger) attempts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

func (l *fakeLedger) of(grant protocol.GrantID) []record.Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []record.Usage
	for _, u := range l.last {
		if u.Grant == grant {
			found = append(found, u)
		}
	}
	return found
}

// harness is a server that runs on loopback.
type harness struct {
	*Server
	lab    *lab
	ledger *fakeLedger
	stop   func() error
}

// start runs a server for the test, which fails if it leaves a goroutine behind.
func start(t *testing.T, change ...func(*Config)) *harness {
	t.Helper()
	return startWith(t, nil, change...)
}

func startWith(t *testing.T, prepare func(*Server), change ...func(*Config)) *harness {
	t.Helper()
	books := &fakeLedger{}
	cfg := Config{
		Listen: "127.0.0.1:0", Secrets: testSecrets, Ledger: books, Logger: slog.New(slog.DiscardHandler),
		UsageInterval: 20 * time.Millisecond,
		// Most tests play no session.
		Peers: PeersObserve, Portable: portablePath,
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{Server: s, ledger: books}
	h.lab = &lab{judge: s.peers, open: make(map[netip.AddrPort]bool)}
	s.peers = h.lab
	if prepare != nil {
		prepare(s)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		eventually(t, "goroutines end", func() bool { return serverGoroutines() == 0 })
	})
	return h
}

// openTen opens 10.0.0.0/8 to relays, enforcing holds these to the peers of their session.
func openTen(c *Config)   { c.AllowPeers = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
func enforcing(c *Config) { c.Peers = PeersEnforce }

// serverGoroutines counts the goroutines that serve: ours and pion/turn's, but not those of its client.
func serverGoroutines() int {
	return goroutinesIn("turn/v5.(*Server)", "turn/v5/internal/allocation", "turn/v5/internal/server",
		"turn.(*Server).Run", "turn.(*meter)", "turn/plane", "turn.(*stream")
}

// goroutinesIn counts the goroutines that are in one of the functions.
func goroutinesIn(functions ...string) int {
	buf := make([]byte, 1<<20)
	n := 0
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if slices.ContainsFunc(functions, func(f string) bool { return strings.Contains(stack, f) }) {
			n++
		}
	}
	return n
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still waiting: %s", what)
		}
	}
}

// metric returns the value of a metric, of the labels given if it has any.
func (h *harness) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(h.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var values []string
			for _, label := range m.GetLabel() {
				values = append(values, label.GetValue())
			}
			if family.GetName() == name && slices.Equal(values, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// credentials grants and returns what a client authenticates with.
func (h *harness) credentials(t *testing.T, grant protocol.GrantID, role protocol.Role) Credentials {
	t.Helper()
	servers, err := h.Grant(grant, role)
	if err != nil {
		t.Fatal(err)
	}
	last := servers[len(servers)-1]
	return Credentials{Username: last.Username, Password: last.Credential}
}

// testClient is pion's own, over a connection that the test may look at.
type testClient struct {
	*pionturn.Client
	conn net.PacketConn
}

func (h *harness) dial(t *testing.T, transport string, c Credentials) *testClient {
	t.Helper()
	var conn net.PacketConn
	if transport == transportTCP {
		conn = pionturn.NewSTUNConn(h.dialStream(t))
	} else {
		udp, err := net.ListenPacket("udp", netip.AddrPortFrom(h.Addr().Addr(), 0).String())
		if err != nil {
			t.Fatal(err)
		}
		conn = udp
	}
	client, err := pionturn.NewClient(&pionturn.ClientConfig{
		STUNServerAddr: h.Addr().String(), TURNServerAddr: h.Addr().String(), Conn: conn,
		Username: c.Username, Password: c.Password, Realm: DefaultRealm, LoggerFactory: pionLogs{slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		_ = conn.Close()
	})
	return &testClient{client, conn}
}

func (h *harness) dialStream(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", h.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// peer is a UDP socket on loopback that relays may talk to.
func (h *harness) peer(t *testing.T) *net.UDPConn {
	t.Helper()
	conn := h.stranger(t)
	h.lab.allow(addrPort(conn.LocalAddr()))
	return conn
}

// stranger is one that they may not.
func (h *harness) stranger(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(h.Addr().Addr(), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func receive(t *testing.T, conn net.PacketConn) (string, net.Addr) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, from, err := conn.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n]), from
}

func send(t *testing.T, conn net.PacketConn, data string, to net.Addr) {
	t.Helper()
	if _, err := conn.WriteTo([]byte(data), to); err != nil {
		t.Fatal(err)
	}
}
