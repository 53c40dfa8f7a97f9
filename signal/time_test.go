package signal

import (
	"bytes"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestASilentPeerIsClosedAndItsDeviceIsSuspectThenOffline(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		d.stall()
		start := time.Now()
		if got := d.closed(); got != protocol.CloseSilent {
			t.Errorf("closed with %s, want %s", got, protocol.CloseSilent)
		}
		if got, want := time.Since(start), protocol.PingInterval+protocol.PingGrace; got != want {
			t.Errorf("closed after %s, want %s", got, want)
		}
		for _, want := range []struct {
			status protocol.Status
			after  time.Duration
		}{
			{protocol.StatusSuspect, 0},
			{protocol.StatusOffline, protocol.SuspectWindow},
		} {
			lost := time.Now()
			got := body[*protocol.Presence](t, v.await(protocol.TypePresence))
			if wait := time.Since(lost); got.Status != want.status || got.Generation != 1 || wait < want.after || wait > want.after+sweepInterval {
				t.Errorf("got %+v after %s, want %s after %s", got, wait, want.status, want.after)
			}
		}
	})
}

func TestAViewerInASessionIsMissedSooner(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		v.stall()
		start := time.Now()
		v.closed()
		if got, want := time.Since(start), protocol.PingIntervalBusy+protocol.PingGrace; got > want {
			t.Errorf("closed after %s, want %s at most", got, want)
		}
		if s.hub.Counts().Sessions != 1 {
			t.Error("the session ended with the link")
		}
	})
}

// suspect loses the camera's link.
func (s *stage) suspect(t *testing.T, d *peer) {
	t.Helper()
	d.hangUp()
	s.until(t, "the device is suspect", func() bool { return s.hub.Presence(camera).Status == protocol.StatusSuspect })
}

func TestAnOpenWaitsForASuspectDevice(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		s.suspect(t, d)
		v.open(1)
		for n := range 3 {
			v.post(protocol.TypeCandidate, sessionID(1), candidate(n))
		}
		if got := body[*protocol.Error](t, v.answerTo(v.open(1))); got.Code != protocol.CodeConflict {
			t.Errorf("the same open again: got %v, want conflict", got)
		}
		v.post(protocol.TypeSync, sessionID(1), &protocol.Sync{Owner: owner})
		if got := v.settled(); len(got) != 0 {
			t.Errorf("got %v before the device is back", got)
		}
		d = s.device(t, camera)
		d.post(protocol.TypeSync, "", &protocol.Sync{Last: true})
		v.await(protocol.TypeOpened)
		d.await(protocol.TypeInvite)
		for n := range 3 {
			if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(n) {
				t.Errorf("got %+v, want candidate %d", got, n)
			}
		}
		if got := d.settled(); len(got) != 0 {
			t.Errorf("the device got %v too", got)
		}
	})
}

func TestAnOpenDoesNotWaitForEver(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		s.suspect(t, d)
		lost := time.Now()
		refusal := body[*protocol.Error](t, v.answerTo(v.open(1)))
		if refusal.Code != protocol.CodeOffline || refusal.LastSeen.IsZero() || refusal.LastSeen.After(lost) {
			t.Errorf("got %+v", refusal)
		}
		if wait := time.Since(lost); wait < protocol.SuspectWait || wait > protocol.SuspectWait+sweepInterval {
			t.Errorf("it waited for %s, want %s", wait, protocol.SuspectWait)
		}
	})
}

func TestACancelledOpenIsNotServed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, closing, leaving := s.device(t, camera), s.viewer(t, nil), s.viewer(t, nil)
		s.suspect(t, d)
		closing.open(1)
		leaving.open(2)
		closing.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
		closing.settled()
		leaving.settled()
		leaving.send(protocol.Envelope{Type: protocol.TypeBye})
		s.until(t, "the viewer has left", func() bool { return s.hub.Counts().Viewers == 1 })
		d = s.device(t, camera)
		if got := d.settled(); len(got) != 0 || s.hub.Counts().Sessions != 0 {
			t.Errorf("the device got %v", got)
		}
	})
}

