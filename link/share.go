package link

import "github.com/sightline-rtc/sightline/protocol"

// What one session may have unacknowledged on a link that carries many, and what the link has room for on top of its own
// for each of them: as many messages as may wait behind an invite, the invite, and a few of the hub's own words; each of
// 2 KiB on average.
const (
	shareMessages = protocol.MaxPendingPerSession + 4
	shareBytes    = shareMessages << 11
)

// share is what a session has unacknowledged.
type share struct {
	messages, bytes int
	open            bool
}

// Share gives a session its share of the link. Room for it is made at once, and goes when the session has been closed and
// the other end has acknowledged what there was of it.
func (l *Link) Share(id protocol.SessionID) {
	o := &l.out
	s := o.shares[id]
	if s == nil {
		s = &share{}
		if o.shares == nil {
			o.shares = map[protocol.SessionID]*share{}
		}
		o.shares[id] = s
		o.maxMessages += shareMessages
		o.maxBytes += shareBytes
	}
	s.open = true
}

// Unshare says that a session is closed.
func (l *Link) Unshare(id protocol.SessionID) {
	if s := l.out.shares[id]; s != nil {
		s.open = false
		l.out.settle(id, s)
	}
}

// SendShared is Send for what somebody else wrote in a session. It fails with CodeQuota, and the link goes on, when the
// session has a share and this is over it.
func (l *Link) SendShared(e protocol.Envelope) error {
	s := l.out.shares[e.Session]
	if s != nil && (s.messages >= shareMessages || s.bytes > 0 && s.bytes+weight(&e) > shareBytes) {
		return protocol.Errorf(protocol.CodeQuota, "%d messages of %d bytes of one session are unacknowledged", s.messages, s.bytes)
	}
	return l.Send(e)
}

// tally counts a message in its session's share, or one that was acknowledged out of it.
func (o *outbox) tally(e *protocol.Envelope, messages int) {
	s := o.shares[e.Session]
	if s == nil {
		return
	}
	s.messages += messages
	s.bytes += messages * weight(e)
	o.settle(e.Session, s)
}

// settle takes the room of a share back when nothing needs it.
func (o *outbox) settle(id protocol.SessionID, s *share) {
	if s.open || s.messages > 0 {
		return
	}
	delete(o.shares, id)
	o.maxMessages -= shareMessages
	o.maxBytes -= shareBytes
}
