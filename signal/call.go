package signal

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/whep"
	"github.com/sightline-rtc/sightline/protocol"
)

// answerWait is how long a door waits for a device's answer: a suspect device may come back, and answer then.
const answerWait = protocol.SuspectWait + 5*time.Second

// call is one session of a guest whose player takes an answer once and nothing after it: candidates of the device are waited
// for and put into the answer.
type call struct {
	hub    *Hub
	guest  *guest
	viewer auth.Viewer
	id     protocol.SessionID
	owner  string
	leave  context.CancelFunc
	// over is closed when the session is, or its guest.
	over chan struct{}
	// news has room for one: something was heard.
	news chan struct{}

	// mu guards what follows.
	mu       sync.Mutex
	revision int
	offer    whep.Offer // of the revision
	told     []protocol.Candidate
	opened   *protocol.Opened
	answer   string // to the revision
	heard    []whep.Candidate
	ended    bool  // the device has no more candidates
	refused  error // of the revision
	failure  error // why the session is over
}

// callConfig is what a door knows of its player.
type callConfig struct {
	viewer  auth.Viewer
	address netip.Addr
	program protocol.Client
	door    protocol.Transport
	// grant is one that the player has credentials of already; empty means a fresh one.
	grant protocol.GrantID
}

// newCall lets a player in. The call lives until hang up, its session's end or the hub's; ctx is what it begins in.
func (h *Hub) newCall(ctx context.Context, config callConfig) (*call, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g, err := h.welcomeGuest(ctx, guestConfig{
		Viewer: config.viewer, Address: config.address, Program: config.program, Door: config.door, Grant: config.grant,
	})
	if err != nil {
		cancel()
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		cancel()
		return nil, err
	}
	c := &call{
		hub: h, guest: g, viewer: config.viewer, id: protocol.SessionID(id.String()), owner: newSecret(), leave: cancel,
		over: make(chan struct{}), news: make(chan struct{}, 1),
	}
	h.work.Go(func() { c.attend(ctx) })
	return c, nil
}

// attend hears what the hub says, to the end of the session.
func (c *call) attend(ctx context.Context) {
	defer c.leave()
	defer close(c.over)
	for {
		m, err := c.guest.next(ctx)
		if err != nil {
			c.fail(err)
			return
		}
		switch b := m.body.(type) {
		case *protocol.Goaway:
			c.guest.depart(stoppingError)
		case *protocol.Opened:
			c.hub.spareGrant(c.guest.client) // it opens no other
		case *protocol.Closed:
			c.fail(endedBy(b.Reason))
			return
		case *protocol.Error:
			if m.Session == c.id && m.Re != 0 {
				c.refuse(b)
			}
		case *protocol.Sync:
			if !b.Answer {
				c.repair(ctx)
			}
		}
		c.hear(m.body)
	}
}

// hear takes what concerns the answer.
func (c *call) hear(body protocol.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m := body.(type) {
	case *protocol.Opened:
		c.opened = m
	case *protocol.Describe:
		if m.Kind == protocol.DescribeAnswer && m.Revision == c.revision {
			c.answer = m.SDP
		}
	case *protocol.Candidate:
		c.collectLocked(*m)
	case *protocol.Sync:
		if m.Description != nil && m.Description.Kind == protocol.DescribeAnswer && m.Description.Revision == c.revision {
			c.answer = m.Description.SDP
		}
		for _, candidate := range m.Candidates {
			c.collectLocked(candidate)
		}
	default:
		return
	}
	c.tellLocked()
}

func (c *call) collectLocked(m protocol.Candidate) {
	switch {
	case m.Revision != c.revision:
	case m.Candidate == "":
		c.ended = true
	case len(c.heard) < protocol.MaxSyncCandidates:
		c.heard = append(c.heard, whep.Candidate{Line: m.Candidate, Mid: m.Mid, Index: m.MLine})
	}
}

func (c *call) tellLocked() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

func (c *call) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = err
	}
	c.tellLocked()
}

// refuse is told that the newest offer was refused: with the first one the session is over.
func (c *call) refuse(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused = err; c.revision == 1 && c.failure == nil {
		c.failure = err
	}
	c.tellLocked()
}

// repair says again what the device may have lost with its link.
func (c *call) repair(ctx context.Context) {
	c.mu.Lock()
	sync := &protocol.Sync{
		Revision: c.revision, Candidates: c.told, Owner: c.owner, Answer: true,
		Description: &protocol.Describe{Revision: c.revision, Kind: protocol.DescribeOffer, SDP: c.offer.Text},
	}
	c.mu.Unlock()
	if _, err := c.guest.say(ctx, protocol.TypeSync, c.id, sync); err != nil {
		c.hub.config.Logger.Warn("session not repaired", "session", c.id, "err", err)
	}
}

