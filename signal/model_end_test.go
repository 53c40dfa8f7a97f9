package signal

import (
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// modelEnd is a client as the protocol wants it, without goroutines: it does something only when the model lets it.
type modelEnd struct {
	model *model
	name  string
	role  protocol.Role

	link    *link.Link
	wire    *modelWire   // nil while it has none
	left    []*modelWire // that it has given up; what it sent on them may still arrive
	dialed  time.Time
	greeted bool // by the wire's welcome
	// prospect is a socket through the other door that has not brought its welcome; transport is the door of the newest.
	prospect  *modelWire
	transport int
	resume    *protocol.Resume
	lastID    uint64
	grant     protocol.GrantID
	// life counts the links. hellos are those that the hub got, late those of them on sockets given up.
	life, hellos, late int
	// bornRestarts and bornRivals are how often the hub had been restarted, and the rivals had said hello, when the hub
	// got the hello of the link; helloRivals when it got the last hello.
	bornRestarts, bornRivals, helloRivals int
	// heard is when the hub last got something of it, used when that was more than a hello; quiet and unused are how
	// long that was ago when the last hello came.
	heard, used   time.Time
	quiet, unused time.Duration
	unread        int    // how many candidates were sent to it since it last read something
	acked         uint64 // what the hub has been told that it has
	stopped       bool   // it was told not to come back
	held          map[protocol.SessionID]*modelSession
}

// connect dials another socket and says hello, whatever became of the last one.
func (e *modelEnd) connect() {
	e.giveUp()
	e.wire, e.greeted, e.dialed = e.dial(), false, time.Now()
}

// probe tries the other door, while the link goes on where it is.
func (e *modelEnd) probe() {
	e.transport = 1 - e.transport
	e.prospect, e.dialed = e.dial(), time.Now()
}

// doors are the transports of the model.
var doors = [2]protocol.Transport{protocol.TransportWebSocket, protocol.TransportLongPoll}

// dial opens a socket and says hello on it.
func (e *modelEnd) dial() *modelWire {
	hello := e.model.hello(e)
	if e.resume != nil {
		again := *e.resume
		again.Received = e.link.Received()
		hello.Resume = &again
	}
	hello.Version = protocol.Version
	message := protocol.Must(protocol.TypeHello, "", &hello)
	b, err := message.Encode()
	if err != nil {
		e.model.fail("encode hello: %v", err)
	}
	w := newModelWire(e.model.stage.hub, doors[e.transport])
	w.post(b)
	return w
}

// giveUp leaves the wire alone, and the prospect.
func (e *modelEnd) giveUp() {
	for _, w := range []*modelWire{e.wire, e.prospect} {
		if w != nil {
			e.left = append(e.left, w)
		}
	}
	e.wire, e.prospect = nil, nil
}

// deliver takes the end's next message to the hub.
func (e *modelEnd) deliver() bool {
	if e.prospect != nil && e.prospect.deliver() != nil {
		e.introduced()
		return true
	}
	if e.wire == nil {
		return false
	}
	message := e.wire.deliver()
	if message == nil {
		return false
	}
	if env, _, err := protocol.Decode(message); err == nil {
		e.acked = max(e.acked, env.Ack)
	}
	switch {
	case !e.greeted:
		e.introduced()
	case !e.wire.ended():
		e.used = time.Now()
	}
	e.heard = time.Now()
	return true
}

// introduced notes how things were when the hub got a hello.
func (e *modelEnd) introduced() {
	e.quiet, e.unused = time.Since(e.heard), time.Since(e.used)
	e.hellos++
	e.helloRivals = e.model.rivals(e)
	e.heard = time.Now()
}

// fetch takes in what comes next, and reports whether anything did.
func (e *modelEnd) fetch() bool { return e.fetchWire() || e.prospect != nil && e.fetchProspect() }

// fetchProspect moves the link to the other door when that has brought its welcome.
func (e *modelEnd) fetchProspect() bool {
	w := e.prospect
	b, closed := w.fetch()
	if b == nil && closed == nil {
		return false
	}
	e.prospect = nil
	_, body, err := protocol.Decode(b)
	if closed != nil || err != nil {
		return true
	}
	if welcome, ok := body.(*protocol.Welcome); ok {
		e.model.log("%s moves", e.name)
		e.giveUp()
		e.wire = w
		e.welcomed(welcome)
	}
	return true
}

func (e *modelEnd) fetchWire() bool {
	if e.wire == nil {
		return false
	}
	b, closed := e.wire.fetch()
	switch {
	case closed != nil:
		e.parted(closed)
		return true
	case b == nil:
		return false
	}
	e.unread = 0
	env, body, err := protocol.Decode(b)
	if err != nil {
		e.model.fail("%s: the hub sent %s: %v", e.name, b, err)
		return false
	}
	if !e.greeted {
		e.greet(env, body)
		return true
	}
	handle, err := e.link.Receive(&env, time.Now())
	if err != nil {
		e.model.fail("%s: the hub broke the link with %s: %v", e.name, b, err)
		return false
	}
	if handle {
		if env.Class() != protocol.ClassState {
			e.model.log("%s got %.200s", e.name, b)
		}
		e.handle(env, body)
	}
	e.link.Took(env.Seq, time.Now())
	e.flush()
	return true
}

// parted is told how the hub closed the wire.
func (e *modelEnd) parted(closed *closedError) {
	e.model.log("%s: %v", e.name, closed)
	e.wire = nil
	switch {
	case closed.code == protocol.CloseSuperseded && e.role == protocol.RoleDevice:
		e.stopped = true
	case !closed.code.Reconnect():
		e.model.fail("%s: the hub %v", e.name, closed)
	}
}

func (e *modelEnd) greet(env protocol.Envelope, body protocol.Message) {
	switch m := body.(type) {
	case *protocol.Welcome:
		e.welcomed(m)
	case *protocol.Error:
		e.model.log("%s: refused: %v", e.name, m)
		rival := e.role == protocol.RoleDevice && e.model.rivals(e) > e.bornRivals
		if m.Code != protocol.CodeSuperseded && m.Code != protocol.CodeGoingAway || !rival {
			e.model.fail("%s: refused: %v", e.name, m)
		}
	default:
		e.model.fail("%s: got %s before the welcome", e.name, env.Type)
	}
}

// welcomed goes on with the link, or with a new one. An acknowledgement says that the socket is the end's choice.
func (e *modelEnd) welcomed(m *protocol.Welcome) {
	e.model.log("%s: resumed %v %q", e.name, m.Resumed, m.Reason)
	e.greeted, e.grant = true, m.Grant
	e.model.checkWelcome(e, m)
	if m.Resumed {
		if err := e.link.Attach(max(m.Received, e.link.Acknowledged()), time.Now()); err != nil {
			e.model.fail("%s: attach: %v", e.name, err)
		}
		e.send(protocol.Envelope{Type: protocol.TypeAck})
	} else {
		e.restart(m)
	}
	e.flush()
}

// restart goes on with a new link: docs/protocol.md, section 4.
func (e *modelEnd) restart(w *protocol.Welcome) {
	e.life++
	e.acked, e.unread, e.used = 0, 0, time.Now()
	e.bornRestarts, e.bornRivals = e.model.restarts, e.helloRivals
	e.resume = &protocol.Resume{Link: w.Link, Key: w.Key}
	lost := e.link.Reset(time.Now())
	if e.role == protocol.RoleDevice {
		for _, message := range lost {
			if message.Type == protocol.TypeClose {
				e.send(message)
			}
		}
	} else {
		e.sendAgain(lost)
	}
	for _, s := range e.sessions() {
		e.send(protocol.Must(protocol.TypeSync, s.id, e.state(s)))
	}
	if e.role == protocol.RoleDevice {
		e.send(protocol.Must(protocol.TypeSync, "", &protocol.Sync{Last: true}))
	}
}

// sendAgain sends a viewer's closes that were not acknowledged, each behind a proof that the session is its own, and
// the opens that were not answered.
func (e *modelEnd) sendAgain(lost []protocol.Envelope) {
	for _, message := range lost {
		if message.Type == protocol.TypeClose {
			e.send(protocol.Must(protocol.TypeSync, message.Session, &protocol.Sync{Owner: owner}))
			e.send(message)
		}
	}
	for _, s := range e.sessions() {
		if s.request != 0 {
			s.again = true
			e.ask(s)
		}
	}
}

func (e *modelEnd) send(message protocol.Envelope) {
	message.Seq = 0
	if err := e.link.Send(message); err != nil {
		e.model.fail("%s: send %s: %v", e.name, message.Type, err)
	}
	e.flush()
}

func (e *modelEnd) flush() {
	if e.wire == nil || !e.greeted {
		return
	}
	for b, ok := e.link.Next(time.Now()); ok; b, ok = e.link.Next(time.Now()) {
		e.wire.post(b)
	}
}

// tick keeps the link's timers, and the patience with a hub that does not welcome.
func (e *modelEnd) tick() {
	if e.prospect != nil && time.Since(e.dialed) >= protocol.HelloTimeout {
		e.left, e.prospect = append(e.left, e.prospect), nil
	}
	switch {
	case e.wire == nil:
		return
	case !e.greeted:
		if time.Since(e.dialed) >= protocol.HelloTimeout {
			e.giveUp()
		}
		return
	case time.Now().Before(e.link.Due()):
		return
	}
	if err := e.link.Tick(time.Now()); errors.Is(err, &protocol.Error{Code: protocol.CodeTimeout}) {
		e.giveUp()
	} else if err != nil {
		e.model.fail("%s: tick: %v", e.name, err)
	}
	e.flush()
}
