package signal

import (
	"context"

	"github.com/sightline-rtc/sightline/protocol"
)

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
