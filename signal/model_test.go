package signal

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// model is a hub with two viewers and two boxes that have the key of one device. It lets them do one thing after the
// other, and knows what must come of it: while links go on, each message arrives once and in order; when one does not
// go on, that is said for a good reason, and afterwards both ends of each session know the same.
type model struct {
	t     *testing.T
	stage *stage
	ends  []*modelEnd // viewers, then boxes

	restarts, opens, takes int
	probes                 map[probeKey][]probe
	generations            map[*modelEnd]uint64
	history                []string
	err                    error // the first thing that was wrong
}

// probeKey names what one end sends of a session.
type probeKey struct {
	session protocol.SessionID
	role    protocol.Role
}

// probe is what was so when a candidate was sent: the lives of the links of both sides, and which ends were not up to
// date with the session's state, so that they will hear of the candidate by a sync.
type probe struct {
	from, to int
	take     string
	behind   map[*modelEnd]bool
}

const (
	// modelUnacked is how much may be unacknowledged, so little that an end which is away for long overflows.
	modelUnacked = 96
	// maxModelOpens bounds the sessions of one run.
	maxModelOpens = 10
	// modelSlack is how late the hub may notice that a link has no socket, or that its window is over: a ping, its
	// grace, the sweep, and what waits for the limits of a session.
	modelSlack = time.Minute
	forLong    = 10_000 * time.Hour
)

func newModel(t *testing.T, s *stage) *model {
	m := &model{t: t, stage: s, probes: map[probeKey][]probe{}, generations: map[*modelEnd]uint64{}}
	for _, e := range []*modelEnd{
		{name: "alice", role: protocol.RoleViewer},
		{name: "bob", role: protocol.RoleViewer},
		{name: "box1", role: protocol.RoleDevice},
		{name: "box2", role: protocol.RoleDevice, stopped: true},
	} {
		e.model, e.held, e.heard = m, map[protocol.SessionID]*modelSession{}, time.Now()
		e.link = link.New(link.Config{Ping: 5 * time.Second, Grace: time.Minute}, time.Now())
		m.ends = append(m.ends, e)
	}
	return m
}

// explore runs the operations that some bytes stand for, two bytes each, and returns what was wrong in the end and how
// it came to that.
func explore(t *testing.T, operations []byte) (history []string, err error) {
	t.Helper()
	configure := func(c *Config) {
		c.MediaTimeout, c.Lease, c.Link.MaxUnacked = forLong, forLong, modelUnacked
	}
	inBubble(t, configure, func(t *testing.T, s *stage) {
		m := newModel(t, s)
		m.settle(3)
		for ; len(operations) > 1 && m.err == nil; operations = operations[2:] {
			m.do(operations[0], operations[1])
		}
		m.finish()
		history, err = m.history, m.err
	})
	return history, err
}

func (m *model) fail(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
		m.log("WRONG: %v", m.err)
	}
}

func (m *model) log(format string, args ...any) {
	m.history = append(m.history, fmt.Sprintf(format, args...))
}

func (m *model) hello(e *modelEnd) protocol.Hello {
	if e.role == protocol.RoleDevice {
		return m.stage.deviceHello(m.t, camera)
	}
	return m.stage.viewerHello(m.t, func(v *auth.Viewer) { v.Subject, v.Expires = e.name, time.Now().Add(auth.MaxViewerLife) })
}

// do is one operation.
func (m *model) do(kind, arg byte) {
	e := m.ends[arg%4]
	s := e.pick(arg / 4)
	switch kind % 16 {
	case 0, 1:
		if s != nil {
			m.log("%s sends", e.name)
			e.tell(s)
		}
	case 2:
		e.deliver()
	case 3:
		e.fetch()
	case 4, 5:
		m.flow()
	case 6, 7:
		if e.wire != nil {
			m.log("%s is cut, noticed %v", e.name, kind%16 == 6)
			e.wire.snap(kind%16 == 6)
		}
	case 8:
		if !e.stopped {
			m.log("%s connects", e.name)
			e.connect()
		}
	case 9:
		if v := m.ends[arg%2]; m.opens < maxModelOpens {
			m.opens++
			m.log("%s opens %d", v.name, m.opens)
			v.open(m.opens)
		}
	case 10:
		if s != nil {
			m.log("%s closes %d", e.name, s.number)
			e.drop(s)
		}
	case 11:
		m.pass([]time.Duration{50 * time.Millisecond, 1100 * time.Millisecond, 9 * time.Second, 31 * time.Second}[arg/4%4])
	case 12:
		if arg < 32 {
			m.pass(protocol.ResumeWindow + 2*modelSlack)
		} else {
			m.settle(1)
		}
	case 13:
		m.takeOver(m.ends[2+arg%2])
	case 14:
		if arg < 24 {
			m.restart(arg%2 == 0)
		} else {
			m.arriveLate(e)
		}
	case 15:
		switch {
		case e.wire == nil:
		case arg < 160:
			if e.greeted && e.prospect == nil {
				m.log("%s tries the other door", e.name)
				e.probe()
			}
		default:
			m.log("%s is clogged", e.name)
			e.wire.clog()
		}
	}
	m.pass(20 * time.Millisecond)
}

