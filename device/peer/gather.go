package peer

import (
	"context"

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

// discover adds the places where the media port is reached to a generation, those that it knows and those that it learns
// while the generation is open.
func (p *Peer) discover(g *generation) {
	ctx, cancel := p.whileOpen(context.Background())
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, placesWait)
	defer stop()
	unsubscribe := p.port.Subscribe(func(bool) { p.place(g) })
	defer unsubscribe()
	p.place(g)
	p.port.Settle(ctx)
	p.place(g)
	p.mu.Lock()
	defer p.mu.Unlock()
	g.settle(&g.mapped)
	p.spread(g)
}

// place adds the places that are known now to a generation that is open.
func (p *Peer) place(g *generation) {
	places := p.port.Places()
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.mapped {
		return
	}
	for _, at := range places {
		line, err := reflexive(at.Address)
		if err != nil {
			p.log.Debug("place unusable", "err", err)
			continue
		}
		g.add(line)
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
