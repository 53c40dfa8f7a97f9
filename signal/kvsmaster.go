package signal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/kvs"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// masterSessions is how many viewers a camera of the KVS format serves: as many as KVS lets a channel have.
	masterSessions = 10
	// masterBytes is the longest message that the SDK for C takes (MAX_SIGNALING_MESSAGE_LEN).
	masterBytes = 10 << 10
	// relayLife is how long the credentials of an ICE server are good, as clients are told.
	relayLife = 5 * time.Minute
)

// welcomeMaster lets a camera in that speaks the KVS format. It is a device like any other, in the place of an older link; its
// sessions that were answered are its own again, because it cannot say which ones it has.
func (h *Hub) welcomeMaster(ctx context.Context, config guestConfig, token string, device protocol.DeviceID) (*guest, error) {
	if err := h.mayQueue(); err != nil {
		h.admission.count(RefusedMemory)
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, h.config.HelloTimeout)
	defer cancel()
	row, err := h.bearerOf(limited, token, device)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := h.mayJoin(row.Project, now); err != nil {
		return nil, err
	}
	config.Program.Model = row.Model
	config.Stays = func() bool { return true } // it is lost, and may come back
	g := h.newGuest(protocol.RoleDevice, config, now)
	g.client.maxSessions, g.client.issued = masterSessions, now.Unix()
	if err := h.enterDevice(limited, g.client, row, protocol.ResumeNew); err != nil {
		return nil, err
	}
	if err := g.begin(ctx, limited); err != nil {
		return nil, err
	}
	if _, err := h.bearerOf(limited, token, device); err != nil { // it was replaced before RenewDevice could see this link
		g.depart(protocol.AsError(err))
		return nil, err
	}
	h.reclaim(ctx, g.client)
	return g, nil
}

// bearerOf returns the device whose bearer token this is.
func (h *Hub) bearerOf(ctx context.Context, token string, device protocol.DeviceID) (record.Device, error) {
	id, err := auth.ParseBearer(token)
	if err != nil {
		return record.Device{}, err
	}
	if id != device {
		return record.Device{}, protocol.Errorf(protocol.CodeForbidden, "the token is another device's")
	}
	row, err := h.config.Directory.Device(ctx, id)
	switch {
	case errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}):
		return record.Device{}, protocol.Errorf(protocol.CodeBadToken, "there is no device %s", id).Because(err)
	case err != nil:
		return record.Device{}, fmt.Errorf("read device %s: %w", id, err)
	}
	if err := auth.VerifyBearer(token, row.PublicKey); err != nil {
		return record.Device{}, err
	}
	if !row.Revoked.IsZero() {
		return record.Device{}, removedError
	}
	return row, nil
}

// reclaim gives a device its answered sessions back, and invites it again to those that it has not answered.
func (h *Hub) reclaim(ctx context.Context, c *client) {
	h.mu.Lock()
	if d := h.devices[c.device]; d != nil && d.link == c {
		for _, s := range d.sessions {
			if s.device == nil && s.answered() {
				s.invited = true
				h.attachLocked(s, c)
			}
		}
	}
	h.mu.Unlock()
	h.synced(ctx, c)
}

// kvsMaster speaks for a camera of the KVS format. To it a viewer's client ID is the session's: it names one peer connection,
// and two viewers never have the same.
type kvsMaster struct {
	guest *guest

	// mu guards what follows.
	mu    sync.Mutex
	calls map[protocol.SessionID]*kvsCall
}

// kvsCall is a session in which the camera was offered something on this socket.
type kvsCall struct {
	revision int // of the newest offer
	answer   string
	// told are the camera's candidates. Until it has answered they wait: not every viewer takes them before that.
	told []protocol.Candidate
}

// take implements kvsSpeaker.
func (m *kvsMaster) take(ctx context.Context, r kvs.Request) error {
	if r.Action == kvs.TypeOffer {
		return protocol.Errorf(protocol.CodeForbidden, "a viewer offers, and the camera answers")
	}
	session := protocol.SessionID(r.Recipient)
	if r.Action == kvs.TypeAnswer {
		d, err := r.Description()
		if err != nil {
			return err
		}
		return m.answer(ctx, session, d.SDP)
	}
	c, err := r.Candidate()
	if err != nil {
		return err
	}
	return m.trickle(ctx, session, c)
}