// pick returns one of the sessions that an end holds, nil if there is none.
func (e *modelEnd) pick(n byte) *modelSession {
	list := e.sessions()
	if len(list) == 0 {
		return nil
	}
	return list[int(n)%len(list)]
}

// pass lets time go by.
func (m *model) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	for _, e := range m.ends {
		e.tick()
	}
}

// flow lets everything arrive that is on its way, and what comes of it.
func (m *model) flow() {
	for moved := true; moved && m.err == nil; {
		moved = false
		for _, e := range m.ends {
			for e.deliver() {
				synctest.Wait() // so that it is the same each time
				moved = true
			}
		}
		for _, e := range m.ends {
			for e.fetch() {
				moved = true
			}
		}
	}
}

// settle lets every end that may come back do so, some times.
func (m *model) settle(times int) {
	for n := 0; n < times && m.err == nil; n++ {
		for _, e := range m.ends {
			if e.wire == nil && e.prospect == nil && !e.stopped {
				m.log("%s connects", e.name)
				e.connect()
			}
		}
		m.flow()
		m.pass(5 * time.Second)
	}
}

// takeOver starts the other box. The one that was told to stay away has waited.
func (m *model) takeOver(e *modelEnd) {
	m.log("%s starts", e.name)
	e.stopped = false
	e.connect()
}

// arriveLate brings a message to the hub that an end sent on a socket which it has given up, or the socket's end.
func (m *model) arriveLate(e *modelEnd) {
	if len(e.left) == 0 {
		return
	}
	m.log("%s is heard late", e.name)
	old := e.left[0]
	begun := old.begun
	if old.deliver() != nil {
		e.heard = time.Now()
		if !begun {
			e.late++
		}
	} else {
		old.abort()
		e.left = e.left[1:]
	}
}

// restart replaces the hub by another process.
func (m *model) restart(silently bool) {
	m.log("the hub restarts, silently %v", silently)
	m.restarts++
	for _, e := range m.ends {
		if e.prospect != nil {
			e.left, e.prospect = append(e.left, e.prospect), nil
		}
		for _, old := range append(e.left, e.wire) {
			if old != nil && (silently || old != e.wire || !e.greeted) {
				old.snap(true)
			}
		}
		e.left = nil
	}
	m.stage.restart(m.t)
	m.stage.mu.Lock()
	defer m.stage.mu.Unlock()
	clear(m.stage.granted) // the relay was of the same process
}

// rivals is how many hellos may have taken the place of a box's: those of the other one, and its own that came late.
func (m *model) rivals(e *modelEnd) int {
	rivals := e.late
	for _, box := range m.ends[2:] {
		if box != e {
			rivals += box.hellos + box.late
		}
	}
	return rivals
}

// lives is how many links the ends of a role have had, of viewers only the one that is meant.
func (m *model) lives(role protocol.Role, viewer *modelEnd) int {
	if role == protocol.RoleViewer {
		return viewer.life
	}
	return m.ends[2].life + m.ends[3].life
}

func (m *model) numberOf(id protocol.SessionID) int {
	for n := 1; n <= m.opens; n++ {
		if sessionID(n) == id {
			return n
		}
	}
	return 0
}

// viewerOf is who has opened a session.
func (m *model) viewerOf(id protocol.SessionID) *modelEnd {
	for _, e := range m.ends[:2] {
		if e.held[id] != nil {
			return e
		}
	}
	return nil
}

// sent numbers the next candidate of an end and notes how things are.
func (m *model) sent(e *modelEnd, s *modelSession) int {
	key := probeKey{s.id, e.role}
	viewer, receivers := e, m.ends[2:]
	if e.role == protocol.RoleDevice {
		viewer, receivers = m.viewerOf(s.id), m.ends[:2]
	}
	p := probe{take: s.take, behind: map[*modelEnd]bool{}}
	p.from, p.to = m.links(e.role, viewer)
	for _, r := range receivers {
		theirs := r.held[s.id]
		p.behind[r] = theirs != nil && theirs.repaired != r.life
		if theirs != nil {
			r.unread++
		}
	}
	m.probes[key] = append(m.probes[key], p)
	return len(m.probes[key])
}

// links are the lives of the sending and of the receiving side of a session.
func (m *model) links(sender protocol.Role, viewer *modelEnd) (from, to int) {
	boxes := m.lives(protocol.RoleDevice, nil)
	if viewer == nil {
		return boxes, 0 // who has closed it hears no more of it
	}
	if sender == protocol.RoleViewer {
		return viewer.life, boxes
	}
	return boxes, viewer.life
}

// checkCandidate checks a message against those that came before.
func (m *model) checkCandidate(e *modelEnd, s *modelSession, c *protocol.Candidate) {
	sender := protocol.RoleViewer
	if e.role == protocol.RoleViewer {
		sender = protocol.RoleDevice
	}
	if c.MLine <= s.last {
		m.fail("%s got candidate %d of session %d after %d", e.name, c.MLine, s.number, s.last)
	}
	viewer := m.viewerOf(s.id)
	from, to := m.links(sender, viewer)
	for n := s.last + 1; n < c.MLine; n++ {
		p := m.probes[probeKey{s.id, sender}][n-1]
		if !s.has(n) && p.take == c.Ufrag && p.from == from && p.to == to && !p.behind[e] {
			m.fail("%s got candidate %d of session %d without %d, and all links have gone on", e.name, c.MLine, s.number, n)
		}
	}
	s.last = c.MLine
}

