package peer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxSTUN bounds the STUN servers that are asked for one answer: two tell whether a NAT maps by destination.
	maxSTUN = 2
	// stunTimeout is how long they may take: three sendings of RFC 8489 section 6.2.1 (at 0, 0.5 and 1.5 s).
	stunTimeout = 3 * time.Second
)

// mappings asks STUN servers (RFC 8489) from the media port itself what its address is outside, and tells each new
// one. The library's own gathering would ask from another socket, whose mapping is no use here. An answer of the
// last 25 s is not asked for again. It returns when all have answered or stunTimeout has passed.
func (s *socket) mappings(ctx context.Context, servers []string, tell func(netip.AddrPort)) {
	ctx, cancel := context.WithTimeout(ctx, stunTimeout)
	defer cancel()
	var mu sync.Mutex // guards known
	known := make(map[netip.AddrPort]bool)
	for _, a := range s.GetListenAddresses() {
		if udp, ok := a.(*net.UDPAddr); ok {
			known[canonical(udp.AddrPort())] = true
		}
	}
	var asking sync.WaitGroup
	for _, server := range servers {
		for _, network := range []string{"ip4", "ip6"} {
			asking.Go(func() {
				address, err := s.ask(ctx, network, server)
				if err != nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if !known[address] {
					known[address] = true
					tell(address)
				}
			})
		}
	}
	asking.Wait()
}

// ask sends one binding request over IPv4 or IPv6.
func (s *socket) ask(ctx context.Context, network, server string) (netip.AddrPort, error) {
	uri, err := stun.ParseURI(server)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask STUN: %w", err)
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, network, uri.Host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask STUN: %w", err)
	}
	to := net.UDPAddrFromAddrPort(canonical(netip.AddrPortFrom(addresses[0], uint16(uri.Port)))) //nolint:gosec // a URI's port fits
	mapped, err := s.GetXORMappedAddrContext(ctx, to, stunTimeout)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask STUN: %w", err)
	}
	ip, ok := netip.AddrFromSlice(mapped.IP)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("ask STUN: bad address %v", mapped.IP)
	}
	return canonical(netip.AddrPortFrom(ip, uint16(mapped.Port))), nil //nolint:gosec // read from 16 bits
}

// reflexive returns the candidate line of a mapped address (RFC 8839 section 5.1).
func reflexive(address netip.AddrPort) (string, error) {
	related := "0.0.0.0"
	if address.Addr().Is6() {
		related = "::"
	}
	c, err := ice.NewCandidateServerReflexive(&ice.CandidateServerReflexiveConfig{
		Network: "udp", Address: address.Addr().String(), Port: int(address.Port()), Component: ice.ComponentRTP,
		RelAddr: related, RelPort: 9, // the real one tells nothing that a host candidate does not
	})
	if err != nil {
		return "", fmt.Errorf("make candidate: %w", err)
	}
	return "candidate:" + c.Marshal(), nil
}

// stunServers picks the URLs to ask: those of STUN, else TURN servers over UDP, which answer binding requests too.
func stunServers(servers []protocol.ICEServer) []string {
	var stuns, turns []string
	for _, s := range servers {
		for _, url := range s.URLs {
			switch {
			case strings.HasPrefix(url, "stun:"):
				stuns = append(stuns, url)
			case strings.HasPrefix(url, "turn:") && !strings.HasSuffix(url, "transport=tcp"):
				host, _, _ := strings.Cut(strings.TrimPrefix(url, "turn:"), "?")
				turns = append(turns, "stun:"+host)
			}
		}
	}
	var picked []string
	for _, url := range append(stuns, turns...) {
		if len(picked) < maxSTUN && !slices.Contains(picked, url) {
			picked = append(picked, url)
		}
	}
	return picked
}

func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
