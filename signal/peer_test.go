package signal

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// message is what a peer got and has to handle.
type message struct {
	protocol.Envelope
	body protocol.Message
}

// peer is a client of the hub: the link's own logic over a wire, read by a goroutine, written by the test.
type peer struct {
	t        *testing.T
	stage    *stage
	wire     wire
	welcome  *protocol.Welcome
	snapshot *protocol.Snapshot
	inbox    chan message // closed when the socket is
	end      error        // why, once inbox is closed

	// mu guards what follows.
	mu      sync.Mutex
	link    *link.Link
	lastID  uint64
	stalled bool // reads and says nothing any more
	moved   bool // its link is on another socket
}

// maxInbox is more than any test sends.
const maxInbox = 4096

// hello introduces a client and fails the test if it is refused.
func (s *stage) hello(t *testing.T, hello protocol.Hello) *peer {
	t.Helper()
	p := s.dial(t)
	if err := p.greet(hello); err != nil {
		t.Fatalf("hello: %v", err)
	}
	return p
}

// dial makes a peer that has not said hello.
func (s *stage) dial(t *testing.T) *peer {
	t.Helper()
	return s.dialBy(t, s.connect)
}

func (s *stage) dialBy(t *testing.T, connect func(*testing.T) wire) *peer {
	t.Helper()
	p := &peer{
		t: t, stage: s, wire: connect(t), inbox: make(chan message, maxInbox),
		link: link.New(link.Config{Ping: 5 * time.Second, Grace: 24 * time.Hour}, time.Now()),
	}
	t.Cleanup(p.wire.cut)
	return p
}

// resuming is a hello that goes on with the peer's link, which the peer then leaves alone.
func (p *peer) resuming(hello protocol.Hello) protocol.Hello {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved = true
	hello.Resume = &protocol.Resume{Link: p.welcome.Link, Key: p.welcome.Key, Received: p.link.Received()}
	return hello
}

// back brings the peer back on another socket, with the link it has if the hub resumes it. The old socket is ended.
func (p *peer) back(hello protocol.Hello) *peer {
	p.t.Helper()
	again, hello := p.stage.dial(p.t), p.resuming(hello)
	again.link, again.lastID = p.link, p.lastID
	if err := again.greet(hello); err != nil {
		p.t.Fatalf("hello: %v", err)
	}
	return again
}

// probe tries another door, made by connect, while the peer goes on with this one. The peer that it returns has been
// welcomed, and has yet to say its first message.
func (p *peer) probe(connect func(*testing.T) wire, hello protocol.Hello) *peer {
	p.t.Helper()
	again := p.stage.dialBy(p.t, connect)
	p.mu.Lock()
	hello.Resume = &protocol.Resume{Link: p.welcome.Link, Key: p.welcome.Key, Received: p.link.Received()}
	p.mu.Unlock()
	if err := again.introduce(hello); err != nil {
		p.t.Fatalf("hello: %v", err)
	}
	return again
}

// moveTo goes on with the link on a probe.
func (p *peer) moveTo(again *peer) {
	p.t.Helper()
	p.mu.Lock()
	p.moved = true
	err := p.link.Attach(max(again.welcome.Received, p.link.Acknowledged()), time.Now())
	again.link, again.lastID = p.link, p.lastID
	p.mu.Unlock()
	if err != nil {
		p.t.Fatal(err)
	}
	again.mu.Lock()
	again.speakLocked()
	again.mu.Unlock()
	if err := again.begin(); err != nil {
		p.t.Fatalf("on the new door: %v", err)
	}
}

// speakLocked says the first message after the welcome of a link that goes on, which takes it to this door.
func (p *peer) speakLocked() {
	if w, polls := p.wire.(*pollWire); polls {
		w.resumedFrom(p.link.Received()) // as the first poll will say
	} else if !p.link.Pending() {
		e := protocol.Envelope{Type: protocol.TypeAck, Ack: p.link.Received()}
		if b, err := e.Encode(); err == nil {
			_ = p.wire.write(b) // a closed door shows when it is read
		}
	}
	p.flushLocked()
}

