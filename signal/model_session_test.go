package signal

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

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
