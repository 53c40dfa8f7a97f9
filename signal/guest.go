package signal

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// guest is a viewer that has no link of its own: the door that it came by speaks for it. For the hub it is a client like any
// other, on a socket in memory, so that whatever holds for viewers holds for it. It has no other place to come back from: when
// it ends, so do its sessions, unless the hub is stopping or its door says that they go on. A camera of the KVS format is one too:
// see welcomeMaster.
type guest struct {
	hub     *Hub
	client  *client
	carrier *carrier
	// welcome is what the hub greeted it with: its ICE servers and its relay grant.
	welcome *protocol.Welcome
	// inbox is what the hub says. Over it the hub waits as for any socket that does not take what is written.
	inbox chan *said
	over  chan struct{}
	once  sync.Once
	stays func() bool

	// mu guards what follows, and is held while something is said: its messages have an order.
	mu       sync.Mutex
	seq, ids uint64
}

// said is a message of the hub.
type said struct {
	protocol.Envelope
	body protocol.Message
}

// guestConfig says who a guest is. Token or Viewer must be set.
type guestConfig struct {
	// Token is verified; Viewer is for a door that knows who looks by other means.
	Token   string
	Viewer  auth.Viewer
	Address netip.Addr
	Program protocol.Client
	// Door is what carries the guest's words.
	Door protocol.Transport
	// Stays says, when the guest ends, whether its sessions go on; nil means that they do not.
	Stays func() bool
	// Grant is a relay grant that the player was given before; empty means a fresh one.
	Grant protocol.GrantID
}

// guestInbox is how many of the hub's messages a door may leave unread before the hub waits for it.
const guestInbox = 32

// welcomeGuest lets a viewer in that has no link. The guest ends with ctx. It fails as a hello does; how often an address may
// come is for the door to ask (admitRequest), which also holds the hub's work meanwhile (enter).
func (h *Hub) welcomeGuest(ctx context.Context, config guestConfig) (*guest, error) {
	if err := h.mayQueue(); err != nil {
		h.admission.count(RefusedMemory)
		return nil, err
	}
	now := time.Now()
	viewer := config.Viewer
	if config.Token != "" {
		var err error
		if viewer, err = h.config.Tokens.Verify(config.Token, now); err != nil {
			return nil, err
		}
	}
	g := h.newGuest(protocol.RoleViewer, config, now)
	g.client.grant = config.Grant
	limited, cancel := context.WithTimeout(ctx, h.config.HelloTimeout)
	defer cancel()
	if err := h.admitViewer(limited, g.client, viewer, protocol.ResumeNew, now); err != nil {
		return nil, err
	}
	if err := g.begin(ctx, limited); err != nil {
		return nil, err
	}
	return g, nil
}

// newGuest makes a guest that nobody knows yet.
func (h *Hub) newGuest(role protocol.Role, config guestConfig, now time.Time) *guest {
	g := &guest{hub: h, inbox: make(chan *said, guestInbox), over: make(chan struct{}), stays: func() bool { return false }}
	if config.Stays != nil {
		g.stays = config.Stays
	}
	g.carrier = &carrier{socket: g, address: config.Address, transport: config.Door}
	g.client = h.newClient(role, config.Program, g.carrier, now)
	g.client.mute = true
	return g
}

// begin waits for the welcome of a guest that has been admitted and ends with ctx.
func (g *guest) begin(ctx, limited context.Context) error {
	g.hub.work.Go(func() { g.attend(ctx) })
	for g.welcome == nil { // it is the first message
		m, err := g.next(limited)
		if err != nil {
			return err
		}
		g.welcome, _ = m.body.(*protocol.Welcome)
	}
	return nil
}

// attend waits for the end of the guest and takes it off the hub.
func (g *guest) attend(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-g.over:
	}
	g.once.Do(func() { close(g.over) })
	c := g.client
	c.handling <- struct{}{} // what it has begun to say is finished first
	defer func() { <-c.handling }()
	stays := g.why().Code == protocol.CodeGoingAway || g.stays()
	g.hub.leave(context.WithoutCancel(ctx), c, g.carrier, !stays)
}

// isOver reports whether the guest has ended.
func (g *guest) isOver() bool {
	select {
	case <-g.over:
		return true
	default:
		return false
	}
}

// why is what ended the guest; CodeGoingAway when the hub stops.
func (g *guest) why() *protocol.Error {
	g.client.mu.Lock()
	defer g.client.mu.Unlock()
	if g.carrier.why != nil {
		return g.carrier.why
	}
	return leftError
}

var leftError = protocol.Errorf(protocol.CodeTimeout, "the viewer has left")

// next returns the hub's next message. When the guest is over, and all that was said has been heard, it fails with why.
func (g *guest) next(ctx context.Context) (*said, error) {
	select {
	case m := <-g.inbox:
		return m, nil
	default:
	}
	select {
	case m := <-g.inbox:
		return m, nil
	case <-g.over:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case m := <-g.inbox:
		return m, nil
	default:
		return nil, g.why()
	}
}

// say has the hub handle a message and returns the number of a request, which its answer has as its Re. It takes as long as the hub has a
// viewer wait that says too much, and fails when the guest is over, or with what is wrong with the message.
func (g *guest) say(ctx context.Context, kind protocol.Type, session protocol.SessionID, body protocol.Message) (uint64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := protocol.Must(kind, session, body)
	switch kind {
	case protocol.TypeOpen, protocol.TypeExtend, protocol.TypeDescribe:
		g.ids++
		e.ID = g.ids
	}
	if e.Class() == protocol.ClassSequenced {
		e.Seq = g.seq + 1
	}
	message, err := e.Encode()
	if err != nil {
		return 0, err
	}
	if _, _, err := protocol.Decode(message); err != nil {
		return 0, err // which would end its link
	}
	if e.Seq != 0 {
		g.seq = e.Seq
	}
	if err := g.hub.handle(ctx, g.client, g.carrier, message); err != nil {
		return 0, g.why()
	}
	return e.ID, nil
}

// depart ends the guest. Its sessions live on when that is because the hub stops, as its goaway says.
func (g *guest) depart(why *protocol.Error) { g.client.close(why) }

// Write implements socket. Like any other it blocks as long as the door does not take what is written, for a time.
func (g *guest) Write(message []byte) error {
	e, body, err := protocol.Decode(message)
	if err != nil {
		return err
	}
	switch e.Type {
	case protocol.TypePing, protocol.TypePong, protocol.TypeAck: // whoever shares the memory is alive
	default:
		patience := time.NewTimer(g.hub.config.WriteTimeout)
		defer patience.Stop()
		select {
		case g.inbox <- &said{e, body}:
		case <-g.over:
			return nil // nobody reads it any more
		case <-patience.C:
			return protocol.Errorf(protocol.CodeTimeout, "the door does not take what is said")
		}
	}
	if err := g.client.heard(g.carrier, e.Seq); !errors.Is(err, errClosed) {
		return err
	}
	return nil
}

// Close implements socket.
func (g *guest) Close(protocol.CloseCode, string) { g.once.Do(func() { close(g.over) }) }

// abort implements socket.
func (g *guest) abort() { g.Close(protocol.CloseGoingAway, "") }
