package signal

import (
	"github.com/sightline-rtc/sightline/protocol"
)

// prepareLocked returns what of a client's message is handed to the other end of its session: nothing, the message as the
// session's path policy lets it pass, or that and a candidate that goes with it.
func (h *Hub) prepareLocked(s *session, c *client, body protocol.Message) []protocol.Message {
	path := s.path()
	body, pass := screen(path, body)
	if !pass {
		return nil
	}
	at, fill := h.fillFrom(c, path)
	if !fill {
		return []protocol.Message{body}
	}
	switch m := body.(type) {
	case *protocol.Candidate:
		if added := fillCandidates([]protocol.Candidate{*m}, at, s.fills.room(m.Revision)); len(added) > 0 {
			s.fills.count++
			return []protocol.Message{body, &added[0]}
		}
	case *protocol.Describe:
		if sdp := fillSDP(m.SDP, at); sdp != m.SDP {
			filled := *m
			filled.SDP = sdp
			return []protocol.Message{&filled}
		}
	case *protocol.Sync:
		filled := *m
		if m.Description != nil {
			description := *m.Description
			description.SDP = fillSDP(description.SDP, at)
			filled.Description = &description
		}
		most := min(maxFilled, protocol.MaxSyncCandidates-len(m.Candidates))
		filled.Candidates = append(filled.Candidates[:len(m.Candidates):len(m.Candidates)], fillCandidates(m.Candidates, at, most)...)
		return []protocol.Message{&filled}
	}
	return []protocol.Message{body}
}

// prepareOfferLocked is the same for the offer of an open, which may be nil.
func (h *Hub) prepareOfferLocked(s *session, c *client, o *protocol.Offer) *protocol.Offer {
	path := s.path()
	at, fill := h.fillFrom(c, path)
	if o == nil || !fill {
		return screenOffer(path, o)
	}
	return &protocol.Offer{Revision: o.Revision, SDP: fillSDP(screenSDP(path, o.SDP), at)}
}

// prepareBacklogLocked is the same for what a viewer has said while its open waited.
func (h *Hub) prepareBacklogLocked(s *session, c *client, waited backlog) (ready backlog) {
	for _, e := range waited.messages {
		body := waitedBody(e)
		if body == nil {
			continue
		}
		for _, m := range h.prepareLocked(s, c, body) {
			if ready.add(rewritten(e, m)) != nil {
				return ready // what was added left no room
			}
		}
	}
	return ready
}
