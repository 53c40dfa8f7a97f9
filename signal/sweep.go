package signal

import (
	"context"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// sweep ends what has outlived its time and renews what is about to.
func (h *Hub) sweep(ctx context.Context, now time.Time) {
	h.finishAll(ctx, protocol.ReasonExpired, h.sessions, func(s *session) bool { return !now.Before(s.row.Expires) })
	h.sweepGrants(ctx, now)
	h.finishAll(ctx, protocol.ReasonTimeout, h.sessions, func(s *session) bool { return h.silentLocked(s, now) })
	h.sweepPaths(ctx, now)
	h.saveBooks(ctx, now, bookInterval)
	h.sweepLate(now)
	h.sweepRelayTime(ctx, now)
	h.sweepParked(ctx, now)
	h.sweepBacklogs()
	h.relieveVolatile()
	h.sweepProspects(now)
	h.sweepFetched(now)
	h.sweepDevices(now)
	h.album.sweep(now)
	h.renewSessions(now)
	h.renewLinks(now)
}

// silentLocked reports whether nothing has told for too long that a session's media flows.
func (h *Hub) silentLocked(s *session, now time.Time) bool {
	if now.Sub(s.media) >= h.config.MediaTimeout/2 && h.vouchedLocked(s) {
		s.media = now
	}
	return now.Sub(s.media) >= h.config.MediaTimeout
}

// vouchedLocked reports whether the link of a session's device stands for its media, which neither end has words for: it was
// answered, and the device is there. The lease ends it then.
func (h *Hub) vouchedLocked(s *session) bool {
	d := h.devices[s.row.Device]
	return s.answered() && s.row.Door.Standard() && d != nil && d.link != nil && d.link.mute
}

// sweepDevices ends the wait for devices that did not come back.
func (h *Hub) sweepDevices(now time.Time) {
	type refusal struct {
		w        *waiting
		lastSeen time.Time
	}
	var refused []refusal
	h.mu.Lock()
	for _, d := range h.devices {
		kept := d.waiting[:0]
		for _, w := range d.waiting {
			if d.connected() || now.Before(w.deadline) { // one whose device is back is about to be let in
				kept = append(kept, w)
			} else {
				refused = append(refused, refusal{w, d.since})
			}
		}
		d.waiting = kept
		if d.status == protocol.StatusSuspect && now.Sub(d.since) >= h.config.SuspectWindow {
			lost := d.since
			h.setStatusLocked(d, protocol.StatusOffline, now)
			d.since = lost // last seen, not last given up
		}
		h.forgetLocked(d)
	}
	h.mu.Unlock()
	for _, r := range refused {
		r.w.viewer.refuse(r.w.request, offlineError(r.lastSeen))
	}
}

// renewSessions sends both ends of sessions fresh relay credentials before the old ones expire.
func (h *Hub) renewSessions(now time.Time) {
	var due []*session
	h.mu.Lock()
	for _, s := range h.sessions {
		if !now.Before(s.renew) {
			s.renew = now.Add(h.config.CredentialRefresh)
			due = append(due, s)
		}
	}
	h.mu.Unlock()
	for _, s := range due {
		h.mu.Lock()
		ends := []*client{s.viewer, s.device}
		h.mu.Unlock()
		for _, c := range ends {
			if c == nil {
				continue
			}
			if err := h.renew(s, c); err != nil {
				h.config.Logger.Warn("relay credentials not renewed", "session", s.row.ID, "err", err)
			}
		}
	}
}

// renewLinks does the same for viewers that have not opened a session with their grant yet.
func (h *Hub) renewLinks(now time.Time) {
	type unused struct {
		project protocol.ProjectID
		grant   protocol.GrantID
	}
	due := map[*client]unused{}
	h.mu.Lock()
	for _, c := range h.clients {
		if c.grant != "" && !now.Before(c.renew) {
			c.renew = now.Add(h.config.CredentialRefresh)
			due[c] = unused{h.payer(c), c.grant}
		}
	}
	h.mu.Unlock()
	for c, of := range due {
		h.renewLink(c, of.project, of.grant)
	}
}
