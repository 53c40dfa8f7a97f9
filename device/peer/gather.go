package peer

import (
	"context"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// gathered notes a candidate of the library's, or, with nil, that it has no more. Under a policy of relays alone no other
// leaves the device, whatever the library has found.
func (p *Peer) gathered(pc *webrtc.PeerConnection, c *webrtc.ICECandidate) {
	complete := c == nil && pc.ICEGatheringState() == webrtc.ICEGatheringStateComplete
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.local
	switch {
	case g == nil:
		return
	case c != nil:
		relayed := c.Typ == webrtc.ICECandidateTypeRelay
		if relayed {
			c.RelatedAddress, c.RelatedPort = "0.0.0.0", 9 // told for diagnosis only (RFC 8839 section 5.1), and the device's own
		}
		if relayed || p.policy.Path != protocol.PathRelayOnly {
			g.add(found{line: c.ToJSON().Candidate})
		}
	case complete:
		g.settle(&g.gathered)
	}
	p.spread(g)
}

// discover adds the places where the media port is reached to a generation. It waits for those that the port is about to
// learn; what comes later comes by portChanged.
func (p *Peer) discover(g *generation) {
	ctx, cancel := p.whileOpen(context.Background())
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, placesWait)
	defer stop()
	p.place(g)
	p.port.Settle(ctx)
	p.place(g)
	p.mu.Lock()
	defer p.mu.Unlock()
	g.settle(&g.placed)
	p.spread(g)
}

// place adds the places that are known now to a generation, and reports whether it did not have them all.
func (p *Peer) place(g *generation) (more bool) {
	list := places(p.port)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.policy.Path == protocol.PathRelayOnly {
		return false
	}
	before := len(g.found)
	for _, f := range list {
		g.add(f)
	}
	p.spread(g)
	return len(g.found) > before
}

// spread has new candidates of the newest generation told. It needs mu.
func (p *Peer) spread(g *generation) {
	if g != p.local {
		return
	}
	for _, c := range g.news(p.remote.revision) {
		p.tell(func(e Events) { e.Candidate(p.opt.Session, c) })
	}
}

// portChanged takes up that the media port has other places or knows its network, and with moved that the machine is in
// another one. It is called by the port.
func (p *Peer) portChanged(moved bool) {
	p.mu.Lock()
	g, before := p.local, p.network
	p.mu.Unlock()
	p.surround()
	more := g != nil && p.place(g)
	p.mu.Lock()
	if moved || p.worthRenewal(more, before) {
		p.life.renewal.want(time.Now())
	}
	p.mu.Unlock()
	p.poke()
}

// worthRenewal reports whether a new ICE generation is worth its gap to a session: to a relayed one, when it will have
// what this one cannot be told, because the viewer takes no candidates any more, or because the next ports of the device's
// NAT can be predicted now. before is what was known of the network. It needs mu.
func (p *Peer) worthRenewal(more bool, before protocol.Network) bool {
	if p.path == nil || p.path.Kind != protocol.PathRelay || p.policy.Path == protocol.PathRelayOnly {
		return false
	}
	return more && !p.opt.Trickle || p.network.PortStep != 0 && before.PortStep == 0
}

// surround takes over what networks the device is in now.
func (p *Peer) surround() {
	p.mu.Lock()
	servers := p.servers
	p.mu.Unlock()
	around, network := surround(p.port, servers, p.opt.SameNetwork), p.port.Network()
	p.budget.settle(around)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.around, p.network, p.life.blocked = around, network, shut(network)
}
