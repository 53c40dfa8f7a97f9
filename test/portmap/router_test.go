//go:build linux

package portmap

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/portmap"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// built is a town whose device is behind a router that maps ports.
func built(t *testing.T, config natlab.TownConfig) *natlab.Town {
	t.Helper()
	if err := natlab.Usable(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	config.Mapping = true
	town, err := natlab.NewTown(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Errorf("close the town: %v", err)
		}
	})
	return town
}

// media is a device's media port.
type media struct {
	udp net.PacketConn
	tcp net.Listener
}

func opened(t *testing.T, host *natlab.Host) media {
	t.Helper()
	address := netip.AddrPortFrom(host.Addr, mediaPort).String()
	udp, err := host.ListenPacket(t.Context(), "udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := host.Listen(t.Context(), "tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		udp.Close()
		tcp.Close()
	})
	return media{udp: udp, tcp: tcp}
}

// reached reports whether a stranger who was never spoken to reaches the media port by UDP at an address outside.
func (m media) reached(t *testing.T, stranger *natlab.Host, at netip.AddrPort) bool {
	t.Helper()
	conn, err := stranger.ListenPacket(t.Context(), "udp4", stranger.Addr.String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 3 {
		if _, err := conn.WriteTo([]byte(conn.LocalAddr().String()), net.UDPAddrFromAddrPort(at)); err != nil {
			t.Fatal(err)
		}
		if err := m.udp.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		for {
			n, _, err := m.udp.ReadFrom(b)
			if err != nil {
				break
			}
			if string(b[:n]) == conn.LocalAddr().String() {
				return true
			}
		}
	}
	return false
}

// called reports whether a stranger gets a TCP connection to the media port at an address outside.
func (m media) called(t *testing.T, stranger *natlab.Host, at netip.AddrPort) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	conn, err := stranger.Dial(ctx, "tcp4", at.String())
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := m.tcp.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	return accepted.RemoteAddr().String() == conn.LocalAddr().String()
}

// open checks that both ports of a mapping let a stranger in.
func (m media) open(t *testing.T, town *natlab.Town, mapping portmap.Mapping) {
	t.Helper()
	if !m.reached(t, town.Viewer(), mapping.UDP) {
		t.Errorf("a stranger does not come in by UDP at %s", mapping.UDP)
	}
	if !m.called(t, town.Viewer(), mapping.TCP) {
		t.Errorf("a stranger does not come in by TCP at %s", mapping.TCP)
	}
}

func rules(t *testing.T, town *natlab.Town) []string {
	t.Helper()
	all, err := town.Mapper().Mappings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// protocols are those of miniupnpd, each alone.
var protocols = []struct {
	kind  protocol.PortMapping
	alone natlab.Protocols
}{
	{protocol.PortMappingPCP, natlab.PCP},
	{protocol.PortMappingNATPMP, natlab.NATPMP},
	{protocol.PortMappingUPnP, natlab.UPnP},
}

func TestEachProtocolAloneOpensThePortsAndClosesThemAtTheEnd(t *testing.T) {
	for _, p := range protocols {
		t.Run(string(p.kind), func(t *testing.T) {
			t.Parallel() // they mostly wait for protocols that nobody speaks
			town := built(t, natlab.TownConfig{Device: natlab.Symmetric, Viewer: natlab.Open, Protocols: p.alone})
			device := opened(t, town.Device())
			m := run(t, town.Device(), settings{})
			mapping := m.mapped(t)
			if mapping.Protocol != p.kind || mapping.UDP.Port() != mediaPort || mapping.TCP.Port() != 443 {
				t.Errorf("mapping is %+v, want the ports %d and 443 by %s", mapping, mediaPort, p.kind)
			}
			device.open(t, town, mapping)
			m.stop(t)
			if got := rules(t, town); len(got) > 0 {
				t.Errorf("the router still maps after the end: %q", got)
			}
			if device.reached(t, town.Viewer(), mapping.UDP) || device.called(t, town.Viewer(), mapping.TCP) {
				t.Error("a stranger comes in after the end")
			}
		})
	}
}

func TestARouterThatRestartsIsMappedAnew(t *testing.T) {
	for _, p := range protocols {
		for _, s := range []settings{
			{Check: 200 * time.Millisecond, MinRetry: 200 * time.Millisecond},
			{Check: time.Hour, MinRetry: time.Hour}, // by its announcement alone
		} {
			name := string(p.kind) + " when it is checked"
			if s.Check == time.Hour {
				if p.kind == protocol.PortMappingUPnP {
					continue // it has none
				}
				name = string(p.kind) + " when it announces itself"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				town := built(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.Open, Protocols: p.alone})
				device := opened(t, town.Device())
				m := run(t, town.Device(), s)
				mapping := m.mapped(t)
				if s.Check != time.Hour {
					// A clock that shows less than that cannot be told from one that began anew (RFC 6887 section 8.5).
					<-time.After(5 * time.Second)
				}
				if err := town.Mapper().Restart(t.Context(), p.alone); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(patience); len(rules(t, town)) < 2; {
					if time.Now().After(deadline) {
						t.Fatalf("the router maps only %q", rules(t, town))
					}
					<-time.After(50 * time.Millisecond)
				}
				device.open(t, town, mapping)
			})
		}
	}
}

