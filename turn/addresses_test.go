package turn

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/record"
)

func addrs(list ...string) []netip.Addr {
	parsed := make([]netip.Addr, len(list))
	for i, s := range list {
		parsed[i] = netip.MustParseAddr(s)
	}
	return parsed
}

func TestRelayIsBoundWhereItsClientCame(t *testing.T) {
	bound := addrs("10.0.0.1", "192.168.0.1", "2a00::1")
	for name, test := range map[string]struct {
		public     []netip.Addr
		network    string
		local      string
		bind, told string
	}{
		"no public address":         {nil, "udp4", "192.168.0.1", "192.168.0.1", "192.168.0.1"},
		"other family":              {nil, "udp6", "192.168.0.1", "2a00::1", "2a00::1"},
		"other family, from IPv6":   {nil, "udp4", "2a00::1", "10.0.0.1", "10.0.0.1"},
		"1:1 NAT":                   {addrs("8.8.8.8"), "udp4", "192.168.0.1", "192.168.0.1", "8.8.8.8"},
		"local public address":      {addrs("10.0.0.1"), "udp4", "192.168.0.1", "10.0.0.1", "10.0.0.1"},
		"public of the other alone": {addrs("8.8.8.8"), "udp6", "2a00::1", "2a00::1", "2a00::1"},
	} {
		h := &hosts{bound: bound, public: test.public}
		bind, told, err := h.relay(test.network, netip.MustParseAddr(test.local))
		if err != nil || bind.String() != test.bind || told.String() != test.told {
			t.Errorf("%s: got %s, %s, %v, want %s, %s", name, bind, told, err, test.bind, test.told)
		}
	}
	h := &hosts{bound: addrs("10.0.0.1")}
	if _, _, err := h.relay("udp6", netip.MustParseAddr("10.0.0.1")); err == nil {
		t.Error("a family that the host has not: no error")
	}
}

func TestUnspecifiedHostIsEveryConcreteAddress(t *testing.T) {
	for _, host := range []string{"", "0.0.0.0", "[::]"} {
		s, err := New(Config{Listen: host + ":0", Secrets: testSecrets})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		port := s.Addr().Port()
		for _, d := range s.doors {
			addr := d.addr.Addr()
			if d.addr.Port() != port || addr.IsUnspecified() || addr.IsLinkLocalUnicast() || !s.hosts.isOwn(addr) {
				t.Errorf("%q is bound on %s", host, d.addr)
			}
			if host == "0.0.0.0" && !addr.Is4() {
				t.Errorf("%q is bound on %s", host, d.addr)
			}
			if got := addrPort(d.tcp.Addr()); got != d.addr {
				t.Errorf("UDP is on %s, TCP on %s", d.addr, got)
			}
		}
		if got, want := len(s.STUN()), len(s.doors); got != want {
			t.Errorf("%q: %d STUN URLs, want %d", host, got, want)
		}
		if err := s.unbind(); err != nil {
			t.Error(err)
		}
	}
}

func TestPublicAddressesAreWhatClientsAreTold(t *testing.T) {
	s, err := New(Config{Listen: "127.0.0.1:0", Secrets: testSecrets, PublicIPs: addrs("::ffff:8.8.8.8")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.unbind() }()
	at := netip.AddrPortFrom(netip.MustParseAddr("8.8.8.8"), s.Addr().Port()).String()
	want := []string{"turn:" + at + "?transport=udp", "turn:" + at + "?transport=tcp"}
	if got := s.URLs(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !s.hosts.isOwn(netip.MustParseAddr("8.8.8.8")) || !s.hosts.isOwn(netip.MustParseAddr("127.0.0.1")) {
		t.Error("the public or the local address is not the host's own")
	}
}

func TestTheRelayIsNamedOnceForEachPublicFamily(t *testing.T) {
	got := firstPublic(addrs("8.8.8.8", "192.168.1.2", "8.8.4.4", "10.0.0.2", "2606:4700::1", "2606:4700::2", "fd00::1"))
	want := addrs("8.8.8.8", "192.168.1.2", "10.0.0.2", "2606:4700::1", "fd00::1")
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConfigThatCannotBeRightIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no secrets":          func(c *Config) { c.Secrets = []record.RelaySecret{} },
		"two public IPv4":     func(c *Config) { c.PublicIPs = addrs("8.8.8.8", "8.8.4.4") },
		"unspecified public":  func(c *Config) { c.PublicIPs = addrs("0.0.0.0") },
		"no public address":   func(c *Config) { c.PublicIPs = []netip.Addr{{}} },
		"system relay ports":  func(c *Config) { c.MinRelayPort, c.MaxRelayPort = 1000, 2000 },
		"reversed ports":      func(c *Config) { c.MinRelayPort, c.MaxRelayPort = 3000, 2000 },
		"one port bound only": func(c *Config) { c.MinRelayPort = 3000 },
		"bad range":           func(c *Config) { c.AllowPeers = []netip.Prefix{{}} },
	} {
		cfg := Config{Listen: "127.0.0.1:0", Secrets: testSecrets}
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBusyRelayRangeIsSearchedThrough(t *testing.T) {
	s, err := New(Config{Listen: "127.0.0.1:0", Secrets: testSecrets, MinRelayPort: 42200, MaxRelayPort: 42203})
	if err != nil {
		t.Fatal(err)
	}
	g := &generator{server: s, sockets: portable{}, transport: transportUDP, local: netip.MustParseAddr("127.0.0.1")}
	for range 4 {
		conn, err := g.listen("udp4", g.local, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	if _, err := g.listen("udp4", g.local, 0); !errors.Is(err, errNoPort) {
		t.Errorf("got %v, want %v", err, errNoPort)
	}
	if _, err := g.listen("udp4", g.local, 42204); !errors.Is(err, errPortRange) {
		t.Errorf("got %v, want %v", err, errPortRange)
	}
}

func TestListenFailsWithOneClearLine(t *testing.T) {
	h := start(t)
	used := h.Addr().String()
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"occupied port": {func(c *Config) { c.Listen = used }, "address already in use"},
		"no port":       {func(c *Config) { c.Listen = "127.0.0.1" }, "missing port"},
		"other host":    {func(c *Config) { c.Listen = "192.0.2.250:0" }, "cannot assign requested address"},
		"no address of the public family": {func(c *Config) {
			c.Listen, c.PublicIPs = "127.0.0.1:0", []netip.Addr{netip.MustParseAddr("2a00::1")}
		}, "no local address of its family"},
	} {
		cfg := Config{Secrets: testSecrets}
		test.change(&cfg)
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Listen()
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		if err := s.Run(t.Context()); err == nil {
			t.Errorf("%s: it runs", name)
		}
	}
}

func TestClientsAreToldOfPublicAddressesFirstAndNotOfTooMany(t *testing.T) {
	s := &Server{hosts: &hosts{bound: addrs("172.17.0.1", "172.18.0.1", "172.19.0.1", "9.9.9.9", "172.20.0.1", "172.21.0.1", "2620:fe::9", "172.22.0.1")}}
	want := []string{
		"stun:9.9.9.9:0", "stun:[2620:fe::9]:0", "stun:172.17.0.1:0", "stun:172.18.0.1:0", "stun:172.19.0.1:0", "stun:172.20.0.1:0",
	}
	if got := s.STUN(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
