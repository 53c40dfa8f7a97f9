package reach

import (
	"context"
)

// shut reports whether the router says that it has opened the port and lets nothing in by it. A stranger's packet must come
// in: the server's answer to a throw-away socket, sent from its other end to the port that the router opened (RFC 5780
// section 7.5). Silence counts only of a server that does send answers to other ports.
func (p *Port) shut(ctx context.Context, s server) bool {
	p.mu.Lock()
	opened, doubled := p.opened.UDP, p.doubled()
	p.mu.Unlock()
	if !opened.IsValid() || doubled || !s.address.Addr().Is4() || !s.other.IsValid() || ctx.Err() != nil {
		return false
	}
	var came, able bool
	p.withProbe(ctx, func(ctx context.Context, asker *probe) {
		came = redirected(ctx, p.conn, asker, question{to: s.address, change: changeAddress | changePort, port: opened.Port()})
		if came || ctx.Err() != nil {
			return
		}
		p.withProbe(ctx, func(ctx context.Context, other *probe) {
			at, err := other.ask(ctx, question{to: s.address, times: patiently})
			able = err == nil && redirected(ctx, other.conn, asker, question{to: s.address, port: at.mapped.Port()})
		})
	})
	return !came && able && ctx.Err() == nil
}

// redirected has one socket ask for an answer that another one gets.
func redirected(ctx context.Context, to *conn, from *probe, q question) bool {
	q.times = patiently
	q.send = func(request []byte) error {
		_, err := from.WriteToAddrPort(request, q.to)
		return err
	}
	a, err := to.ask(ctx, q)
	return err == nil && a.mapped.IsValid()
}
