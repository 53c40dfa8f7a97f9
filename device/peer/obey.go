package peer

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

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
		limit = p.policy.MaxKbps * 1000
	}
	p.pacer.SetLimit(limit)
}