// checkWelcome checks what a hello was told of its link.
func (m *model) checkWelcome(e *modelEnd, w *protocol.Welcome) {
	switch {
	case e.resume == nil:
		if w.Resumed || w.Reason != protocol.ResumeNew {
			m.fail("%s: resumed %v %q without asking for it", e.name, w.Resumed, w.Reason)
		}
		return
	case !w.Resumed:
		m.checkReason(e, w.Reason)
	case w.Link != e.resume.Link || e.bornRestarts != m.restarts:
		m.fail("%s: went on with another link", e.name)
	case e.quiet > protocol.ResumeWindow+modelSlack:
		m.fail("%s: went on after %s without a socket", e.name, e.quiet)
	}
}

// checkReason checks that a link which did not go on could not.
func (m *model) checkReason(e *modelEnd, reason protocol.ResumeReason) {
	honest := false
	switch reason {
	case protocol.ResumeExpired:
		honest = e.unused >= protocol.ResumeWindow
	case protocol.ResumeNodeLost:
		honest = e.bornRestarts != m.restarts
	case protocol.ResumeSuperseded:
		honest = e.role == protocol.RoleDevice && m.rivals(e) > e.bornRivals
	case protocol.ResumeOverflow:
		honest = e.unread+int(e.link.Received()-e.acked) >= modelUnacked/3 //nolint:gosec // a small number
	}
	if !honest {
		m.fail("%s: not resumed: %s; %s after it was heard", e.name, reason, e.unused)
	}
}

// sawGeneration checks that what is told of a device never goes back.
func (m *model) sawGeneration(e *modelEnd, generation uint64) {
	if generation < m.generations[e] {
		m.fail("%s: the device is of generation %d after %d", e.name, generation, m.generations[e])
	}
	m.generations[e] = generation
}

// finish lets everything come to rest and checks that both ends of every session know the same, and that nothing is left
// when all have gone.
func (m *model) finish() {
	m.forgetLeft()
	for range 12 { // over the time in which the hub gives up what nobody answers
		m.revive()
		m.settle(4)
	}
	if m.err == nil {
		m.checkSessions()
	}
	for _, e := range m.ends {
		if e.prospect != nil {
			e.left, e.prospect = append(e.left, e.prospect), nil
		}
	}
	m.forgetLeft()
	bye, _ := (&protocol.Envelope{Type: protocol.TypeBye}).Encode()
	for _, e := range m.ends {
		if e.wire != nil {
			e.wire.post(bye)
		}
	}
	for _, e := range m.ends {
		for e.deliver() {
		}
		if e.wire != nil {
			e.wire.abort()
		}
	}
	m.forgetLeft()
	m.pass(protocol.ResumeWindow + 2*modelSlack)
	h := m.stage.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.clients) + len(h.sessions) + h.parked.Len() + len(h.devices); n != 0 {
		m.fail("%d links, %d sessions, %d links without socket, %d devices are left", len(h.clients), len(h.sessions), h.parked.Len(), len(h.devices))
	}
	if n := m.stage.alive(); n != 0 {
		m.fail("%d grants are left", n)
	}
}

// forgetLeft ends the sockets that were given up.
func (m *model) forgetLeft() {
	for _, e := range m.ends {
		for _, old := range e.left {
			old.snap(true)
		}
		e.left = nil
	}
}

// revive lets a box come back when all of them were told to stay away.
func (m *model) revive() {
	if m.ends[2].stopped && m.ends[3].stopped {
		m.ends[2].stopped = false
	}
}

// checkSessions compares what the hub and both ends hold.
func (m *model) checkSessions() {
	box := m.ends[2]
	if box.stopped {
		box = m.ends[3]
	}
	open, err := m.stage.Open(context.Background())
	if err != nil {
		m.fail("open sessions: %v", err)
	}
	for _, row := range open {
		viewer, device := m.viewerOf(row.ID), box.held[row.ID]
		if viewer == nil || device == nil {
			m.fail("session %d is open, but at the viewer %v, at %s %v", m.numberOf(row.ID), viewer != nil, box.name, device != nil)
			continue
		}
		mine := viewer.held[row.ID]
		if lacks := mine.differs(device); lacks != "" {
			m.fail("session %d at %s: %s", mine.number, viewer.name, lacks)
		}
		if lacks := device.differs(mine); lacks != "" {
			m.fail("session %d at %s: %s", mine.number, box.name, lacks)
		}
	}
	for _, e := range []*modelEnd{m.ends[0], m.ends[1], box} {
		for id, s := range e.held {
			if !m.stage.row(id).Ended.IsZero() || m.stage.row(id).ID == "" {
				m.fail("%s holds session %d, which is not open", e.name, s.number)
			}
		}
	}
}
