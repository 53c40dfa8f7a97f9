package signal

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// modelSession is what an end knows of a session.
type modelSession struct {
	id      protocol.SessionID
	number  int
	request uint64 // of the open that is not answered
	again   bool   // that open has been sent before
	// take tells this end's attempts at the session apart: a device that is invited again begins anew. answered is the
	// take that the device answered with.
	take, answered string
	mine           []int                   // the candidates it has sent
	theirs         map[string]map[int]bool // the candidates it got, by the other end's take
	last           int                     // the highest that came as a message
	repaired       int                     // the life in which the end had all that the other one knew
}

func newModelSession(id protocol.SessionID, number int, take string) *modelSession {
	return &modelSession{id: id, number: number, take: take, theirs: map[string]map[int]bool{}}
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

// sessions are those that the end holds, the oldest first.
func (e *modelEnd) sessions() []*modelSession {
	var list []*modelSession
	for _, s := range e.held {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *modelSession) int { return a.number - b.number })
	return list
}

// state is the end's side of a session, for sync.
func (e *modelEnd) state(s *modelSession) *protocol.Sync {
	m := &protocol.Sync{Revision: 1, Description: e.description(s)}
	for _, n := range s.mine {
		m.Candidates = append(m.Candidates, *e.candidate(s, n))
	}
	if e.role == protocol.RoleViewer {
		m.Owner = owner
	}
	return m
}

func (e *modelEnd) description(s *modelSession) *protocol.Describe {
	if e.role == protocol.RoleViewer {
		return &protocol.Describe{Revision: 1, Kind: protocol.DescribeOffer, SDP: s.take}
	}
	if s.answered == "" {
		return nil
	}
	return &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: s.take}
}

func (e *modelEnd) candidate(s *modelSession, n int) *protocol.Candidate {
	return &protocol.Candidate{Revision: 1, Candidate: "c", MLine: n, Ufrag: s.take}
}

// maxModelCandidates is what an end sends of a session: a sync has room for no more.
const maxModelCandidates = protocol.MaxSyncCandidates

// tell sends the session's next candidate.
func (e *modelEnd) tell(s *modelSession) {
	if len(s.mine) >= maxModelCandidates {
		return
	}
	n := e.model.sent(e, s)
	s.mine = append(s.mine, n)
	e.send(protocol.Must(protocol.TypeCandidate, s.id, e.candidate(s, n)))
}

// open asks for a session.
func (e *modelEnd) open(number int) {
	id := sessionID(number)
	s := newModelSession(id, number, fmt.Sprintf("%s.%d", e.name, number))
	e.held[id] = s
	e.ask(s)
}

func (e *modelEnd) ask(s *modelSession) {
	e.lastID++
	s.request = e.lastID
	open := protocol.Must(protocol.TypeOpen, s.id, &protocol.Open{
		Device: camera, Owner: owner, Grant: e.grant, Media: protocol.Media{Video: true},
		Offer: &protocol.Offer{Revision: 1, SDP: s.take},
	})
	open.ID = s.request
	e.send(open)
}

// drop ends a session.
func (e *modelEnd) drop(s *modelSession) {
	delete(e.held, s.id)
	reason := protocol.ReasonViewerLeft
	if e.role == protocol.RoleDevice {
		reason = protocol.ReasonICEFailed
	}
	e.send(protocol.Must(protocol.TypeClose, s.id, &protocol.Close{Reason: reason}))
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

func (e *modelEnd) handle(env protocol.Envelope, body protocol.Message) {
	s := e.held[env.Session]
	switch m := body.(type) {
	case *protocol.Invite:
		e.invited(env, m)
	case *protocol.Presence:
		e.model.sawGeneration(e, m.Generation)
	case *protocol.Opened:
		if s != nil && s.request == env.Re {
			s.request = 0
			if !s.again {
				s.repaired = e.life
			}
		}
	case *protocol.Error:
		e.refused(env, s, m)
	case *protocol.Closed:
		delete(e.held, env.Session)
	case *protocol.Describe:
		if s != nil {
			e.described(s, m)
		}
	case *protocol.Candidate:
		if s != nil {
			e.model.checkCandidate(e, s, m)
			s.learn(m)
		}
	case *protocol.Sync:
		if s != nil {
			e.synced(s, m)
		}
	}
}

// invited lets a device begin a session, or begin it anew.
func (e *modelEnd) invited(env protocol.Envelope, m *protocol.Invite) {
	e.model.takes++
	s := newModelSession(env.Session, e.model.numberOf(env.Session), fmt.Sprintf("%s.%d", e.name, e.model.takes))
	s.repaired = e.life
	e.held[s.id] = s
	reply := protocol.Must(protocol.TypeReply, s.id, &protocol.Reply{})
	reply.Re = env.ID
	e.send(reply)
	if m.Offer != nil { // else it follows
		e.described(s, &protocol.Describe{Kind: protocol.DescribeOffer, SDP: m.Offer.SDP})
	}
}

// refused takes an error. Only an open may be refused, and only for what can be.
func (e *modelEnd) refused(env protocol.Envelope, s *modelSession, m *protocol.Error) {
	if env.Re == 0 && env.Session == "" {
		return // the close that follows says the same
	}
	allowed := []protocol.Code{protocol.CodeOffline, protocol.CodeFull, protocol.CodeRateLimited}
	if s == nil || s.again {
		allowed = append(allowed, protocol.CodeConflict) // it has ended meanwhile
	}
	if env.Re == 0 || !slices.Contains(allowed, m.Code) {
		text, _ := json.Marshal(env)
		e.model.fail("%s: got %s", e.name, text)
		return
	}
	if s != nil && s.request == env.Re {
		delete(e.held, s.id)
	}
}

// described takes the answer, or answers the offer.
func (e *modelEnd) described(s *modelSession, m *protocol.Describe) {
	switch {
	case e.role == protocol.RoleViewer:
		s.answered = m.SDP
	case s.answered == "":
		s.answered = s.take
		e.send(protocol.Must(protocol.TypeDescribe, s.id, e.description(s)))
	}
}

func (e *modelEnd) synced(s *modelSession, m *protocol.Sync) {
	if m.Owner != "" {
		e.model.fail("%s: the hub told the owner of %s", e.name, s.id)
	}
	if m.Description != nil {
		e.described(s, m.Description)
	}
	for i := range m.Candidates {
		s.learn(&m.Candidates[i])
	}
	s.repaired = e.life
	if !m.Answer {
		state := e.state(s)
		state.Answer = true
		e.send(protocol.Must(protocol.TypeSync, s.id, state))
	}
}

func (s *modelSession) learn(m *protocol.Candidate) {
	if s.theirs[m.Ufrag] == nil {
		s.theirs[m.Ufrag] = map[int]bool{}
	}
	s.theirs[m.Ufrag][m.MLine] = true
}

// has reports whether the end knows this candidate of the other one, whatever the take.
func (s *modelSession) has(n int) bool {
	for _, known := range s.theirs {
		if known[n] {
			return true
		}
	}
	return false
}

// differs says in words what the end lacks of the other one's side; empty if it lacks nothing.
func (s *modelSession) differs(other *modelSession) string {
	var words []string
	if s.answered != other.answered {
		words = append(words, fmt.Sprintf("answer %q, want %q", s.answered, other.answered))
	}
	var missing []int
	for _, n := range other.mine {
		if !s.theirs[other.take][n] {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		words = append(words, fmt.Sprintf("lacks candidates %v", missing))
	}
	return strings.Join(words, ", ")
}
