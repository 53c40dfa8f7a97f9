package turn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
	pionturn "github.com/pion/turn/v5"
)

// allocationLife is how long an allocation lives without a refresh, whatever its client asks for: the default of RFC
// 8656 section 3.2. A longer one would only outlive a client that has gone; a shorter one is what section 7.2 advises
// against.
const allocationLife = 10 * time.Minute

// gate sees what the clients of one listener send before pion/turn does, and what they are answered. It decides what the
// library decides wrongly or not at all: who is answered without credentials, how long an allocation lives, how many
// permissions and channels it has and with whom. Safe for concurrent use.
type gate struct {
	server    *Server
	transport string
	// addr is the listener's address.
	addr netip.AddrPort
	// budget bounds what is sent to those who have not authenticated; nil for streams, whose clients have shown that they
	// are where they say.
	budget *budget
}

// screen looks at a STUN message of a client. It returns what pion/turn is to read of it, nothing when that must not see
// it, and what the client is to be answered at once.
func (g *gate) screen(message []byte, from netip.AddrPort) (rest, answer []byte) {
	if !isRequest(message) {
		return message, nil
	}
	affordable := g.budget == nil || g.budget.admit(from.Addr(), len(message))
	parsed, ok := readRequest(message)
	if !ok || parsed.integrity == nil {
		if !affordable {
			g.server.counts.unanswered.Inc()
			return nil, nil
		}
		if answer, handled := g.discover(&parsed, from); handled {
			return nil, answer
		}
		return message, nil
	}
	parsed.cut()
	if parsed.kind == requestAllocate && g.isReplay(&parsed, from) {
		return nil, nil
	}
	if parsed.kind == requestAllocate || parsed.kind == requestRefresh {
		g.fixLifetime(&parsed)
	}
	r, _ := g.server.relays.of(flow{g.transport, from, g.addr})
	if code, result := g.weigh(r, &parsed); code != 0 {
		return g.refuse(&parsed, code, result)
	}
	return parsed.message, nil
}

// answer reports whether an answer may be sent to a client. One that has an allocation gets every answer to requests that
// claim credentials, which are hardly shorter: a flood in its network must not cost it a stale nonce. What else is asked in
// its name screen has weighed.
func (g *gate) answer(message []byte, to netip.AddrPort) bool {
	if g.budget == nil || !isResponse(message) || isSigned(message) {
		return true
	}
	if g.budget.spend(to.Addr(), len(message)) {
		return true
	}
	if r, _ := g.server.relays.of(flow{g.transport, to, g.addr}); r != nil {
		return true
	}
	g.server.counts.unanswered.Inc()
	return false
}

// isSigned reports whether a response of pion/turn has a MESSAGE-INTEGRITY, which is always its last attribute.
func isSigned(message []byte) bool {
	const size = attributeHeader + integrityValue
	return len(message) >= stunHeader+size &&
		stun.AttrType(binary.BigEndian.Uint16(message[len(message)-size:])) == stun.AttrMessageIntegrity
}

// fixLifetime writes allocationLife into a request, so that the answer tells the truth. A request that proves nothing
// is left as it is: it will be refused.
func (g *gate) fixLifetime(p *request) {
	const life = uint32(allocationLife / time.Second)
	if len(p.lifetime) != 4 {
		return
	}
	asked := binary.BigEndian.Uint32(p.lifetime)
	if asked == life || asked == 0 && p.kind == requestRefresh { // 0 ends it
		return
	}
	if _, key, ok := g.key(p); ok && p.proves(key) {
		binary.BigEndian.PutUint32(p.lifetime, life)
		if err := p.sign(key); err != nil {
			binary.BigEndian.PutUint32(p.lifetime, asked)
		}
	}
}

// weigh returns the code with which a request that needs an allocation has to be refused, and for the metric of
// permissions the name of the reason; 0 when it need not be. r is nil for a client without an allocation, whom pion/turn
// would leave without an answer (RFC 8656 section 5).
func (g *gate) weigh(r *relay, p *request) (stun.ErrorCode, string) {
	switch p.kind {
	case requestRefresh, requestPermission, requestChannel:
		if r == nil {
			return stun.CodeAllocMismatch, ""
		}
	}
	switch p.kind {
	case requestAllocate:
		if len(p.transport) == 4 && p.transport[0] == protocolTCP {
			return stun.CodeUnsupportedTransProto, "" // RFC 6062 is not served; pion/turn would answer 508
		}
	case requestPermission, requestChannel:
		return g.weighPeers(r, p)
	}
	return 0, ""
}

// weighPeers does so for permissions and channels: all of a request's peers or none, as RFC 8656 section 10.2 has it.
func (g *gate) weighPeers(r *relay, p *request) (stun.ErrorCode, string) {
	addrs := make([]netip.Addr, 0, len(p.peers))
	for _, value := range p.peers {
		peer, ok := p.peer(value)
		if !ok || peer.Addr().Is4() != r.public.Addr().Is4() {
			return 0, "" // pion/turn answers 400 or 443
		}
		why, _ := r.judgeAddress(peer.Addr())
		if why == allowed && p.kind == requestChannel {
			why, _ = r.judge(peer)
		}
		switch why {
		case allowed:
		case refusedStranger:
			return stun.CodeForbidden, "stranger"
		default:
			return stun.CodeForbidden, "refused"
		}
		addrs = append(addrs, peer.Addr())
		if p.kind == requestChannel {
			break // the first one counts
		}
	}
	if !r.mayPermit(addrs...) {
		return stun.CodeInsufficientCapacity, "full"
	}
	if p.kind == requestChannel && len(p.channel) == 4 && !r.mayBind(binary.BigEndian.Uint16(p.channel)) {
		return stun.CodeInsufficientCapacity, "full"
	}
	return 0, ""
}

// refuse answers a request in the place of pion/turn, if it proves that it is the client's; else that refuses it.
func (g *gate) refuse(p *request, code stun.ErrorCode, result string) (rest, answer []byte) {
	_, key, ok := g.key(p)
	if !ok || !p.proves(key) {
		return p.message, nil
	}
	if result != "" {
		g.server.counts.permissions.WithLabelValues(result).Inc()
	}
	return nil, p.refuse(code, key)
}

// isReplay reports whether an Allocate request was overheard and sent again by somebody else.
func (g *gate) isReplay(p *request, from netip.AddrPort) bool {
	name, key, ok := g.key(p)
	return ok && p.proves(key) && g.server.grants.isReplay(name.Grant, proof{[integrityValue]byte(p.integrity), from})
}

// key returns the name of who made a request, and the key, if its grant lives.
func (g *gate) key(p *request) (Username, []byte, bool) {
	name, password, err := g.server.keys.Verify(string(p.username))
	if err != nil || p.kind != requestAllocate && !g.server.grants.alive(name.Grant, time.Now()) {
		return Username{}, nil, false
	}
	return name, pionturn.GenerateAuthKey(string(p.username), g.server.realm, password), true
}
