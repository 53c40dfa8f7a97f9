package peer

import (
	"context"
	"net/netip"

	"github.com/pion/webrtc/v4"
)

// gathered notes a candidate of the library's, or, with nil, that it has no more.
func (p *Peer) gathered(pc *webrtc.PeerConnection, c *webrtc.ICECandidate) {
	complete := c == nil && pc.ICEGatheringState() == webrtc.ICEGatheringStateComplete
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.local
	switch {
	case g == nil:
		return
	case c != nil:
		g.add(c.ToJSON().Candidate)
	case complete:
		g.settle(&g.gathered)
	}
	p.spread(g)
}

// discover asks STUN servers and adds what they say to a generation.
func (p *Peer) discover(g *generation, servers []string) {
	ctx, cancel := p.whileOpen(context.Background())
	defer cancel()
	p.socket.mappings(ctx, servers, func(address netip.AddrPort) {
		line, err := reflexive(address)
		if err != nil {
			p.log.Debug("mapped address unusable", "err", err)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		g.add(line)
		p.spread(g)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	g.settle(&g.mapped)
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
