//go:build linux

package main

import (
	"fmt"
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
)

// half is what one end knows of a session: what it has told, and what it has heard from the other end. Its client guards
// it.
type half struct {
	id    protocol.SessionID
	role  protocol.Role
	owner string // of the viewer
	own   account
	heard account
}

// account is one end's part of a session.
type account struct {
	description string
	candidates  []string
}

// newHalf begins an end's part. Its description is unlike any other.
func newHalf(id protocol.SessionID, role protocol.Role, owner string) *half {
	return &half{id: id, role: role, owner: owner, own: account{description: fmt.Sprintf("v=0 %s of %s", role, id)}}
}

// candidate makes one more of the end's own.
func (h *half) candidate() protocol.Envelope {
	n := len(h.own.candidates)
	text := fmt.Sprintf("candidate:%d 1 udp 2122260223 192.0.2.%d 40000 typ host", n, n+1)
	h.own.candidates = append(h.own.candidates, text)
	return protocol.Must(protocol.TypeCandidate, h.id, &protocol.Candidate{Revision: 1, Candidate: text})
}

// describe is the end's own description.
func (h *half) describe() *protocol.Describe {
	kind := protocol.DescribeOffer
	if h.role == protocol.RoleDevice {
		kind = protocol.DescribeAnswer
	}
	return &protocol.Describe{Revision: 1, Kind: kind, SDP: h.own.description}
}

// sync tells the hub, or the other end, all of the end's own part.
func (h *half) sync(answer bool) protocol.Envelope {
	m := &protocol.Sync{Revision: 1, Description: h.describe(), ICEConnected: true, Owner: h.owner, Answer: answer}
	m.Last = h.role == protocol.RoleDevice && !answer
	for _, text := range h.own.candidates {
		m.Candidates = append(m.Candidates, protocol.Candidate{Revision: 1, Candidate: text})
	}
	return protocol.Must(protocol.TypeSync, h.id, m)
}

// hear takes in what the other end told, in whatever message.
func (h *half) hear(description string, candidates ...protocol.Candidate) {
	if description != "" {
		h.heard.description = description
	}
	for _, c := range candidates {
		if !slices.Contains(h.heard.candidates, c.Candidate) {
			h.heard.candidates = append(h.heard.candidates, c.Candidate)
		}
	}
}

// equal compares what one end has told with what the other has heard. The order does not matter.
func (a account) equal(b account) bool {
	return a.description == b.description && slices.Equal(slices.Sorted(slices.Values(a.candidates)), slices.Sorted(slices.Values(b.candidates)))
}
