//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/chaosproxy"
)

// stormEnd is a device or a viewer: a link behind a bad network, and what it knows of its sessions. It is the link's
// handler.
type stormEnd struct {
	role   protocol.Role
	camera protocol.DeviceID
	link   *uplink.Link
	net    *chaosproxy.Proxy
	pairs  map[protocol.SessionID]*stormPair // does not change
	lives  atomic.Int64                      // links that the end has had
	// byWebSocket and byLongPoll count the doors that carried the link.
	byWebSocket, byLongPoll atomic.Int64

	// mu guards what follows. It is not held while the link sends.
	mu       sync.Mutex
	sessions map[protocol.SessionID]*stormHalf
	grant    protocol.GrantID
	lastID   uint64
}

// stormHalf is one end's knowledge of a session. Its end's mu guards it.
type stormHalf struct {
	id      protocol.SessionID
	owner   string // of a viewer
	request uint64 // the open that is not answered
	ready   bool   // the device has answered
	// repaired is the life of the end's link in which it has had all of the other end's state.
	repaired int64
	closed   protocol.Reason // the hub ended it, which it must not

	sent  int          // messages of this end; the n-th has number n
	heard map[int]bool // what it knows of the other end; true when that came as a message
	last  int          // the highest that came as a message

	lost, repeated, reordered int
}

// Welcomed implements uplink.Handler: a link that starts anew tells what it holds.
func (e *stormEnd) Welcomed(up uplink.Up) {
	e.welcomes(up.Transport).Add(1)
	e.mu.Lock()
	if up.Welcome.Resumed {
		e.mu.Unlock()
		return
	}
	e.lives.Add(1)
	e.grant = up.Welcome.Grant
	var messages []protocol.Envelope
	for _, h := range e.sessions {
		if h.request != 0 {
			messages = append(messages, e.askLocked(h))
		}
		messages = append(messages, h.sync(e.role, false))
	}
	if e.role == protocol.RoleDevice {
		messages = append(messages, protocol.Must(protocol.TypeSync, "", &protocol.Sync{Last: true}))
	}
	e.mu.Unlock()
	e.send(messages)
}

// welcomes counts those by a door.
func (e *stormEnd) welcomes(transport protocol.Transport) *atomic.Int64 {
	if transport == protocol.TransportLongPoll {
		return &e.byLongPoll
	}
	return &e.byWebSocket
}

// send hands messages to the link. One that is too slow ends by itself, and starts anew.
func (e *stormEnd) send(messages []protocol.Envelope) {
	for _, m := range messages {
		_ = e.link.Send(m) // Welcomed repairs
	}
}

// askLocked makes the open of a session, for the first time or again.
func (e *stormEnd) askLocked(h *stormHalf) protocol.Envelope {
	e.lastID++
	h.request = e.lastID
	open := protocol.Must(protocol.TypeOpen, h.id, &protocol.Open{
		Device: e.camera, Owner: h.owner, Grant: e.grant, Media: protocol.Media{Video: true},
		Offer: &protocol.Offer{Revision: 1, SDP: sdp},
	})
	open.ID = h.request
	return open
}

// Handle implements uplink.Handler.
func (e *stormEnd) Handle(_ context.Context, m protocol.Envelope, body protocol.Message) {
	e.mu.Lock()
	answers := e.handleLocked(m, body)
	e.mu.Unlock()
	e.send(answers)
}

func (e *stormEnd) handleLocked(m protocol.Envelope, body protocol.Message) []protocol.Envelope {
	if _, invited := body.(*protocol.Invite); invited {
		return e.invitedLocked(m)
	}
	h := e.sessions[m.Session]
	if h == nil {
		return nil
	}
	switch b := body.(type) {
	case *protocol.Opened:
		h.request, h.repaired = 0, e.lives.Load()
	case *protocol.Closed:
		h.closed = b.Reason
	case *protocol.Error:
		if m.Re == h.request {
			return []protocol.Envelope{e.askLocked(h)} // the device was away
		}
	case *protocol.Describe:
		h.ready = true
	case *protocol.Candidate:
		e.pairs[m.Session].came(e, h, numberOf(b))
	case *protocol.Sync:
		h.repaired = e.lives.Load()
		h.ready = h.ready || b.Description != nil
		for i := range b.Candidates {
			if n := numberOf(&b.Candidates[i]); !h.heard[n] {
				h.heard[n] = false
			}
		}
		if !b.Answer {
			return []protocol.Envelope{h.sync(e.role, true)}
		}
	}
	return nil
}

// invitedLocked lets a device answer.
func (e *stormEnd) invitedLocked(m protocol.Envelope) []protocol.Envelope {
	h := e.sessions[m.Session]
	if h == nil {
		h = newStormHalf(m.Session)
		e.sessions[m.Session] = h
	}
	h.ready, h.repaired = true, e.lives.Load()
	reply := protocol.Must(protocol.TypeReply, m.Session, &protocol.Reply{})
	reply.Re = m.ID
	return []protocol.Envelope{reply, protocol.Must(protocol.TypeDescribe, m.Session, describeAs(e.role))}
}

func newStormHalf(id protocol.SessionID) *stormHalf {
	return &stormHalf{id: id, heard: map[int]bool{}}
}

func describeAs(role protocol.Role) *protocol.Describe {
	kind := protocol.DescribeOffer
	if role == protocol.RoleDevice {
		kind = protocol.DescribeAnswer
	}
	return &protocol.Describe{Revision: 1, Kind: kind, SDP: sdp}
}

// sync tells all that the other end may lack: no more than stormWindow of its messages can be on their way.
func (h *stormHalf) sync(role protocol.Role, answer bool) protocol.Envelope {
	m := &protocol.Sync{Revision: 1, Owner: h.owner, ICEConnected: true, Answer: answer}
	if h.ready || role == protocol.RoleViewer {
		m.Description = describeAs(role)
	}
	for n := max(1, h.sent-protocol.MaxSyncCandidates+1); n <= h.sent; n++ {
		m.Candidates = append(m.Candidates, *stormCandidate(n))
	}
	return protocol.Must(protocol.TypeSync, h.id, m)
}

// stormCandidate is the n-th message of an end. Its address is a name, which no relay looks at.
func stormCandidate(n int) *protocol.Candidate {
	return &protocol.Candidate{
		Revision: 1, Mid: "0", Ufrag: "benc",
		Candidate: fmt.Sprintf("candidate:%d 1 udp 2122260223 bench.local 40000 typ host", n),
	}
}

func numberOf(c *protocol.Candidate) (n int) {
	_, _ = fmt.Sscanf(c.Candidate, "candidate:%d ", &n) // nobody else sends any
	return n
}

// reportMedia keeps the sessions from timing out.
func (e *stormEnd) reportMedia(ctx context.Context) {
	ticker := time.NewTicker(protocol.MediaReport / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		e.mu.Lock()
		var messages []protocol.Envelope
		for id := range e.sessions {
			messages = append(messages, protocol.Must(protocol.TypeStats, id, &protocol.Stats{Media: true}))
		}
		e.mu.Unlock()
		e.send(messages)
	}
}