// ask makes an offer, the first or a later one, and returns the device's answer with the candidates that came with it, or
// within settle after it. It fails with why the session is refused or over, and with CodeTimeout.
func (c *call) ask(ctx context.Context, offer whep.Offer, settle time.Duration) (string, error) {
	c.mu.Lock()
	c.revision++
	c.offer, c.told, c.answer, c.heard, c.ended, c.refused = offer, nil, "", nil, false, nil
	first, revision := c.revision == 1, c.revision
	c.mu.Unlock()
	kind, body := protocol.TypeDescribe, protocol.Message(&protocol.Describe{Revision: revision, Kind: protocol.DescribeOffer, SDP: offer.Text})
	if first {
		kind, body = protocol.TypeOpen, &protocol.Open{
			Device: c.viewer.Device, Grant: c.guest.welcome.Grant, Owner: c.owner, Media: offer.Media,
			Offer: &protocol.Offer{Revision: revision, SDP: offer.Text},
		}
	}
	if _, err := c.guest.say(ctx, kind, c.id, body); err != nil {
		return "", err
	}
	return c.settled(ctx, settle)
}

// settled waits for the answer and, for a time, for the rest of its candidates.
func (c *call) settled(ctx context.Context, settle time.Duration) (string, error) {
	var rest <-chan time.Time
	for patient := true; ; {
		c.mu.Lock()
		answer, heard, failure := c.answer, c.heard, cmp.Or(c.failure, c.refused)
		ended := c.ended || whep.Ended(answer)
		c.mu.Unlock()
		switch {
		case failure != nil:
			return "", failure
		case answer != "" && (ended || !patient):
			return whep.Complete(answer, heard, ended), nil
		case answer != "" && rest == nil:
			timer := time.NewTimer(settle)
			defer timer.Stop()
			rest = timer.C
		}
		select {
		case <-c.news:
		case <-rest:
			patient = false
		case <-ctx.Done():
			if answer != "" {
				patient = false
				continue
			}
			return "", protocol.Errorf(protocol.CodeTimeout, "the camera has not answered in time").Because(ctx.Err())
		}
	}
}

// expires is when the session ends that has been opened.
func (c *call) expires() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened.Expires
}

// iceSession is that of the newest offer.
func (c *call) iceSession() iceSession {
	c.mu.Lock()
	defer c.mu.Unlock()
	return iceSession{ufrag: c.offer.Ufrag, revision: c.revision}
}

// trickle tells the device more of the player's candidates of an ICE session.
func (c *call) trickle(ctx context.Context, ice iceSession, f whep.Fragment) error {
	candidates := make([]protocol.Candidate, 0, len(f.Candidates)+1)
	for _, one := range f.Candidates {
		candidates = append(candidates, protocol.Candidate{
			Revision: ice.revision, Candidate: one.Line, Mid: one.Mid, MLine: one.Index, Ufrag: ice.ufrag,
		})
	}
	if f.Ended {
		candidates = append(candidates, protocol.Candidate{Revision: ice.revision, Ufrag: ice.ufrag})
	}
	c.mu.Lock()
	if room := protocol.MaxSyncCandidates - len(c.told); ice.revision == c.revision && room > 0 {
		c.told = append(c.told, candidates[:min(len(candidates), room)]...)
	}
	c.mu.Unlock()
	for i := range candidates {
		if _, err := c.guest.say(ctx, protocol.TypeCandidate, c.id, &candidates[i]); err != nil {
			return err
		}
	}
	return nil
}

// hangUp ends the session.
func (c *call) hangUp(ctx context.Context, reason protocol.Reason) {
	_, _ = c.guest.say(ctx, protocol.TypeClose, c.id, &protocol.Close{Reason: reason}) // else it ends with its guest
	c.leave()
	<-c.over
}

// endedBy is what a player is told of the end of a session, which it did not want.
func endedBy(reason protocol.Reason) *protocol.Error {
	code := protocol.CodeBusy
	switch reason {
	case protocol.ReasonCodec:
		code = protocol.CodeCodec
	case protocol.ReasonRevoked:
		code = protocol.CodeRevoked
	case protocol.ReasonQuota:
		code = protocol.CodeQuota
	case protocol.ReasonExpired:
		code = protocol.CodeExpired
	case protocol.ReasonDeviceLeft:
		code = protocol.CodeOffline
	case protocol.ReasonInternal, protocol.ReasonUnknown:
		code = protocol.CodeInternal
	}
	return protocol.Errorf(code, "the session was closed: %s", reason)
}
