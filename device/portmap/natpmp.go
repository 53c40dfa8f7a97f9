package portmap

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// natpmp is a router that speaks NAT-PMP (RFC 6886).
type natpmp struct {
	control

	mu    sync.Mutex // guards clock
	clock epoch
}

func (*natpmp) protocol() protocol.PortMapping { return protocol.PortMappingNATPMP }

func (p *natpmp) open(ctx context.Context, a ask) (lease, error) {
	address, _, err := p.outside(ctx)
	if err != nil {
		return lease{}, fmt.Errorf("map %s by nat-pmp: %w", a.transport, err)
	}
	r, err := p.ask(ctx, a.transport, a.internal, a.wish.Port(), a.lifetime)
	if ctx.Err() != nil {
		p.send(encodeNATPMP(opcode(a.transport), a.internal, 0, 0)) // nobody will remove what is being mapped
	}
	if err != nil {
		return lease{}, fmt.Errorf("map %s by nat-pmp: %w", a.transport, err)
	}
	return lease{
		transport: a.transport, internal: a.internal, external: netip.AddrPortFrom(address, r.external),
		lifetime: time.Duration(r.lifetime) * time.Second,
	}, nil
}

func (p *natpmp) remove(ctx context.Context, l lease) error {
	if _, err := p.ask(ctx, l.transport, l.internal, 0, 0); err != nil {
		return fmt.Errorf("remove %s by nat-pmp: %w", l.transport, err)
	}
	return nil
}

func opcode(t transport) uint8 {
	if t == tcp {
		return opMapTCP
	}
	return opMapUDP
}

// check asks for the address outside, which comes with the router's clock.
func (p *natpmp) check(ctx context.Context, leases []lease) error {
	address, restarted, err := p.outside(ctx)
	if err != nil {
		return fmt.Errorf("check nat-pmp: %w", err)
	}
	for _, l := range leases {
		restarted = restarted || l.external.Addr() != address
	}
	if restarted {
		return errLost
	}
	return nil
}

// outside asks for the router's address outside, and reports whether the router has restarted.
func (p *natpmp) outside(ctx context.Context) (netip.Addr, bool, error) {
	r, err := p.converse(ctx, encodeAddress(), func(r natpmpResponse) bool { return r.opcode == opAddress })
	return r.address, p.observe(r, err), err
}

// ask sends a request for a port and waits for the response to just that one.
func (p *natpmp) ask(ctx context.Context, t transport, internal, external uint16, lifetime time.Duration) (natpmpResponse, error) {
	request := encodeNATPMP(opcode(t), internal, external, uint32(lifetime/time.Second)) //nolint:gosec // hours
	r, err := p.converse(ctx, request, func(r natpmpResponse) bool {
		return r.opcode == opcode(t) && (r.result != natpmpSucceeds || r.internal == internal)
	})
	p.observe(r, err) // whatever it says: the port is just being mapped
	return r, err
}

func (p *natpmp) converse(ctx context.Context, request []byte, answers func(natpmpResponse) bool) (natpmpResponse, error) {
	var response natpmpResponse
	err := p.exchange(ctx, request, func(b []byte) (bool, error) {
		if len(b) > 0 && b[0] == pcpVersion {
			return true, errAbsent // it knows nothing but PCP
		}
		r, err := decodeNATPMP(b)
		if err != nil || !answers(r) {
			return false, nil //nolint:nilerr // the answer may be yet to come
		}
		response = r
		switch r.result {
		case natpmpSucceeds:
			return true, nil
		case natpmpNetworkFailure:
			return true, errInner
		}
		return true, fmt.Errorf("%w: result %d", errRefused, r.result)
	})
	return response, err
}

// observe reports whether the router has restarted.
func (p *natpmp) observe(r natpmpResponse, err error) bool {
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.restarted(r.epoch, time.Now())
}