// greet says hello and waits for the welcome and its snapshot.
func (p *peer) greet(hello protocol.Hello) error {
	if err := p.introduce(hello); err != nil {
		return err
	}
	var err error
	p.mu.Lock()
	if p.welcome.Resumed {
		err = p.link.Attach(max(p.welcome.Received, p.link.Acknowledged()), time.Now())
		p.speakLocked()
	} else if p.link.Received() != 0 {
		p.link.Reset(time.Now())
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	return p.begin()
}

// introduce says hello and waits for the welcome.
func (p *peer) introduce(hello protocol.Hello) error {
	if hello.Version == 0 {
		hello.Version = protocol.Version
	}
	e := protocol.Must(protocol.TypeHello, "", &hello)
	b, err := e.Encode()
	if err != nil {
		return err
	}
	if err := p.wire.write(b); err != nil {
		return err
	}
	p.welcome, err = first[*protocol.Welcome](p)
	return err
}

// begin waits for the snapshot and starts what reads all later messages.
func (p *peer) begin() error {
	for p.snapshot == nil { // an invite of an open that has waited may come before it
		m, err := p.read()
		if err != nil {
			return err
		}
		if p.snapshot, _ = m.body.(*protocol.Snapshot); p.snapshot == nil && p.took(&m.Envelope) {
			p.inbox <- m
		}
	}
	over := make(chan struct{})
	p.stage.pumps.Go(func() {
		defer close(over)
		p.pump()
	})
	p.stage.pumps.Go(func() { p.keepAlive(over) })
	return nil
}

// keepAlive shows the hub that the peer is alive until the socket is over.
func (p *peer) keepAlive(over <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
		}
		p.mu.Lock()
		if !p.stalled && !p.moved && p.link.Tick(time.Now()) == nil {
			p.flushLocked()
		}
		p.mu.Unlock()
	}
}

// first reads one message before the pump runs.
func first[M protocol.Message](p *peer) (M, error) {
	var none M
	b, err := p.wire.read()
	if err != nil {
		return none, err
	}
	_, body, err := protocol.Decode(b)
	if err != nil {
		return none, err
	}
	if refusal, ok := body.(*protocol.Error); ok {
		_, err := p.wire.read()
		return none, errors.Join(refusal, err)
	}
	m, ok := body.(M)
	if !ok {
		return none, fmt.Errorf("got %s, want %T", b, none)
	}
	return m, nil
}

// read returns the next message on the wire.
func (p *peer) read() (message, error) {
	b, err := p.wire.read()
	if err != nil {
		return message{}, err
	}
	e, body, err := protocol.Decode(b)
	if err != nil {
		return message{}, fmt.Errorf("the hub sent %s: %w", b, err)
	}
	return message{e, body}, nil
}

// pump reads until the socket ends.
func (p *peer) pump() {
	defer close(p.inbox)
	for {
		m, err := p.read()
		if err != nil {
			p.end = err
			return
		}
		if p.took(&m.Envelope) {
			p.inbox <- m
		}
	}
}

func (p *peer) took(e *protocol.Envelope) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled || p.moved {
		return !p.moved
	}
	handle, err := p.link.Receive(e, time.Now())
	if err != nil {
		p.t.Errorf("the hub broke the link: %v", err)
		return false
	}
	p.link.Took(e.Seq, time.Now())
	p.flushLocked()
	return handle
}

func (p *peer) flushLocked() {
	for b, ok := p.link.Next(time.Now()); ok; b, ok = p.link.Next(time.Now()) {
		_ = p.wire.write(b) // a cut wire shows when it is read
	}
}

// stall makes the peer as one whose program hangs: it neither answers nor acknowledges.
func (p *peer) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = true
}

func (p *peer) send(e protocol.Envelope) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.link.Send(e); err != nil {
		p.t.Fatalf("send %s: %v", e.Type, err)
	}
	p.flushLocked()
}

func (p *peer) post(kind protocol.Type, session protocol.SessionID, body protocol.Message) {
	p.t.Helper()
	p.send(protocol.Must(kind, session, body))
}

// ask sends a request and returns its number.
func (p *peer) ask(kind protocol.Type, session protocol.SessionID, body protocol.Message) uint64 {
	p.t.Helper()
	p.mu.Lock()
	p.lastID++
	e := protocol.Must(kind, session, body)
	e.ID = p.lastID
	p.mu.Unlock()
	p.send(e)
	return e.ID
}

func (p *peer) reply(to message, kind protocol.Type, body protocol.Message) {
	p.t.Helper()
	e := protocol.Must(kind, to.Session, body)
	e.Re = to.ID
	p.send(e)
}

// next returns the next message to handle.
func (p *peer) next() message {
	p.t.Helper()
	select {
	case m, ok := <-p.inbox:
		if !ok {
			p.t.Fatalf("the socket ended: %v", p.end)
		}
		return m
	case <-time.After(p.stage.patience):
		p.t.Fatal("nothing came")
	}
	return message{}
}