func TestARouterThatComesLaterIsFound(t *testing.T) {
	town := built(t, natlab.TownConfig{Device: natlab.FullCone, Viewer: natlab.Open})
	if err := town.Mapper().Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	device := opened(t, town.Device())
	m := run(t, town.Device(), settings{MinRetry: 200 * time.Millisecond})
	m.awaits(t, "word that no router answers", func(s state) bool { return s.Fault == protocol.MappingAbsent })
	if err := town.Mapper().Start(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	device.open(t, town, m.mapped(t))
}

func TestTwoDevicesOfANetworkGetPortsOfTheirOwn(t *testing.T) {
	for _, p := range protocols {
		t.Run(string(p.kind), func(t *testing.T) {
			t.Parallel()
			town := built(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.SameLAN, Protocols: p.alone})
			first := run(t, town.Viewer(), settings{}).mapped(t)
			second := run(t, town.Device(), settings{}).mapped(t)
			if first.UDP == second.UDP || first.TCP == second.TCP || !second.UDP.IsValid() || !second.TCP.IsValid() {
				t.Errorf("the first has %s and %s, the second %s and %s, want four different ports", first.UDP, first.TCP, second.UDP, second.TCP)
			}
			if got := rules(t, town); len(got) != 4 {
				t.Errorf("the router has the rules %q, want four", got)
			}
		})
	}
}

func TestADeviceThatLostItsPowerRecoversItsPorts(t *testing.T) {
	for _, p := range protocols {
		t.Run(string(p.kind), func(t *testing.T) {
			t.Parallel()
			town := built(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.Open, Protocols: p.alone})
			device := opened(t, town.Device())
			m := run(t, town.Device(), settings{Seed: "of the device"})
			before := m.mapped(t)
			m.crash(t)
			after := run(t, town.Device(), settings{Seed: "of the device"}).mapped(t)
			if after.UDP != before.UDP || after.TCP != before.TCP || after.Protocol != p.kind {
				t.Errorf("mapping is %+v, want %+v", after, before)
			}
			device.open(t, town, after)
		})
	}
}

func TestARouterBehindACarrierIsToldAsSuch(t *testing.T) {
	town := built(t, natlab.TownConfig{Device: natlab.CarrierFull, Viewer: natlab.Open})
	got := run(t, town.Device(), settings{}).awaits(t, "state", func(state) bool { return true })
	if got.Fault != protocol.MappingDoubleNAT {
		t.Errorf("state is %+v, want %s", got, protocol.MappingDoubleNAT)
	}
}
