package reach

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/sightline-rtc/sightline/device/portmap"
	"github.com/sightline-rtc/sightline/protocol"
)

// mapper keeps the router's ports mapped to the port's. *portmap.Mapper is one.
type mapper interface {
	Run(context.Context, portmap.Request) error
	Mapping() (portmap.Mapping, protocol.MappingFault)
	Changed() <-chan struct{}
	Again()
}

// webPort is what the router is asked for over TCP: the strictest firewalls of viewers let it pass.
const webPort = 443

// mapPorts has the router's ports mapped until the context ends.
func (p *Port) mapPorts(ctx context.Context) {
	if p.cfg.Mapper == nil {
		return
	}
	request := portmap.Request{UDP: p.Number()}
	if p.listener != nil {
		request.TCP, request.ExternalTCP = p.Number(), webPort
	}
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() {
		if err := p.cfg.Mapper.Run(ctx, request); err != nil {
			p.log.Warn("ports not mapped", "err", err)
		}
	})
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.cfg.Mapper.Changed():
		}
		p.change(func() {
			before := p.opened.UDP
			p.opened, p.fault = p.cfg.Mapper.Mapping()
			if p.opened.UDP != before {
				p.broken = false
				p.assessed = reopened(p.assessed)
			}
		})
		p.poke() // routers may send from the port that they map
	}
}

// carrierSpace is what carriers use inside (RFC 6598).
var carrierSpace = netip.MustParsePrefix("100.64.0.0/10")

// doubled reports whether the router that maps stands behind another one: its address outside is not the one that STUN
// servers see. It needs mu.
func (p *Port) doubled() bool {
	if p.fault == protocol.MappingDoubleNAT {
		return true
	}
	outside := p.opened.UDP
	if !outside.IsValid() {
		outside = p.opened.TCP
	}
	if !outside.IsValid() || !outside.Addr().Is4() {
		return false
	}
	seen := slices.ContainsFunc(p.servers, func(s server) bool { return s.mapped.Addr().Is4() })
	same := slices.ContainsFunc(p.servers, func(s server) bool { return s.mapped.Addr() == outside.Addr() })
	return seen && !same
}

// mapped are the places that the router's mapping makes. It needs mu.
func (p *Port) mapped() []Place {
	carrier := p.doubled()
	var places []Place
	for _, place := range []Place{{Address: p.opened.UDP}, {Address: p.opened.TCP, TCP: true}} {
		ip := place.Address.Addr()
		inside := ip.IsPrivate() || carrierSpace.Contains(ip)
		if !place.Address.IsValid() || carrier && !inside {
			continue
		}
		place.Means, place.Carrier = protocol.MeansMapped, carrier
		places = append(places, place)
	}
	return places
}