// await skips messages until one of the kind comes.
func (p *peer) await(kind protocol.Type) message {
	p.t.Helper()
	for {
		m := p.next()
		if m.Type == kind {
			return m
		}
		if m.Type == protocol.TypeError {
			p.t.Fatalf("got %v while waiting for %s", m.body, kind)
		}
	}
}

// refused waits for an error and returns it.
func (p *peer) refused() *protocol.Error {
	p.t.Helper()
	for {
		if m := p.next(); m.Type == protocol.TypeError {
			return body[*protocol.Error](p.t, m)
		}
	}
}

// settled returns what came before the hub has handled everything that the peer sent: the kinds of sequenced messages.
func (p *peer) settled() []message {
	p.t.Helper()
	id := p.ask(protocol.TypeExtend, "", &protocol.Extend{}) // a viewer gets not_found, a device bad_message
	var got []message
	for {
		m := p.next()
		if m.Re == id {
			return got
		}
		if m.Seq != 0 || m.Type == protocol.TypeError {
			got = append(got, m)
		}
	}
}

// closed waits for the end of the socket and returns the hub's close code.
func (p *peer) closed() protocol.CloseCode {
	p.t.Helper()
	deadline := time.After(p.stage.patience)
	for {
		select {
		case _, ok := <-p.inbox:
			if ok {
				continue
			}
			var closed *closedError
			if !errors.As(p.end, &closed) {
				p.t.Fatalf("the socket ended with %v, want a close of the hub", p.end)
			}
			return closed.code
		case <-deadline:
			p.t.Fatal("the socket stays open")
		}
	}
}

// hangUp cuts the wire and waits until the hub has noticed.
func (p *peer) hangUp() {
	p.t.Helper()
	p.wire.cut()
	p.stage.until(p.t, "the link is lost", func() bool {
		p.stage.hub.mu.Lock()
		defer p.stage.hub.mu.Unlock()
		c, there := p.stage.hub.clients[p.welcome.Link]
		return !there || c.parked != nil
	})
}

const owner = "0123456789abcdef0123456789abcdef"

// sessionID makes the n-th session of a test.
func sessionID(n int) protocol.SessionID {
	return protocol.SessionID(fmt.Sprintf("01920000-0000-7000-8000-%012x", n))
}

var offer = &protocol.Offer{Revision: 1, SDP: "v=0 offer"}

// open asks for the n-th session on the stage's camera.
func (p *peer) open(n int) uint64 {
	p.t.Helper()
	return p.ask(protocol.TypeOpen, sessionID(n), &protocol.Open{
		Device: camera, Owner: owner, Grant: p.welcome.Grant, Media: protocol.Media{Video: true}, Offer: offer,
	})
}

// connect opens the n-th session between a viewer and a device and lets the device answer.
func connect(v, d *peer, n int) {
	v.t.Helper()
	v.open(n)
	v.await(protocol.TypeOpened)
	d.reply(d.await(protocol.TypeInvite), protocol.TypeReply, &protocol.Reply{})
	d.post(protocol.TypeDescribe, sessionID(n), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
	v.await(protocol.TypeDescribe)
}

func (s *stage) viewerHello(t testing.TB, change func(*auth.Viewer)) protocol.Hello {
	t.Helper()
	return protocol.Hello{Role: protocol.RoleViewer, Token: s.token(t, change), Client: protocol.Client{Name: "test"}}
}

// viewer connects a viewer of the stage's camera; change may alter its token.
func (s *stage) viewer(t *testing.T, change func(*auth.Viewer)) *peer {
	t.Helper()
	return s.hello(t, s.viewerHello(t, change))
}

func (s *stage) deviceHello(t testing.TB, id protocol.DeviceID) protocol.Hello {
	t.Helper()
	token, err := auth.SignDevice(s.keys[id], id, hubURL, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return protocol.Hello{Role: protocol.RoleDevice, Token: token, Client: protocol.Client{Name: "test"}, MaxSessions: 4}
}

// device connects a device; one that has just started holds no session.
func (s *stage) device(t *testing.T, id protocol.DeviceID) *peer {
	t.Helper()
	p := s.hello(t, s.deviceHello(t, id))
	s.until(t, "the device is online", func() bool { return s.hub.Presence(id).Status == protocol.StatusOnline })
	return p
}
