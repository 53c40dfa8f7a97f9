package turn

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

var errPortTaken = errors.New("relay port is taken")

// flow names a client of the server: RFC 8656 section 2.2's 5-tuple.
type flow struct {
	transport      string
	client, server netip.AddrPort
}

// client is the other leg of a relay.
type client struct {
	flow flow
	// stream is nil for a UDP client.
	stream *stream
	// window is that of the goroutine which serves the client.
	window *window
}

// relays finds the live relays by address and by client. Safe for concurrent use.
type relays struct {
	// mu guards the fields below.
	mu       sync.RWMutex
	byLocal  map[netip.AddrPort]*relay
	byPublic map[netip.AddrPort]*relay
	byFlow   map[flow]*relay
	clients  map[*relay]client
	// told counts the relays of each address that clients are told.
	told map[netip.Addr]int
}

func newRelays() *relays {
	return &relays{
		byLocal: make(map[netip.AddrPort]*relay), byPublic: make(map[netip.AddrPort]*relay),
		byFlow: make(map[flow]*relay), clients: make(map[*relay]client), told: make(map[netip.Addr]int),
	}
}

// add makes the relay known. It fails with errPortTaken when its public address is another's already, as happens
// when two local addresses stand behind one public address.
func (t *relays) add(r *relay) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byPublic[r.public] != nil || t.byLocal[r.local] != nil {
		return errPortTaken
	}
	t.byLocal[r.local] = r
	t.byPublic[r.public] = r
	t.told[r.public.Addr()]++
	return nil
}

// bind ties a relay to its client. It reports false when the relay is gone already.
func (t *relays) bind(r *relay, c client) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byLocal[r.local] != r {
		return false
	}
	t.byFlow[c.flow] = r
	t.clients[r] = c
	return true
}

func (t *relays) remove(r *relay) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byLocal[r.local] != r {
		return
	}
	delete(t.byLocal, r.local)
	delete(t.byPublic, r.public)
	if c := t.clients[r]; t.byFlow[c.flow] == r {
		delete(t.byFlow, c.flow)
	}
	delete(t.clients, r)
	if t.told[r.public.Addr()]--; t.told[r.public.Addr()] == 0 {
		delete(t.told, r.public.Addr())
	}
}

// oldest returns since when the oldest relay lives; zero when there is none.
func (t *relays) oldest() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var oldest time.Time
	for _, r := range t.byLocal {
		if oldest.IsZero() || r.started.Before(oldest) {
			oldest = r.started
		}
	}
	return oldest
}

// live reports whether a relay has the address, as its own or as the one that clients are told.
func (t *relays) live(addr netip.AddrPort) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byPublic[addr] != nil || t.byLocal[addr] != nil
}

// publicOf and localOf translate a relay's address from one side of a 1:1 NAT to the other, and leave all others as
// they are: two relays of ours need no router that sends packets back to where they came from.
func (t *relays) publicOf(addr netip.AddrPort) netip.AddrPort {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if r := t.byLocal[addr]; r != nil {
		return r.public
	}
	return addr
}

func (t *relays) localOf(addr netip.AddrPort) netip.AddrPort {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if r := t.byPublic[addr]; r != nil {
		return r.local
	}
	return addr
}

// at returns the relay that clients know by the address, or nil.
func (t *relays) at(public netip.AddrPort) *relay {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byPublic[public]
}

// of returns the relay of a client and the window of who serves it, or nil.
func (t *relays) of(client flow) (*relay, *window) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	r := t.byFlow[client]
	return r, t.clients[r].window
}

// windowOf returns the window of who serves the relay's client, or nil.
func (t *relays) windowOf(r *relay) *window {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.clients[r].window
}

// takeStream returns the stream of the relay's client the first time it is asked; nil when there is none.
func (t *relays) takeStream(r *relay) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.clients[r]
	if !ok {
		return nil
	}
	t.clients[r] = client{flow: c.flow, window: c.window}
	return c.stream
}

// another reports whether a relay other than r, which may be nil, is told to clients under the address.
func (t *relays) another(r *relay, addr netip.Addr) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	others := t.told[addr]
	if r != nil && r.public.Addr() == addr {
		others--
	}
	return others > 0
}
