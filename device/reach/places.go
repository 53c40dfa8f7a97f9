package reach

import (
	"net/netip"
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
)

// Place is an address outside at which the device may be reached.
type Place struct {
	Address netip.AddrPort
	// TCP says that it leads to Listener, else to Conn.
	TCP bool
	// Means is how a path over it came to be: empty for the address that a STUN server saw, mapped for a port that a router
	// opened, predicted for a guess.
	Means protocol.Means
	// Carrier says that the address is one inside a carrier's network, of use to its other customers only.
	Carrier bool
}

// Places returns the addresses that are known now, the best first. The addresses of the machine itself are not among them.
func (p *Port) Places() []Place {
	own := p.Addresses()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.places(own)
}

// places needs mu.
func (p *Port) places(own []netip.AddrPort) []Place {
	var places []Place
	add := func(place Place) {
		known := func(other Place) bool { return other.Address == place.Address && other.TCP == place.TCP }
		if place.Address.IsValid() && !slices.Contains(own, place.Address) && !slices.ContainsFunc(places, known) {
			places = append(places, place)
		}
	}
	mapped := p.mapped()
	for _, place := range mapped {
		if !place.Carrier {
			add(place)
		}
	}
	var outside []netip.AddrPort
	for _, s := range p.servers {
		add(Place{Address: s.mapped})
		if s.mapped.Addr().Is4() && !slices.Contains(outside, s.mapped) {
			outside = append(outside, s.mapped)
		}
	}
	if len(outside) > 1 { // another port for each destination; some routers give the device's own to the first that asks
		for _, at := range outside {
			add(Place{Address: netip.AddrPortFrom(at.Addr(), p.Number()), Means: protocol.MeansPredicted})
		}
	}
	for _, place := range mapped {
		add(place)
	}
	return places
}

// Subscribe has tell called when Places or Network change, and with moved when the machine is in another network: what viewers know
// of the device is no longer true then. Calls come one at a time and must not block. It returns what ends that; a call may
// still be under way then.
func (p *Port) Subscribe(tell func(moved bool)) (cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.teller++
	key := p.teller
	p.tellers[key] = tell
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.tellers, key)
	}
}

// change changes what is known, and tells the subscribers when places or network are others after it.
func (p *Port) change(what func()) {
	own := p.Addresses()
	p.mu.Lock()
	before, network := p.places(own), p.known()
	what()
	changed := network != p.known() || !slices.Equal(before, p.places(own))
	p.mu.Unlock()
	if changed {
		p.tell(false)
	}
}

func (p *Port) tell(moved bool) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	tellers := make([]func(bool), 0, len(p.tellers))
	for _, t := range p.tellers {
		tellers = append(tellers, t)
	}
	p.mu.Unlock()
	for _, t := range tellers {
		t(moved)
	}
}