func TestALeaseEndsUnlessItIsExtendedAndNeverOutlivesTheToken(t *testing.T) {
	life := func(d time.Duration) func(*auth.Viewer) {
		return func(v *auth.Viewer) { v.Expires = time.Now().Add(d) }
	}
	inBubble(t, func(c *Config) { c.MediaTimeout = 24 * time.Hour }, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		long, short := s.viewer(t, life(3*time.Hour)), s.viewer(t, life(10*time.Minute))
		start := time.Now()
		connect(long, d, 1)
		connect(short, d, 2)
		if got := s.row(sessionID(1)).Expires.Sub(start); got > protocol.SessionLease {
			t.Errorf("the lease is %s, want %s", got, protocol.SessionLease)
		}
		if got := s.row(sessionID(2)).Expires.Sub(start); got > 10*time.Minute {
			t.Errorf("the lease is %s, the token's life 10m", got)
		}
		if got := body[*protocol.Closed](t, short.await(protocol.TypeClosed)); got.Reason != protocol.ReasonExpired {
			t.Errorf("got %s, want expired", got.Reason)
		}
		if got := time.Since(start); got < 9*time.Minute || got > 10*time.Minute+sweepInterval {
			t.Errorf("it expired after %s", got)
		}
		if got := body[*protocol.Error](t, short.answerTo(short.open(3))); got.Code != protocol.CodeExpired {
			t.Errorf("an open with an expired token: got %v", got)
		}
		for _, test := range []struct {
			change func(*auth.Viewer)
			want   protocol.Code
		}{
			{func(v *auth.Viewer) { v.Subject = "bob" }, protocol.CodeForbidden},
			{func(v *auth.Viewer) { v.Device = other }, protocol.CodeForbidden},
			{func(v *auth.Viewer) { v.Rights = []protocol.Right{protocol.RightTalk} }, protocol.CodeForbidden},
		} {
			id := long.ask(protocol.TypeExtend, sessionID(1), &protocol.Extend{Token: s.token(t, test.change)})
			if got := body[*protocol.Error](t, long.answerTo(id)); got.Code != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		}
		id := long.ask(protocol.TypeExtend, sessionID(1), &protocol.Extend{Token: s.token(t, life(30*time.Minute))})
		reply := body[*protocol.Reply](t, long.answerTo(id))
		if got := time.Until(reply.Expires); got > 30*time.Minute || got < 29*time.Minute {
			t.Errorf("the lease is %s, want the new token's 30m", got)
		}
		if got := body[*protocol.Policy](t, d.await(protocol.TypePolicy)); !got.Expires.Equal(reply.Expires) {
			t.Errorf("the device is told %s, want %s", got.Expires, reply.Expires)
		}
		if got := body[*protocol.Closed](t, long.await(protocol.TypeClosed)); got.Reason != protocol.ReasonExpired || time.Now().Before(reply.Expires) {
			t.Errorf("it ended at %s as %s", time.Now(), got.Reason)
		}
	})
}

func TestASessionWithoutMediaEnds(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		for range 10 {
			time.Sleep(protocol.MediaTimeout - 2*sweepInterval)
			d.post(protocol.TypeStats, sessionID(1), &protocol.Stats{Media: true})
			d.settled()
			v.post(protocol.TypeStats, sessionID(1), &protocol.Stats{FPS: 30}) // says nothing of media
			v.settled()
		}
		start := time.Now()
		if got := body[*protocol.Closed](t, v.await(protocol.TypeClosed)); got.Reason != protocol.ReasonTimeout {
			t.Errorf("got %s, want timeout", got.Reason)
		}
		if got := time.Since(start); got < protocol.MediaTimeout-sweepInterval || got > protocol.MediaTimeout+sweepInterval {
			t.Errorf("it ended after %s, want %s", got, protocol.MediaTimeout)
		}
	})
}

func TestRelayCredentialsAreRenewed(t *testing.T) {
	inBubble(t, func(c *Config) { c.MediaTimeout = time.Hour }, func(t *testing.T, s *stage) {
		d, v, idle := s.device(t, camera), s.viewer(t, nil), s.viewer(t, nil)
		connect(v, d, 1)
		start := time.Now()
		grants := map[*peer]protocol.GrantID{d: s.row(sessionID(1)).DeviceGrant, v: v.welcome.Grant, idle: idle.welcome.Grant}
		for p, want := range grants {
			for {
				m := p.await(protocol.TypeICEServers)
				if m.Session == "" && p == v {
					continue // those of its next session
				}
				if got := body[*protocol.ICEServers](t, m); got.Grant != want || len(got.ICEServers) == 0 {
					t.Errorf("got servers of %s, want %s", got.Grant, want)
				}
				break
			}
		}
		if got := time.Since(start); got > 3*time.Minute+sweepInterval {
			t.Errorf("that took %s; credentials live 5m", got)
		}
	})
}

