package signal

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestASessionGoesWhollyOverLongPoll(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.connect = s.longPoll
		d, v := s.device(t, camera), s.viewer(t, nil)
		if d.welcome.PingS != 32 || v.welcome.PingS != 32 {
			t.Errorf("got ping_s %d and %d, want 32", d.welcome.PingS, v.welcome.PingS)
		}
		connect(v, d, 1)
		start := time.Now()
		for n := range 10 {
			v.post(protocol.TypeCandidate, sessionID(1), candidate(n))
			d.post(protocol.TypeCandidate, sessionID(1), candidate(n))
		}
		for n := range 10 {
			for _, p := range []*peer{v, d} {
				if got := body[*protocol.Candidate](t, p.await(protocol.TypeCandidate)); *got != *candidate(n) {
					t.Errorf("got %+v, want candidate %d", got, n)
				}
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the candidates took %s: a poll was not woken", took)
		}
		time.Sleep(5 * time.Minute) // many polls
		if s.hub.Counts() != (Counts{Devices: 1, Viewers: 1}) {
			t.Errorf("got %+v", s.hub.Counts())
		}
		v.send(protocol.Envelope{Type: protocol.TypeBye})
		s.until(t, "the viewer has left", func() bool { return s.hub.Counts().Viewers == 0 })
	})
}
