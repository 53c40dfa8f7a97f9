package signal

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// saveTimeout bounds one write to the store, which goes on when the socket that caused it is gone.
const saveTimeout = 5 * time.Second

// session is one viewer looking at one device. Hub.mu guards it, but for the limits and saving.
type session struct {
	row            record.Session
	viewer, device *client // nil while that end has no link that has shown the session to be its own
	media          time.Time
	renew          time.Time     // of the relay credentials
	terms          record.Terms  // nothing is left open in them
	relayless      bool          // only the direct path is left, to the session's end
	rationed       bool          // which is for want of relay budget
	onRelay        time.Duration // how long it has been on the relay, as of clocked
	clocked        time.Time
	opened         bool // the viewer has been told that it exists
	unsaved        bool // the store does not have the row's account as it is, which it was last told at booked
	booked         time.Time

	// Until the device has answered.
	invited bool
	invite  uint64 // the request's id on the device's link
	offer   *protocol.Offer
	trickle bool
	behind  backlog

	fills  fills
	limits map[protocol.Role]*limits
	saving sync.Mutex
}

// limits bound what one end of a session may send. Over them its socket is not read.
type limits struct{ candidates, descriptions *rate.Limiter }

func newSession(row record.Session, now time.Time) *session {
	s := &session{
		row: row, media: now, renew: now, clocked: now, booked: now, trickle: true, limits: map[protocol.Role]*limits{},
	}
	for _, role := range []protocol.Role{protocol.RoleViewer, protocol.RoleDevice} {
		s.limits[role] = &limits{
			candidates:   rate.NewLimiter(protocol.CandidatesPerSecond, 2*protocol.CandidatesPerSecond),
			descriptions: rate.NewLimiter(protocol.DescriptionsPerSecond, 2*protocol.DescriptionsPerSecond),
		}
	}
	return s
}

func (s *session) answered() bool { return !s.row.Answered.IsZero() }

// peer returns the client at the other end of the session, nil if it has no link.
func (s *session) peer(role protocol.Role) *client {
	if role == protocol.RoleViewer {
		return s.device
	}
	return s.viewer
}

// addLocked makes a session known.
func (h *Hub) addLocked(s *session) {
	h.sessions[s.row.ID] = s
	h.opened[s.row.Project]++
	h.deviceLocked(s.row.Device).sessions[s.row.ID] = s
}

// removeLocked is the opposite of addLocked and of every attach.
func (h *Hub) removeLocked(s *session) {
	delete(h.sessions, s.row.ID)
	if h.opened[s.row.Project]--; h.opened[s.row.Project] == 0 {
		delete(h.opened, s.row.Project)
	}
	if d := h.devices[s.row.Device]; d != nil {
		delete(d.sessions, s.row.ID)
		h.forgetLocked(d)
	}
	for _, c := range []*client{s.viewer, s.device} {
		if c != nil {
			delete(c.sessions, s.row.ID)
		}
	}
	if s.device != nil {
		s.device.unshare(s.row.ID)
	}
	if viewer := s.viewer; viewer != nil && len(viewer.sessions) == 0 {
		viewer.setBusy(false)
	}
}

// attachLocked puts a client at its end of the session, in the place of an older link.
func (h *Hub) attachLocked(s *session, c *client) {
	end := &s.viewer
	if c.role == protocol.RoleDevice {
		end = &s.device
	}
	if *end == c {
		return
	}
	if *end != nil {
		delete((*end).sessions, s.row.ID)
	}
	*end = c
	c.sessions[s.row.ID] = s
	if c.role == protocol.RoleViewer {
		c.setBusy(true)
	} else {
		c.share(s.row.ID)
	}
}

// detachLocked takes a client that is gone off its sessions, which stay.
func (h *Hub) detachLocked(c *client) {
	for _, s := range c.sessions {
		if c.role == protocol.RoleDevice {
			s.device = nil
		} else {
			s.viewer = nil
		}
	}
	clear(c.sessions)
}

