package signal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// wantResumed checks how a peer was welcomed; an empty reason means that its link goes on.
func wantResumed(t *testing.T, p *peer, reason protocol.ResumeReason) {
	t.Helper()
	if w := p.welcome; w.Resumed != (reason == "") || w.Reason != reason {
		t.Errorf("got resumed %v, reason %q, want reason %q", w.Resumed, w.Reason, reason)
	}
}

func TestNothingIsLostRepeatedOrReorderedWhileLinksResume(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(c *Config) { c.MediaTimeout = 24 * time.Hour }, func(t *testing.T, s *stage) {
				random := rand.New(rand.NewPCG(seed, 1))
				d, v := s.device(t, camera), s.viewer(t, nil)
				connect(v, d, 1)
				var got [2][]int
				collect := func(p *peer, into *[]int) {
					for {
						select {
						case m, ok := <-p.inbox:
							if !ok {
								return
							}
							if c, is := m.body.(*protocol.Candidate); is {
								*into = append(*into, c.MLine)
							}
						default:
							return
						}
					}
				}
				cut := func(p *peer, hello func() protocol.Hello, into *[]int) *peer {
					switch random.IntN(3) {
					case 0: // the hub notices at once
						p.wire.cut()
					case 1: // and only when the client is back
					case 2: // after a while
						p.wire.cut()
						time.Sleep(time.Duration(random.Int64N(int64(20 * time.Second))))
					}
					again := p.back(hello())
					p.wire.cut()
					synctest.Wait()
					collect(p, into) // what the old socket brought comes first
					wantResumed(t, again, "")
					return again
				}
				const count = 150
				for n := range count {
					d.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: "c", MLine: n})
					v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: "c", MLine: n})
					if random.IntN(3) == 0 {
						time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
					}
					if random.IntN(10) == 0 {
						d = cut(d, func() protocol.Hello { return s.deviceHello(t, camera) }, &got[0])
					}
					if random.IntN(10) == 0 {
						v = cut(v, func() protocol.Hello { return s.viewerHello(t, nil) }, &got[1])
					}
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				collect(d, &got[0])
				collect(v, &got[1])
				want := make([]int, count)
				for n := range want {
					want[n] = n
				}
				for end, name := range []string{"device", "viewer"} {
					if !slices.Equal(got[end], want) {
						t.Errorf("the %s got %v", name, got[end])
					}
				}
				if got := s.hub.Presence(camera); got.Generation != 1 || got.Status != protocol.StatusOnline {
					t.Errorf("got %+v, want online in the first generation", got)
				}
			})
		})
	}
}

func TestAResumedLinkIsWelcomedWithAllItHas(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	v.settled() // so that the hub has taken all of it
	v.hangUp()
	if counts := s.hub.Counts(); counts != (Counts{Devices: 1, Parked: 1, Sessions: 1}) {
		t.Errorf("got %+v", counts)
	}
	d.post(protocol.TypeCandidate, sessionID(1), candidate(1))
	d.settled()
	before := v.welcome
	v = v.back(s.viewerHello(t, nil))
	wantResumed(t, v, "")
	w := v.welcome
	if w.Key != before.Key || w.Link != before.Link || w.Grant == before.Grant || len(w.ICEServers) == 0 || w.ResumeS != 120 {
		t.Errorf("got welcome %+v after %+v, want the same link with the grant of the last opened", w, before)
	}
	want := []protocol.SessionInfo{{Session: sessionID(1), State: protocol.SessionAnswered}}
	if !slices.Equal(v.snapshot.Sessions, want) || len(v.snapshot.Presence) != 1 || v.snapshot.Presence[0].Status != protocol.StatusOnline {
		t.Errorf("got snapshot %+v, want the session and its device", v.snapshot)
	}
	if got := body[*protocol.Candidate](t, v.await(protocol.TypeCandidate)); *got != *candidate(1) {
		t.Errorf("got %+v", got)
	}
	v.await(protocol.TypePolicy)
	if got := body[*protocol.ICEServers](t, v.await(protocol.TypeICEServers)); len(got.ICEServers) == 0 {
		t.Errorf("got %+v, want fresh credentials of the session", got)
	}
	v.post(protocol.TypeCandidate, sessionID(1), candidate(2))
	d.await(protocol.TypeCandidate)
}

