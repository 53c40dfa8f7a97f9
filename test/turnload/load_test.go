//go:build linux

package turnload

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"

	pionturn "github.com/pion/turn/v5"
)

var (
	good = Credentials{Username: "somebody", Password: "secret"}
	here = netip.MustParseAddr("127.0.0.1")
)

// server runs a stock pion/turn and returns where it takes clients, by their transport.
func server(t *testing.T) map[string]netip.AddrPort {
	t.Helper()
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	if err != nil {
		t.Fatal(err)
	}
	relays := &pionturn.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"}
	everybody := func(net.Addr, net.IP) bool { return true }
	s, err := pionturn.NewServer(pionturn.ServerConfig{
		Realm: "test",
		AuthHandler: func(r *pionturn.RequestAttributes) (string, []byte, bool) {
			return r.Username, pionturn.GenerateAuthKey(good.Username, "test", good.Password), r.Username == good.Username
		},
		PacketConnConfigs: []pionturn.PacketConnConfig{
			{PacketConn: packets, RelayAddressGenerator: relays, PermissionHandler: everybody},
		},
		ListenerConfigs: []pionturn.ListenerConfig{
			{Listener: plain, RelayAddressGenerator: relays, PermissionHandler: everybody},
			{Listener: secure, RelayAddressGenerator: relays, PermissionHandler: everybody},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	at := map[string]netip.AddrPort{}
	for transport, addr := range map[string]net.Addr{UDP: packets.LocalAddr(), TCP: plain.Addr(), TLS: secure.Addr()} {
		at[transport] = netip.MustParseAddrPort(addr.String())
	}
	return at
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// gentle is a load whose packets all fit into the buffers of a server that is not given a CPU for a while.
func gentle(at map[string]netip.AddrPort, transport string) Config {
	return Config{
		Server: at[transport], Transport: transport, Client: here, Peer: here, PPS: 400, Size: 1201, Burst: 5,
		TLS: &tls.Config{InsecureSkipVerify: true},
	}
}

const short = 200 * time.Millisecond

func TestPacketsOfEachTransportAreCountedBothWays(t *testing.T) {
	at := server(t)
	for _, transport := range []string{UDP, TCP, TLS} {
		for name, up := range map[string]bool{"down": false, "up": true} {
			t.Run(transport+" "+name, func(t *testing.T) {
				cfg := gentle(at, transport)
				err := Run(t.Context(), cfg, func(ctx context.Context, l *Load) error {
					var sessions []*Session
					for range 3 {
						s, err := l.Add(ctx, good, up)
						if err != nil {
							return err
						}
						sessions = append(sessions, s)
					}
					probes := 0
					r, err := l.Measure(ctx, Interval{WarmUp: short, Length: short, Probe: func() error { probes++; return nil }})
					if err != nil {
						return err
					}
					if r.Offered == 0 || r.Relayed != r.Offered || r.Took < short || probes != 2 || r.P99 < r.P50 {
						t.Errorf("got %+v and %d probes", r, probes)
					}
					for _, s := range sessions {
						sent, received := s.Sent(), s.Received()
						if sent != received || sent.Packets == 0 || sent.Bytes != sent.Packets*uint64(cfg.Size) {
							t.Errorf("sent %+v, received %+v", sent, received)
						}
					}
					return l.Remove(ctx, sessions...)
				})
				if err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func TestSessionsComeAndGoUnderLoad(t *testing.T) {
	err := Run(t.Context(), gentle(server(t), UDP), func(ctx context.Context, l *Load) error {
		old, err := l.Add(ctx, good, false)
		if err != nil {
			return err
		}
		var young *Session
		r, err := l.Measure(ctx, Interval{WarmUp: short, Length: short, Probe: func() error {
			if young != nil {
				return nil
			}
			if young, err = l.Add(ctx, good, false); err != nil {
				return err
			}
			return l.Remove(ctx, old)
		}})
		if err != nil {
			return err
		}
		if r.Relayed != r.Offered || young.Received().Packets != r.Offered || old.Sent() != old.Received() {
			t.Errorf("got %+v, the new session received %+v, the old one %+v of %+v", r, young.Received(), old.Received(), old.Sent())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPacketsThatAreLostAreNotRelayed(t *testing.T) {
	err := Run(t.Context(), gentle(server(t), UDP), func(ctx context.Context, l *Load) error {
		s, err := l.Add(ctx, good, false)
		if err != nil {
			return err
		}
		ended := false
		r, err := l.Measure(ctx, Interval{WarmUp: short, Length: short, Probe: func() error {
			if ended {
				return nil
			}
			ended = true
			return s.client.refresh(ctx, 0)
		}})
		if err == nil && (r.Offered == 0 || r.Relayed != 0) {
			t.Errorf("got %+v after the allocation had ended, want nothing relayed", r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDirectSessionsNeedNoServer(t *testing.T) {
	for _, up := range []bool{false, true} {
		err := Run(t.Context(), gentle(nil, UDP), func(ctx context.Context, l *Load) error {
			if err := l.AddDirect(ctx, up); err != nil {
				return err
			}
			r, err := l.Measure(ctx, Interval{Length: short})
			if err == nil && (r.Offered == 0 || r.Relayed != r.Offered) {
				t.Errorf("got %+v", r)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatCannotBeMeasuredIsAnError(t *testing.T) {
	at := server(t)
	add := func(c Credentials) func(context.Context, *Load) error {
		return func(ctx context.Context, l *Load) error {
			_, err := l.Add(ctx, c, false)
			return err
		}
	}
	for name, tt := range map[string]struct {
		change func(*Config)
		use    func(context.Context, *Load) error
	}{
		"no such user":          {use: add(Credentials{"nobody", "secret"})},
		"no sessions":           {use: func(ctx context.Context, l *Load) error { _, err := l.Measure(ctx, Interval{}); return err }},
		"an unknown transport":  {change: func(c *Config) { c.Transport = "sctp" }},
		"a packet without room": {change: func(c *Config) { c.Size = MinSize - 1 }},
		"a burst too long":      {change: func(c *Config) { c.Burst = MaxBurst + 1 }},
		"nobody listens": {change: func(c *Config) {
			c.Transport, c.Server = TCP, netip.AddrPortFrom(here, 1)
		}, use: add(good)},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := gentle(at, UDP)
			if tt.change != nil {
				tt.change(&cfg)
			}
			use := tt.use
			if use == nil {
				use = func(context.Context, *Load) error { return nil }
			}
			if err := Run(t.Context(), cfg, use); err == nil {
				t.Error("got no error")
			}
		})
	}
}