// persist writes the session's row as it is now. Writes of one session follow each other, so the newest stays.
func (h *Hub) persist(ctx context.Context, s *session) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	h.mu.Lock()
	row := s.rowLocked(time.Now())
	h.mu.Unlock()
	err := within(ctx, func(ctx context.Context) error { return h.config.Sessions.Save(ctx, row) })
	if err != nil {
		h.bookAgain([]record.Session{row})
	}
	return err
}

// keep is persist for changes that the peers need not wait for: if it fails, the session goes on and a restarted hub
// knows an older state of it.
func (h *Hub) keep(ctx context.Context, s *session) {
	if err := h.persist(ctx, s); err != nil {
		h.config.Logger.Error("session not saved", "session", s.row.ID, "err", err)
	}
}

// endLocked ends a session: each end that knows of it hears why. The caller then lets go of it with release.
func (h *Hub) endLocked(s *session, reason protocol.Reason, now time.Time) {
	s.row.Ended, s.row.Reason = now.UTC(), reason
	h.enterLocked(s, func(b book) { b.finish(now) })
	h.figures.ended.WithLabelValues(labelsOf(s.row.Account.Means)...).Inc()
	s.offer = nil
	s.behind.take()
	if s.viewer != nil && s.opened {
		s.viewer.send(s.closed())
	}
	if s.device != nil && s.invited {
		s.device.send(s.closed())
	}
	h.removeLocked(s)
	h.expectLateLocked(s)
}

// closed tells an end why the session has ended.
func (s *session) closed() protocol.Envelope {
	return protocol.Must(protocol.TypeClosed, s.row.ID, &protocol.Closed{Reason: s.row.Reason})
}

// release frees what an ended session had outside the hub and keeps how it ended.
func (h *Hub) release(ctx context.Context, s *session) {
	h.endGrants(s)
	h.conclude(ctx, s)
}

// conclude keeps how a session ended.
func (h *Hub) conclude(ctx context.Context, s *session) {
	h.keepEnd(ctx, s)
	h.config.Logger.Info("session ended", "session", s.row.ID, "device", s.row.Device, "reason", s.row.Reason)
}

func (h *Hub) endGrants(s *session) {
	for _, grant := range []protocol.GrantID{s.row.ViewerGrant, s.row.DeviceGrant} {
		if grant != "" {
			h.config.Relay.End(grant)
		}
	}
}

// finishAll ends those of some sessions, all of the hub's, a device's or a client's, that are wanted.
func (h *Hub) finishAll(
	ctx context.Context, reason protocol.Reason, sessions map[protocol.SessionID]*session, wanted func(*session) bool,
) {
	now := time.Now()
	var ended []*session
	h.mu.Lock()
	for _, s := range sessions {
		if wanted(s) {
			h.endLocked(s, reason, now)
			ended = append(ended, s)
		}
	}
	h.mu.Unlock()
	for _, s := range ended {
		h.release(ctx, s)
	}
}

// finishOne ends the session if there is one that is wanted.
func (h *Hub) finishOne(ctx context.Context, id protocol.SessionID, reason protocol.Reason, wanted func(*session) bool) bool {
	h.mu.Lock()
	s := h.sessions[id]
	if s == nil || !wanted(s) {
		h.mu.Unlock()
		return false
	}
	h.endLocked(s, reason, time.Now())
	h.mu.Unlock()
	h.release(ctx, s)
	return true
}

// Close ends a session. It returns when both ends have been told, the relay has closed and the store knows. It fails
// with CodeNotFound for a session that is not open here.
func (h *Hub) Close(ctx context.Context, id protocol.SessionID, reason protocol.Reason) error {
	if !h.finishOne(ctx, id, reason, func(*session) bool { return true }) {
		return protocol.Errorf(protocol.CodeNotFound, "no such session is open")
	}
	return nil
}
