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

// place adds the places that are known now to a generation.
func (p *Peer) place(g *generation) {
	list := places(p.port)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.policy.Path == protocol.PathRelayOnly {
		return
	}
	for _, f := range list {
		g.add(f)
	}
	p.spread(g)
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

// portChanged takes up that the media port has other places, and with moved that the machine is in another network. It
// is called by the port.
func (p *Peer) portChanged(moved bool) {
	p.surround()
	p.mu.Lock()
	g := p.local
	if moved {
		p.life.renewal.want(time.Now())
	}
	p.mu.Unlock()
	if g != nil {
		p.place(g)
	}
	p.poke()
}

// surround tells admission what networks the device is in now.
func (p *Peer) surround() {
	p.mu.Lock()
	servers := p.servers
	p.mu.Unlock()
	around := surround(p.port, servers)
	p.budget.settle(around)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.around = around
}