// answer answers the newest offer of a viewer, and tells the candidates that waited for it.
func (m *kvsMaster) answer(ctx context.Context, session protocol.SessionID, sdp string) error {
	m.mu.Lock()
	call := m.calls[session]
	if call == nil {
		m.mu.Unlock()
		return noViewerError
	}
	call.answer = sdp
	d := &protocol.Describe{Revision: call.revision, Kind: protocol.DescribeAnswer, SDP: sdp}
	waited := call.told
	m.mu.Unlock()
	if _, err := m.guest.say(ctx, protocol.TypeDescribe, session, d); err != nil {
		return err
	}
	for i := range waited {
		if _, err := m.guest.say(ctx, protocol.TypeCandidate, session, &waited[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *kvsMaster) trickle(ctx context.Context, session protocol.SessionID, c protocol.Candidate) error {
	m.mu.Lock()
	call := m.calls[session]
	if call == nil {
		m.mu.Unlock()
		return noViewerError
	}
	c.Revision = call.revision
	if len(call.told) < protocol.MaxSyncCandidates {
		call.told = append(call.told, c)
	}
	waits := call.answer == ""
	m.mu.Unlock()
	if waits {
		return nil
	}
	_, err := m.guest.say(ctx, protocol.TypeCandidate, session, &c)
	return err
}

var noViewerError = protocol.Errorf(protocol.CodeNotFound, "no viewer of that client ID has made an offer")

// hear implements kvsSpeaker.
func (m *kvsMaster) hear(s *said) (events []kvs.Event, again *protocol.Sync) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch b := s.body.(type) {
	case *protocol.Goaway:
		return []kvs.Event{{Type: kvs.TypeGoAway}}, nil
	case *protocol.Error:
		return []kvs.Event{kvs.StatusOf(b, "")}, nil
	case *protocol.Invite:
		if b.Offer != nil { // else it follows
			events = m.offerLocked(s.Session, b.Offer.Revision, b.Offer.SDP, b.ICEServers)
		}
	case *protocol.Describe:
		events = m.offerLocked(s.Session, b.Revision, b.SDP, nil)
	case *protocol.Candidate:
		events = candidatesTo(s.Session, *b)
	case *protocol.Sync:
		return m.syncLocked(s.Session, b)
	case *protocol.Closed:
		delete(m.calls, s.Session)
	}
	return events, nil
}

// offerLocked passes a viewer's offer on.
func (m *kvsMaster) offerLocked(session protocol.SessionID, revision int, sdp string, servers []protocol.ICEServer) []kvs.Event {
	m.calls[session] = &kvsCall{revision: revision}
	event := kvs.Event{Type: kvs.TypeOffer, Sender: string(session), Payload: kvs.Offer(sdp)}
	if len(servers) == 0 {
		return []kvs.Event{event}
	}
	with := event
	with.Servers = kvs.ServersOf(servers, relayLife)
	if message, err := with.Encode(); err == nil && len(message) <= masterBytes {
		return []kvs.Event{with}
	}
	return []kvs.Event{event} // without servers rather than too long
}

// syncLocked takes what a viewer says again: an offer that the camera has not had, and all candidates. What the viewer may
// have lost it is told again.
func (m *kvsMaster) syncLocked(session protocol.SessionID, b *protocol.Sync) (events []kvs.Event, again *protocol.Sync) {
	call := m.calls[session]
	if d := b.Description; d != nil && d.Kind == protocol.DescribeOffer && (call == nil || call.revision < d.Revision) {
		events = m.offerLocked(session, d.Revision, d.SDP, nil)
	}
	if call = m.calls[session]; call != nil && call.answer != "" && !b.Answer {
		again = &protocol.Sync{
			Revision: call.revision, Answer: true, Candidates: slices.Clone(call.told),
			Description: &protocol.Describe{Revision: call.revision, Kind: protocol.DescribeAnswer, SDP: call.answer},
		}
	}
	return append(events, candidatesTo(session, b.Candidates...)...), again
}

func candidatesTo(session protocol.SessionID, list ...protocol.Candidate) []kvs.Event {
	var events []kvs.Event
	for _, c := range list {
		if c.Candidate != "" { // of their end KVS' programs know nothing
			events = append(events, kvs.Event{Type: kvs.TypeCandidate, Sender: string(session), Payload: kvs.CandidateOf(c)})
		}
	}
	return events
}
