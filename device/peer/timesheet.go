package peer

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// timesheet notes when a session got how far, and how long it took which kind of path.
type timesheet struct {
	invited                  time.Time
	offer, answer, ice, dtls time.Time
	direct, relay            time.Duration // of the earlier stays
	kind                     protocol.PathKind
	since                    time.Time // of the present one
}

// first notes a moment unless it has come before.
func first(moment *time.Time, now time.Time) {
	if moment.IsZero() {
		*moment = now
	}
}

// move notes which kind of path media takes from now on; empty means none.
func (s *timesheet) move(kind protocol.PathKind, now time.Time) {
	s.direct, s.relay = s.stays(now)
	s.kind, s.since = kind, now
}

// stays returns how long media took each kind of path until now.
func (s *timesheet) stays(now time.Time) (direct, relay time.Duration) {
	direct, relay = s.direct, s.relay
	switch s.kind {
	case protocol.PathDirect:
		direct += now.Sub(s.since)
	case protocol.PathRelay:
		relay += now.Sub(s.since)
	}
	return direct, relay
}

// milestones tells them from the invite, with the moment that the first keyframe had left.
func (s *timesheet) milestones(keyframe time.Time) *protocol.Milestones {
	since := func(moment time.Time) float64 {
		if moment.IsZero() {
			return 0
		}
		return milliseconds(moment.Sub(s.invited))
	}
	return &protocol.Milestones{
		OfferMS: since(s.offer), AnswerMS: since(s.answer), ICEMS: since(s.ice), DTLSMS: since(s.dtls),
		KeyframeMS: since(keyframe),
	}
}