func TestTooManyCandidatesWaitAndNoneIsLost(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		start := time.Now()
		const count = 140
		for n := range count {
			v.post(protocol.TypeCandidate, sessionID(1), candidate(n))
		}
		for n := range count {
			if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(n) {
				t.Fatalf("got %+v, want candidate %d", got, n)
			}
		}
		want := time.Second * (count - 2*protocol.CandidatesPerSecond) / protocol.CandidatesPerSecond
		if got := time.Since(start).Round(time.Second); got != want {
			t.Errorf("they took %s, want %s", got, want)
		}
	})
}

func TestTooManyRequestsAreToldWhenToComeBack(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		v := s.viewer(t, nil)
		for n := range requestBurst {
			if got := body[*protocol.Error](t, v.answerTo(v.open(n))); got.Code != protocol.CodeOffline {
				t.Fatalf("open %d: got %v, want offline", n, got)
			}
		}
		got := body[*protocol.Error](t, v.answerTo(v.open(99)))
		if got.Code != protocol.CodeRateLimited || got.RetryMS <= 0 {
			t.Fatalf("got %+v, want rate_limited with its time", got)
		}
		time.Sleep(time.Duration(got.RetryMS) * time.Millisecond)
		if got := body[*protocol.Error](t, v.answerTo(v.open(100))); got.Code != protocol.CodeOffline {
			t.Errorf("after the wait: got %v", got)
		}
	})
}

func TestALinkThatTakesNothingIsClosedAndOthersDoNotNotice(t *testing.T) {
	for name, stuck := range map[string]bool{"reads and does not acknowledge": false, "does not read": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, s *stage) {
				d, slow, fine := s.device(t, camera), s.viewer(t, nil), s.viewer(t, nil)
				connect(slow, d, 1)
				connect(fine, d, 2)
				if stuck {
					s.block(slow)
				}
				slow.stall()
				start := time.Now()
				for n := range 2 * protocol.MaxUnacked {
					d.post(protocol.TypeCandidate, sessionID(1), candidate(n))
					d.post(protocol.TypeCandidate, sessionID(2), candidate(n))
					fine.await(protocol.TypeCandidate)
				}
				if !stuck {
					if got := slow.closed(); got != protocol.CloseTooSlow {
						t.Errorf("closed with %s, want %s", got, protocol.CloseTooSlow)
					}
				}
				if got := time.Since(start); got > 30*time.Second {
					t.Errorf("the other viewer's messages took %s", got)
				}
				if got := s.hub.Counts(); got != (Counts{Devices: 1, Viewers: 1, Sessions: 2}) {
					t.Errorf("got %+v: the slow link is still there, or more than it is gone", got)
				}
			})
		})
	}
}

// block makes the hub's writes to a peer hang.
func (s *stage) block(p *peer) {
	m := p.wire.(*memoryWire) // stages in a bubble have no other
	m.stuck.Store(true)
}

func TestAnIdleLinkHasNoWriterGoroutine(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.device(t, camera)
		for range 20 {
			s.viewer(t, nil)
		}
		time.Sleep(2 * protocol.AckDelay)
		synctest.Wait()
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if bytes.Contains(stacks, []byte("(*client).write")) {
			t.Errorf("a writer is there:\n%s", stacks)
		}
	})
}

func TestAFlappingDeviceDoesNotLengthenTheWait(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		s.suspect(t, d)
		start := time.Now()
		id := v.open(1)
		v.settled()
		waiting := func() []*waiting {
			s.hub.mu.Lock()
			defer s.hub.mu.Unlock()
			return slices.Clone(s.hub.devices[camera].waiting)
		}
		w := waiting()[0]
		time.Sleep(protocol.SuspectWait / 2)
		// The device came back, and is gone again before the open could go on.
		s.hub.resumeOpen(t.Context(), w)
		if got := body[*protocol.Error](t, v.answerTo(id)); got.Code != protocol.CodeOffline {
			t.Errorf("got %v", got)
		}
		if got := time.Since(start); got > protocol.SuspectWait+sweepInterval {
			t.Errorf("it waited for %s, want %s", got, protocol.SuspectWait)
		}
		if got := waiting(); len(got) != 0 {
			t.Errorf("%d opens still wait", len(got))
		}
	})
}
