package peer

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxLimit is the highest bound of a relay path that is kept, in kbit/s: 2 Gbit/s, which an int of 32 bits holds in bits.
const maxLimit = 2_000_000

// relayLimit is the bound of relay paths in bits per second; 0 means that there is none. It needs mu.
func (p *Peer) relayLimit() int { return min(p.policy.MaxKbps, maxLimit) * 1000 }

// obey does what the policy says of the path that there is. It needs mu.
func (p *Peer) obey() {
	now := time.Now()
	p.lane.hidden.Store(p.policy.Path == protocol.PathRelayOnly)
	if allowed := p.path == nil || allows(p.policy.Path, *p.path); !allowed {
		if p.life.forbidden.IsZero() {
			p.life.forbidden = now
			p.life.renewal.want(now)
		}
		p.meter.held.Store(true)
	} else if !p.life.forbidden.IsZero() {
		p.life.forbidden = time.Time{}
		p.meter.held.Store(false)
		p.starving = true
	}
	relayed := p.path != nil && p.path.Kind == protocol.PathRelay
	p.life.relay.most = time.Duration(p.policy.MaxRelayS) * time.Second
	p.life.relay.move(relayed, now)
	limit := 0
	if relayed {
		limit = p.relayLimit()
	}
	p.pacer.SetLimit(limit)
}