func TestOnlyItsOwnClientResumesALink(t *testing.T) {
	s := onSockets(t, nil)
	v, d := s.viewer(t, nil), s.device(t, camera)
	use := func(hello protocol.Hello, p *peer) protocol.Hello {
		hello.Resume = &protocol.Resume{Link: p.welcome.Link, Key: p.welcome.Key}
		return hello
	}
	for name, hello := range map[string]protocol.Hello{
		"another subject":              use(s.viewerHello(t, func(v *auth.Viewer) { v.Subject = "bob" }), v),
		"another device's viewer":      use(s.viewerHello(t, func(v *auth.Viewer) { v.Device = other }), v),
		"a device on a viewer's link":  use(s.deviceHello(t, other), v),
		"another device":               use(s.deviceHello(t, other), d),
		"a viewer on a device's link":  use(s.viewerHello(t, nil), d),
		"a number that was never sent": {},
	} {
		t.Run(name, func(t *testing.T) {
			if hello.Resume == nil {
				mine := s.viewer(t, nil)
				hello = use(s.viewerHello(t, nil), mine)
				hello.Resume.Received = 99
			}
			wantResumed(t, s.hello(t, hello), protocol.ResumeNew)
		})
	}
	if got := append(v.settled(), d.settled()...); len(got) != 0 {
		t.Errorf("the links got %v", got)
	}
}

func TestAHelloThatComesTooLateHarmsNobody(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	late := s.viewerHello(t, nil)
	late.Resume = &protocol.Resume{Link: v.welcome.Link, Key: v.welcome.Key} // given up on a bad network
	connect(v, d, 1)
	v.settled()
	d.post(protocol.TypeCandidate, sessionID(1), candidate(1))
	v.await(protocol.TypeCandidate)
	v = v.back(s.viewerHello(t, nil))
	wantResumed(t, v, "")
	checkRefusal(t, s.dial(t).greet(late), protocol.CodeGoingAway, protocol.CloseGoingAway)
	v.post(protocol.TypeCandidate, sessionID(1), candidate(1))
	d.await(protocol.TypeCandidate)
}

func TestAResumeDoesNotAskWhetherTheTokenIsInTime(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		short := func(v *auth.Viewer) { v.Expires = time.Now().Add(30 * time.Second) }
		hello := s.viewerHello(t, short)
		v, d := s.hello(t, hello), s.device(t, camera)
		deviceHello := s.deviceHello(t, camera)
		time.Sleep(10 * time.Minute)
		wantResumed(t, v.back(hello), "")
		wantResumed(t, d.back(deviceHello), "")
	})
}

func TestALinkLivesWithoutASocketForItsWindow(t *testing.T) {
	inBubble(t, func(c *Config) { c.MediaTimeout = time.Hour }, func(t *testing.T, s *stage) {
		d, v, watcher := s.device(t, camera), s.viewer(t, nil), s.viewer(t, nil)
		connect(v, d, 1)
		v.settled()
		d.settled()
		d.hangUp()
		v.hangUp()
		time.Sleep(protocol.ResumeWindow - 2*sweepInterval)
		if got := s.hub.Presence(camera).Status; got != protocol.StatusOffline {
			t.Errorf("the device is %s", got)
		}
		d, v = d.back(s.deviceHello(t, camera)), v.back(s.viewerHello(t, nil))
		wantResumed(t, d, "")
		wantResumed(t, v, "")
		for _, want := range []protocol.Status{protocol.StatusSuspect, protocol.StatusOffline, protocol.StatusOnline} {
			if got := body[*protocol.Presence](t, watcher.await(protocol.TypePresence)); got.Status != want || got.Generation != 1 {
				t.Errorf("got %+v, want %s in generation 1", got, want)
			}
		}
		grant := v.welcome.Grant
		d.hangUp()
		v.hangUp()
		lost := time.Now()
		time.Sleep(protocol.ResumeWindow + 2*sweepInterval)
		if got := s.hub.Counts(); got != (Counts{Viewers: 1, Sessions: 1}) {
			t.Errorf("got %+v, want no link but the watcher's", got)
		}
		if !s.hasEnded(grant) || s.hasEnded(s.row(sessionID(1)).ViewerGrant) {
			t.Error("the link's own grant must end, and the session's must not")
		}
		if got := s.devices[camera].LastSeen; got.After(lost) {
			t.Errorf("last seen is %s after the socket was lost", got.Sub(lost))
		}
		wantResumed(t, d.back(s.deviceHello(t, camera)), protocol.ResumeExpired)
		wantResumed(t, v.back(s.viewerHello(t, nil)), protocol.ResumeExpired)
	})
}

func TestAnOpenWaitsForADeviceWithoutASocketAndIsServedWhenItResumes(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		s.suspect(t, d)
		v.open(1)
		v.settled()
		v.hangUp() // the answer waits for the viewer, too
		d = d.back(s.deviceHello(t, camera))
		d.await(protocol.TypeInvite)
		v = v.back(s.viewerHello(t, nil))
		v.await(protocol.TypeOpened)
		s.suspect(t, d)
		if got := body[*protocol.Error](t, v.answerTo(v.open(2))); got.Code != protocol.CodeOffline {
			t.Errorf("got %v, want offline", got)
		}
	})
}

