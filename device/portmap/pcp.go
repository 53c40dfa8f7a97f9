package portmap

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// pcp is a router that speaks PCP (RFC 6887).
type pcp struct {
	control
	seed []byte

	mu    sync.Mutex // guards clock
	clock epoch
}

func (*pcp) protocol() protocol.PortMapping { return protocol.PortMappingPCP }

func (p *pcp) open(ctx context.Context, a ask) (lease, error) {
	m := p.mapping(a.transport, a.internal)
	m.external = a.wish
	r, err := p.ask(ctx, m, a.lifetime)
	if ctx.Err() != nil {
		p.send(encodeMap(m, 0, p.local)) // nobody will remove what is being mapped
	}
	if err != nil {
		return lease{}, fmt.Errorf("map %s by pcp: %w", a.transport, err)
	}
	return lease{
		transport: a.transport, internal: a.internal, external: r.mapping.external,
		lifetime: time.Duration(r.lifetime) * time.Second,
	}, nil
}

// remove asks for a lifetime of zero (RFC 6887 section 15.1).
func (p *pcp) remove(ctx context.Context, l lease) error {
	if _, err := p.ask(ctx, p.mapping(l.transport, l.internal), 0); err != nil {
		return fmt.Errorf("remove %s by pcp: %w", l.transport, err)
	}
	return nil
}

// check looks at the router's clock, which ANNOUNCE shows (RFC 6887 section 14.1).
func (p *pcp) check(ctx context.Context, _ []lease) error {
	restarted := false
	err := p.exchange(ctx, encodePCP(opAnnounce, 0, p.local), func(b []byte) (bool, error) {
		r, err := decodePCP(b)
		if err != nil || r.opcode != opAnnounce {
			return false, nil //nolint:nilerr // the answer may be yet to come
		}
		restarted = p.observe(r.epoch)
		return true, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("check pcp: %w", err)
	case restarted:
		return errLost
	}
	return nil
}

// mapping is the part of a request that stays the same as long as the mapping.
func (p *pcp) mapping(t transport, internal uint16) pcpMapping {
	m := pcpMapping{protocol: protocolUDP, internal: internal}
	if t == tcp {
		m.protocol = protocolTCP
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint16(append([]byte("pcp nonce "+string(t)+" "), p.seed...), internal))
	m.nonce = pcpNonce(sum[:])
	return m
}

// ask sends a MAP request and waits for the response to just that one.
func (p *pcp) ask(ctx context.Context, m pcpMapping, lifetime time.Duration) (pcpResponse, error) {
	var response pcpResponse
	err := p.exchange(ctx, encodeMap(m, uint32(lifetime/time.Second), p.local), func(b []byte) (bool, error) { //nolint:gosec // hours
		if speaksNATPMP(b) {
			return true, errAbsent
		}
		r, err := decodePCP(b)
		if err != nil || r.opcode != opMap ||
			r.mapping.nonce != m.nonce || r.mapping.protocol != m.protocol || r.mapping.internal != m.internal {
			return false, nil //nolint:nilerr // the answer may be yet to come
		}
		p.observe(r.epoch) // whatever it says: the port is just being mapped
		response = r
		return true, r.result.err()
	})
	return response, err
}

// observe reports whether the router has restarted.
func (p *pcp) observe(server uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.restarted(server, time.Now())
}

func (r pcpResult) err() error {
	switch r {
	case pcpSuccess:
		return nil
	case pcpUnsupportedVersion:
		return errAbsent
	case pcpNetworkFailure:
		return errInner
	case pcpCannotProvide:
		return fmt.Errorf("%w: result %d", errTaken, r)
	}
	return fmt.Errorf("%w: result %d", errRefused, r)
}
