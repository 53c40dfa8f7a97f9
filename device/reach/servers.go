package reach

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxServers bounds the servers that are asked in each address family: two tell whether a NAT maps by destination.
	maxServers = 2
	// maxURLs bounds the servers that are looked up.
	maxURLs = 8
	// resolveTime bounds the look-up of one name.
	resolveTime = 3 * time.Second
)

// STUNServers picks the URLs of STUN servers from a list: those of STUN, then TURN servers over UDP, which answer Binding
// requests too.
func STUNServers(servers []protocol.ICEServer) []string {
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
		if !slices.Contains(picked, url) && CheckServer(url) == nil {
			picked = append(picked, url)
		}
	}
	return picked
}

// CheckServer fails when a text is not the URL of a STUN server over UDP (RFC 7064), such as stun:192.0.2.1:3478.
func CheckServer(url string) error {
	uri, err := stun.ParseURI(url)
	if err != nil || uri.Scheme != stun.SchemeTypeSTUN || uri.Host == "" {
		return fmt.Errorf("%q is not the URL of a STUN server, such as stun:stun.example.org:3478", url)
	}
	return nil
}

// SetServers replaces the STUN servers that are asked after those of the configuration. They are asked at once when they
// are others than before.
func (p *Port) SetServers(urls []string) {
	var wanted []string
	for _, url := range slices.Concat(p.cfg.Servers, urls) {
		if len(wanted) < maxURLs && !slices.Contains(wanted, url) {
			wanted = append(wanted, url)
		}
	}
	p.mu.Lock()
	changed := !slices.Equal(wanted, p.wanted)
	if p.wanted = wanted; changed {
		p.unsettle()
	}
	p.mu.Unlock()
	if changed {
		p.poke()
	}
}

// unsettle notes that the servers have not been asked. It needs mu.
func (p *Port) unsettle() {
	p.epoch++
	p.judged = false
	p.settled, p.assessed = reopened(p.settled), reopened(p.assessed)
}

// reopened returns a channel that is not closed, which is this one if it is not.
func reopened(c chan struct{}) chan struct{} {
	select {
	case <-c:
		return make(chan struct{})
	default:
		return c
	}
}

// resolve returns the addresses of the servers, maxServers of each family: the first address of each server before the
// second of any. unfound says why servers have none at all.
func (p *Port) resolve(ctx context.Context, urls []string) (picked []server, unfound []error) {
	faults := make(map[string]error)
	for _, network := range []string{"ip4", "ip6"} {
		if !p.speaks(network) {
			continue
		}
		var first, more []server
		for _, url := range urls {
			addresses, err := p.lookUp(ctx, network, url)
			if err != nil {
				p.log.Debug("stun server not found", "err", err)
				faults[url] = err
				continue
			}
			first = append(first, server{url: url, address: addresses[0]})
			for _, a := range addresses[1:] {
				more = append(more, server{url: url, address: a})
			}
		}
		picked = append(picked, few(append(first, more...))...)
	}
	for _, url := range urls {
		if faults[url] != nil && !slices.ContainsFunc(picked, func(s server) bool { return s.url == url }) {
			unfound = append(unfound, faults[url])
		}
	}
	return picked, unfound
}

// few returns the first maxServers addresses that differ.
func few(servers []server) []server {
	var picked []server
	for _, s := range servers {
		known := slices.ContainsFunc(picked, func(other server) bool { return other.address == s.address })
		if len(picked) < maxServers && !known {
			picked = append(picked, s)
		}
	}
	return picked
}

// Faults says which STUN servers are not found or do not answer, at none of their addresses.
func (p *Port) Faults() []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	faults := slices.Clone(p.unfound)
	for _, url := range p.wanted {
		of := func(s server) bool { return s.url == url }
		answers := func(s server) bool { return of(s) && (s.mapped.IsValid() || s.misses == 0) }
		if slices.ContainsFunc(p.servers, of) && !slices.ContainsFunc(p.servers, answers) {
			faults = append(faults, fmt.Errorf("%s does not answer", url))
		}
	}
	return faults
}

// lookUp returns the addresses of a server in a family: one or more, or an error.
func (p *Port) lookUp(ctx context.Context, network, url string) ([]netip.AddrPort, error) {
	if err := CheckServer(url); err != nil {
		return nil, err
	}
	uri, err := stun.ParseURI(url)
	if err != nil {
		return nil, fmt.Errorf("look up %q: %w", url, err)
	}
	port := uint16(uri.Port) //nolint:gosec // a URI's port fits
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(uri.Host); err == nil {
		ips = append(ips, ip)
	} else {
		ctx, cancel := context.WithTimeout(ctx, resolveTime)
		defer cancel()
		if ips, err = p.cfg.Resolve(ctx, network, uri.Host); err != nil {
			return nil, fmt.Errorf("look up %q: %w", url, err)
		}
	}
	var addresses []netip.AddrPort
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() == (network == "ip4") {
			addresses = append(addresses, netip.AddrPortFrom(ip, port))
		}
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("look up %q: no address of %s", url, network)
	}
	return addresses, nil
}

// speaks reports whether the port and the machine have addresses of a family.
func (p *Port) speaks(network string) bool {
	return slices.ContainsFunc(p.Addresses(), func(a netip.AddrPort) bool { return a.Addr().Is4() == (network == "ip4") })
}