func TestTooMuchForALinkWithoutASocketEndsIt(t *testing.T) {
	inBubble(t, func(c *Config) { c.MediaTimeout = time.Hour }, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		v.settled()
		v.hangUp()
		for n := range protocol.MaxUnacked + 1 {
			d.post(protocol.TypeCandidate, sessionID(1), candidate(n))
			time.Sleep(time.Second / protocol.CandidatesPerSecond)
		}
		d.settled()
		s.until(t, "the link has ended", func() bool { return s.hub.Counts() == Counts{Devices: 1, Sessions: 1} })
		v = v.back(s.viewerHello(t, nil))
		wantResumed(t, v, protocol.ResumeOverflow)
		if got := v.settled(); len(got) != 0 {
			t.Errorf("the new link got %v: a part of the old one's", got)
		}
	})
}

func TestTwoBoxesWithOneKeyDoNotTakeTurns(t *testing.T) {
	s := onSockets(t, nil)
	first, second := s.device(t, camera), s.device(t, camera)
	first.closed()
	again := s.dial(t)
	checkRefusal(t, again.greet(first.resuming(s.deviceHello(t, camera))), protocol.CodeSuperseded, protocol.CloseSuperseded)
	second.hangUp() // it lives on without a socket
	again = s.dial(t)
	checkRefusal(t, again.greet(first.resuming(s.deviceHello(t, camera))), protocol.CodeSuperseded, protocol.CloseSuperseded)
	second = second.back(s.deviceHello(t, camera))
	wantResumed(t, second, "")
	second.send(protocol.Envelope{Type: protocol.TypeBye})
	s.until(t, "the newer link has ended", func() bool { return s.hub.Counts() == Counts{} })
	wantResumed(t, s.hello(t, first.resuming(s.deviceHello(t, camera))), protocol.ResumeSuperseded)
}

func TestALinkWithoutASocketIsRevokedToo(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	d.hangUp()
	v.hangUp()
	s.hub.RevokeKey(t.Context(), apiKey)
	s.until(t, "the viewer's link has ended", func() bool { return s.hub.Counts() == Counts{Parked: 1} })
	checkRefusal(t, s.dial(t).greet(v.resuming(s.viewerHello(t, nil))), protocol.CodeRevoked, protocol.CloseRevoked)
	s.hub.RevokeDevice(t.Context(), camera)
	s.until(t, "the device's link has ended", func() bool { return s.hub.Counts() == Counts{} })
	checkRefusal(t, s.dial(t).greet(d.resuming(s.deviceHello(t, camera))), protocol.CodeRevoked, protocol.CloseRevoked)
	if got := s.hub.Presence(camera).Status; got != protocol.StatusOffline {
		t.Errorf("the device is %s", got)
	}
	s.until(t, "all grants have ended", func() bool { return s.alive() == 0 })
}

func TestOnlySoManyLinksLiveWithoutASocket(t *testing.T) {
	s := onSockets(t, func(c *Config) { c.MaxParked = 2 })
	var viewers []*peer
	for range 4 {
		viewers = append(viewers, s.viewer(t, nil))
	}
	for _, v := range viewers {
		v.hangUp()
	}
	if got := s.hub.Counts(); got != (Counts{Parked: 2}) {
		t.Errorf("got %+v, want the newest two", got)
	}
	s.until(t, "the grants of the others have ended", func() bool { return s.alive() == 2 })
	for n, want := range []protocol.ResumeReason{protocol.ResumeExpired, protocol.ResumeExpired, "", ""} {
		wantResumed(t, viewers[n].back(s.viewerHello(t, nil)), want)
	}
}

func TestGravesAreBounded(t *testing.T) {
	g := graves{byLink: map[protocol.LinkID]grave{}, most: 3}
	for n := range 10 {
		g.bury(&client{id: protocol.LinkID(fmt.Sprint(n))})
	}
	for n := range 10 {
		if _, known := g.byLink[protocol.LinkID(fmt.Sprint(n))]; known != (n >= 7) {
			t.Errorf("link %d is remembered: %v", n, known)
		}
	}
}

func TestAMessageThatIsBeingHandledIsNotHandledAgain(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		const slow = 3 * time.Second
		s.hold(func(record.Session) error {
			time.Sleep(slow)
			return nil
		})
		start := time.Now()
		id := v.open(1)
		v.post(protocol.TypeCandidate, sessionID(1), candidate(1))
		synctest.Wait() // the store is at it
		v = v.back(s.viewerHello(t, nil))
		wantResumed(t, v, "")
		if got := time.Since(start); got < slow {
			t.Errorf("the link went on after %s, before its last message was handled", got)
		}
		if got := v.welcome.Received; got != 1 {
			t.Errorf("the hub has %d messages, want the open", got)
		}
		if got := v.await(protocol.TypeOpened); got.Re != id {
			t.Errorf("got an answer to %d, want %d", got.Re, id)
		}
		d.await(protocol.TypeInvite)
		d.await(protocol.TypeCandidate)
		if got := append(d.settled(), v.settled()...); len(got) != 0 {
			t.Errorf("there came %v too", got)
		}
	})
}
