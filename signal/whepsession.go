package signal

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/internal/whep"
	"github.com/sightline-rtc/sightline/protocol"
)

// restartWait is how long an ICE restart may take. Players that send their requests one by one wait for it with the rest.
const restartWait = 5 * time.Second

// maxFragmentBytes is more than all candidates of a player need.
const maxFragmentBytes = 32 << 10

var noResource = protocol.Errorf(protocol.CodeNotFound, "there is no such session, or it is over")

// servePatch takes a fragment: more candidates of the player, or an ICE restart (RFC 9725 section 4.3).
func (h *Hub) servePatch(w http.ResponseWriter, r *http.Request) {
	if !wantType(w, r, whep.FragmentType, "Accept-Patch") {
		return
	}
	text, err := readBody(w, r, maxFragmentBytes)
	if err != nil {
		h.refuseWHEP(w, r, err)
		return
	}
	if !h.enter() {
		h.refuseWHEP(w, r, stoppingError)
		return
	}
	defer h.work.Done()
	p := h.resource(r)
	if p == nil {
		h.refuseWHEP(w, r, noResource)
		return
	}
	if !p.patches.Allow() {
		err := protocol.Errorf(protocol.CodeRateLimited, "too many changes of one session")
		err.RetryMS = 1000
		h.refuseWHEP(w, r, err)
		return
	}
	match := r.Header.Values("If-Match")
	if len(match) == 0 {
		writeProblem(w, http.StatusPreconditionRequired, protocol.Errorf(protocol.CodePreconditionRequired, "say which ICE session it is for: If-Match"))
		return
	}
	fragment, err := whep.ReadFragment(text)
	if err != nil {
		h.refuseWHEP(w, r, err)
		return
	}
	ice := p.current()
	switch {
	case !matches(match, ice.etag):
		writeProblem(w, http.StatusPreconditionFailed, protocol.Errorf(protocol.CodePreconditionFailed, "the session has another ICE session now"))
	case fragment.Ufrag != "" && fragment.Ufrag != ice.ufrag:
		h.restart(w, r, p, fragment)
	default:
		h.trickle(w, r, p, ice, fragment)
	}
}

// resource returns the one that a request names, nil if there is none: a later process knows the sessions of an earlier one,
// but not their ICE.
func (h *Hub) resource(r *http.Request) *resource {
	id, owner, ok := parseName(r.PathValue("session"))
	if !ok {
		return nil
	}
	h.whep.mu.Lock()
	p := h.whep.resources[id]
	h.whep.mu.Unlock()
	if p == nil || !sameKey(p.call.owner, owner) || p.call.viewer.Device != protocol.DeviceID(r.PathValue("device")) {
		return nil
	}
	return p
}

// matches is the precondition of If-Match (RFC 9110 section 13.1.1).
func matches(values []string, etag string) bool {
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag {
			return true
		}
	}
	return false
}

// trickle is answered as soon as the hub has the candidates: a player that sends one after the other must not wait.
func (h *Hub) trickle(w http.ResponseWriter, r *http.Request, p *resource, ice iceSession, f whep.Fragment) {
	if err := p.call.trickle(r.Context(), ice, f); err != nil {
		h.refuseWHEP(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// restart has the device answer with new credentials (RFC 9725 section 4.3.3). Where it does not, the session stays as it is.
func (h *Hub) restart(w http.ResponseWriter, r *http.Request, p *resource, f whep.Fragment) {
	if f.Password == "" {
		h.refuseWHEP(w, r, protocol.Errorf(protocol.CodeBadMessage, "an ICE restart has a new password too"))
		return
	}
	if !p.turn.TryLock() {
		err := protocol.Errorf(protocol.CodeRateLimited, "another ICE restart is on its way")
		err.RetryMS = 1000
		h.refuseWHEP(w, r, err)
		return
	}
	defer p.turn.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), restartWait)
	defer cancel()
	p.call.mu.Lock()
	before := p.call.offer
	p.call.mu.Unlock()
	answer, err := p.call.ask(ctx, before.Restart(f), candidateWait)
	if err != nil {
		p.call.takeBack(before)
		h.refuseWHEP(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", whep.FragmentType)
	header.Set("ETag", p.begin(p.call.iceSession()))
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, whep.FragmentOf(answer)) // a player that has gone is missed by the device
}

// takeBack keeps the ICE session that there was before an offer that was not answered.
func (c *call) takeBack(before whep.Offer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offer = before
}

// serveDelete ends a session, also one of an earlier process. What is in If-Match does not matter (RFC 9725 section 4.3.1).
func (h *Hub) serveDelete(w http.ResponseWriter, r *http.Request) {
	if !h.enter() {
		h.refuseWHEP(w, r, stoppingError)
		return
	}
	defer h.work.Done()
	id, owner, ok := parseName(r.PathValue("session"))
	ended := ok && h.finishOne(context.WithoutCancel(r.Context()), id, protocol.ReasonViewerLeft, func(s *session) bool {
		return s.owns(owner) && s.row.Device == protocol.DeviceID(r.PathValue("device")) && slices.Contains(resourceDoors, s.row.Door)
	})
	if !ended {
		h.refuseWHEP(w, r, noResource)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// resourceDoors are those whose sessions are resources.
var resourceDoors = []protocol.Transport{protocol.TransportWHEP, protocol.TransportREST}
