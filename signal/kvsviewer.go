package signal

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/internal/kvs"
	"github.com/sightline-rtc/sightline/protocol"
)

// kvsViewer speaks for a viewer of the KVS format. It has one session at a time: an offer of the same peer connection goes to
// that, one of another peer connection opens a new one in its place.
type kvsViewer struct {
	guest  *guest
	device protocol.DeviceID
	// fetch is where the relay grant waits that the viewer has fetched its ICE servers with.
	fetch string

	// mu guards what follows.
	mu       sync.Mutex
	session  protocol.SessionID // empty while there is none
	owner    string
	revision int
	offer    string // of the revision, and the candidates that came after it
	told     []protocol.Candidate
	origin   string // of the peer connection
	opening  string // the correlation ID of the session's first offer
	answered int    // the newest revision whose answer has passed
}

// stays reports whether the session goes on without the socket: some viewers close that as soon as the media flows.
func (v *kvsViewer) stays() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.session != "" && v.answered > 0
}

// take implements kvsSpeaker.
func (v *kvsViewer) take(ctx context.Context, r kvs.Request) error {
	switch r.Action {
	case kvs.TypeOffer:
		d, err := r.Description()
		if err != nil {
			return err
		}
		return v.ask(ctx, d.SDP, r.Correlation)
	case kvs.TypeCandidate:
		c, err := r.Candidate()
		if err != nil {
			return err
		}
		return v.trickle(ctx, c)
	}
	return protocol.Errorf(protocol.CodeForbidden, "a viewer offers, and the camera answers")
}

// ask makes an offer.
func (v *kvsViewer) ask(ctx context.Context, sdp, correlation string) error {
	origin := kvs.OriginOf(sdp)
	v.mu.Lock()
	before, again := v.session, v.session != "" && origin != "" && origin == v.origin
	v.offer, v.told = sdp, nil
	if again {
		v.revision++
		d := &protocol.Describe{Revision: v.revision, Kind: protocol.DescribeOffer, SDP: sdp}
		v.mu.Unlock()
		_, err := v.guest.say(ctx, protocol.TypeDescribe, before, d)
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		v.mu.Unlock()
		return err
	}
	v.session, v.owner, v.origin, v.opening = protocol.SessionID(id.String()), newSecret(), origin, correlation
	v.revision, v.answered = 1, 0
	open := &protocol.Open{
		Device: v.device, Owner: v.owner, Media: kvs.MediaOf(sdp), Offer: &protocol.Offer{Revision: 1, SDP: sdp},
	}
	session := v.session
	v.mu.Unlock()
	open.Grant = v.guest.hub.collect(v.guest.client, v.fetch)
	if before != "" {
		if _, err := v.guest.say(ctx, protocol.TypeClose, before, &protocol.Close{Reason: protocol.ReasonViewerLeft}); err != nil {
			return err
		}
	}
	_, err = v.guest.say(ctx, protocol.TypeOpen, session, open)
	return err
}

// trickle tells the camera a candidate. One of an offer that was refused is dropped: its viewer knows.
func (v *kvsViewer) trickle(ctx context.Context, c protocol.Candidate) error {
	v.mu.Lock()
	session := v.session
	c.Revision = v.revision
	if session != "" && len(v.told) < protocol.MaxSyncCandidates {
		v.told = append(v.told, c)
	}
	v.mu.Unlock()
	switch {
	case c.Revision == 0:
		return protocol.Errorf(protocol.CodeNotFound, "there is no session: candidates follow an offer")
	case session == "":
		return nil
	}
	_, err := v.guest.say(ctx, protocol.TypeCandidate, session, &c)
	return err
}

// hear implements kvsSpeaker.
func (v *kvsViewer) hear(m *said) (events []kvs.Event, again *protocol.Sync) {
	if _, goes := m.body.(*protocol.Goaway); goes {
		return []kvs.Event{{Type: kvs.TypeGoAway}}, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if why, ok := m.body.(*protocol.Error); ok && m.Session == "" {
		return []kvs.Event{kvs.StatusOf(why, "")}, nil
	}
	if m.Session == "" || m.Session != v.session {
		return nil, nil // of the link, or of a session before
	}
	switch b := m.body.(type) {
	case *protocol.Describe:
		return v.answerLocked(b), nil
	case *protocol.Candidate:
		return v.candidatesLocked(*b), nil
	case *protocol.Sync:
		if !b.Answer {
			again = v.stateLocked()
		}
		if b.Description != nil {
			events = v.answerLocked(b.Description)
		}
		return append(events, v.candidatesLocked(b.Candidates...)...), again
	case *protocol.Error:
		if m.Re == 0 || v.revision > 1 {
			return []kvs.Event{kvs.StatusOf(b, "")}, nil
		}
		v.session = ""
		return []kvs.Event{kvs.StatusOf(b, v.opening)}, nil
	case *protocol.Closed:
		v.session = ""
		return []kvs.Event{kvs.StatusOf(endedBy(b.Reason), v.opening)}, nil
	}
	return nil, nil
}

// answerLocked passes the answer to the newest offer on, once: a second one is an error in a browser.
func (v *kvsViewer) answerLocked(d *protocol.Describe) []kvs.Event {
	if d.Kind != protocol.DescribeAnswer || d.Revision != v.revision || d.Revision == v.answered {
		return nil
	}
	v.answered = d.Revision
	return []kvs.Event{{Type: kvs.TypeAnswer, Payload: kvs.Answer(d.SDP)}}
}

// candidatesLocked passes candidates on. Of the end of candidates KVS' programs know nothing.
func (v *kvsViewer) candidatesLocked(list ...protocol.Candidate) []kvs.Event {
	var events []kvs.Event
	for _, c := range list {
		if c.Candidate != "" && c.Revision == v.revision {
			events = append(events, kvs.Event{Type: kvs.TypeCandidate, Payload: kvs.CandidateOf(c)})
		}
	}
	return events
}

// stateLocked is what the camera may have lost with its link.
func (v *kvsViewer) stateLocked() *protocol.Sync {
	return &protocol.Sync{
		Revision: v.revision, Owner: v.owner, Answer: true, Candidates: slices.Clone(v.told),
		Description: &protocol.Describe{Revision: v.revision, Kind: protocol.DescribeOffer, SDP: v.offer},
	}
}
