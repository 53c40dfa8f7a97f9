package reach

import (
	"context"
	"net/netip"
	"time"
)

const (
	// predictTime is how long a prediction may take: a caller waits for it.
	predictTime = 150 * time.Millisecond
	// predictions is how many ports are predicted: other connections take some of those in between.
	predictions = 10
)

// Predict returns where the media port's next mappings will be, behind a NAT that gives each destination the next port. It
// asks a STUN server from a throw-away socket what the newest one is, and takes 150 ms at most. It returns nil where the
// NAT is of another kind or no server answers in time.
func (p *Port) Predict(ctx context.Context) []netip.AddrPort {
	step := p.Network().PortStep
	servers := p.answering()
	if step == 0 || len(servers) == 0 || !servers[0].address.Addr().Is4() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, predictTime)
	defer cancel()
	var newest netip.AddrPort
	p.withProbe(ctx, func(ctx context.Context, c *probe) {
		if a, err := c.ask(ctx, question{to: servers[0].address, times: atOnce}); err == nil {
			newest = a.mapped
		}
	})
	var predicted []netip.AddrPort
	for n := 1; n <= predictions && newest.IsValid(); n++ {
		if port := int(newest.Port()) + n*step; port <= 1<<16-1 {
			predicted = append(predicted, netip.AddrPortFrom(newest.Addr(), uint16(port)))
		}
	}
	return predicted
}
