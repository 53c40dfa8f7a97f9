package signal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// roamer is a client that changes doors, with the numbers of the candidates that it has got.
type roamer struct {
	*peer
	hello func() protocol.Hello
	got   []int
}

func (r *roamer) collect() {
	for {
		select {
		case m, ok := <-r.inbox:
			if !ok {
				return
			}
			if c, is := m.body.(*protocol.Candidate); is {
				r.got = append(r.got, c.MLine)
			}
		default:
			return
		}
	}
}

// become goes on as the peer that has taken the link over.
func (r *roamer) become(again *peer) {
	r.wire.cut()
	synctest.Wait()
	r.collect()
	r.peer = again
}

func TestNothingIsLostRepeatedOrReorderedWhileLinksChangeDoors(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(c *Config) { c.MediaTimeout = 24 * time.Hour }, func(t *testing.T, s *stage) {
				random := rand.New(rand.NewPCG(seed, 2))
				ways := []func(*testing.T) wire{s.connect, s.longPoll}
				anyWay := func() func(*testing.T) wire { return ways[random.IntN(len(ways))] }
				s.connect = anyWay()
				d := &roamer{peer: s.device(t, camera), hello: func() protocol.Hello { return s.deviceHello(t, camera) }}
				s.connect = anyWay()
				v := &roamer{peer: s.viewer(t, nil), hello: func() protocol.Hello { return s.viewerHello(t, nil) }}
				connect(v.peer, d.peer, 1)
				roam := func(r *roamer) {
					switch random.IntN(4) {
					case 0: // the socket is lost
						r.wire.cut()
						time.Sleep(time.Duration(random.Int64N(int64(20 * time.Second))))
						s.connect = anyWay()
						r.become(r.back(r.hello()))
						wantResumed(t, r.peer, "")
					case 1: // a probe brings nothing
						probe := r.probe(anyOther(ways, r.peer), r.hello())
						wantResumed(t, probe, "")
						probe.wire.cut()
					default: // or something, soon or after a while
						probe := r.probe(anyOther(ways, r.peer), r.hello())
						wantResumed(t, probe, "")
						time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
						r.moveTo(probe)
						r.become(probe)
					}
				}
				const count = 100
				for n := range count {
					for _, r := range []*roamer{d, v} {
						r.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: "c", MLine: n})
						if random.IntN(8) == 0 {
							roam(r)
						}
					}
					if random.IntN(3) == 0 {
						time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
					}
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				want := make([]int, count)
				for n := range want {
					want[n] = n
				}
				for name, r := range map[string]*roamer{"device": d, "viewer": v} {
					if r.collect(); !slices.Equal(r.got, want) {
						t.Errorf("the %s got %v", name, r.got)
					}
				}
				if got := s.hub.Presence(camera); got.Generation != 1 || got.Status != protocol.StatusOnline {
					t.Errorf("got %+v, want online in the first generation", got)
				}
				if len(s.hub.prospects) != 0 {
					t.Errorf("%d prospects are left", len(s.hub.prospects))
				}
			})
		})
	}
}

// anyOther is a way to the door that a peer is not on.
func anyOther(ways []func(*testing.T) wire, p *peer) func(*testing.T) wire {
	if _, polls := p.wire.(*pollWire); polls {
		return ways[0]
	}
	return ways[1]
}

// bothWays runs a test of a change of doors in both directions.
func bothWays(t *testing.T, test func(t *testing.T, s *stage, to func(*testing.T) wire)) {
	t.Helper()
	t.Run("to the long poll", func(t *testing.T) {
		inBubble(t, nil, func(t *testing.T, s *stage) { test(t, s, s.longPoll) })
	})
	t.Run("from the long poll", func(t *testing.T) {
		inBubble(t, nil, func(t *testing.T, s *stage) {
			to := s.connect
			s.connect = s.longPoll
			test(t, s, to)
		})
	})
}

func TestAProspectThatSaysNothingCostsTheLinkNothing(t *testing.T) {
	bothWays(t, func(t *testing.T, s *stage, to func(*testing.T) wire) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		d.probe(to, s.deviceHello(t, camera))
		v.probe(to, s.viewerHello(t, nil))
		time.Sleep(protocol.HelloTimeout + 2*sweepInterval)
		v.post(protocol.TypeCandidate, sessionID(1), candidate(1))
		if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(1) {
			t.Errorf("got %+v", got)
		}
		if len(s.hub.prospects) != 0 || len(s.hub.strangers) != 0 {
			t.Errorf("%d prospects and %d strangers are left", len(s.hub.prospects), len(s.hub.strangers))
		}
		if got := s.history(camera); len(got) != 1 || !got[0].Closed.IsZero() {
			t.Errorf("the history is %+v, want the one connection", got)
		}
		if got := s.hub.Counts(); got != (Counts{Devices: 1, Viewers: 1, Sessions: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestTheFirstMessageOnAnotherDoorDisplacesTheOld(t *testing.T) {
	bothWays(t, func(t *testing.T, s *stage, to func(*testing.T) wire) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		hello := s.deviceHello(t, camera)
		hello.Fallback = &protocol.Fallback{Reason: protocol.FallbackStatus, Detail: "HTTP 200 from nginx"}
		probe := d.probe(to, hello)
		if got := s.history(camera); len(got) != 1 {
			t.Errorf("the history is %+v before the first message", got)
		}
		d.moveTo(probe)
		wantSessions := []protocol.SessionInfo{{Session: sessionID(1), State: protocol.SessionAnswered}}
		if !slices.Equal(probe.snapshot.Sessions, wantSessions) {
			t.Errorf("got snapshot %+v", probe.snapshot)
		}
		probe.await(protocol.TypePolicy) // all state comes again
		if got := d.closed(); got != protocol.CloseGoingAway {
			t.Errorf("the old door was closed with %s, want %s", got, protocol.CloseGoingAway)
		}
		if got := s.dropped(t, 0); got.Cause != record.CauseReplaced {
			t.Errorf("got %s, want %s", got.Cause, record.CauseReplaced)
		}
		now, _ := s.hub.Connection(camera)
		polls := now.Transport == protocol.TransportLongPoll
		if polls != (now.Fallback != nil) || polls && *now.Fallback != *hello.Fallback {
			t.Errorf("by %s the fallback is %+v", now.Transport, now.Fallback)
		}
		told := body[*protocol.Presence](t, v.await(protocol.TypePresence))
		if told.Status != protocol.StatusOnline || told.Transport != now.Transport || (told.Fallback != nil) != polls {
			t.Errorf("the viewer was told %+v", told)
		}
		if want := map[bool]int{true: 32, false: 20}[polls]; probe.welcome.PingS != want {
			t.Errorf("got ping_s %d, want %d", probe.welcome.PingS, want)
		}
	})
}

func TestAFirstMessageThatAcknowledgesNothingIsGood(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		socket := s.connect
		d, v := s.device(t, camera), s.viewer(t, nil)
		s.connect = s.longPoll
		again := v.back(s.viewerHello(t, nil)) // as a client that has got nothing yet
		probe := again.probe(socket, s.viewerHello(t, nil))
		connect(again, d, 1)
		again.settled() // it has acknowledged more than when it said hello
		if err := probe.wire.write(encode(t, protocol.Envelope{Type: protocol.TypePing})); err != nil {
			t.Fatal(err)
		}
		for { // what comes is what has not been acknowledged
			m, err := probe.read()
			if err != nil {
				t.Fatal(err)
			}
			if m.Type == protocol.TypeOpened {
				t.Errorf("got seq %d again", m.Seq)
			}
			if m.Type == protocol.TypePong {
				break
			}
		}
	})
}

func TestAProspectThatWasGivenUpTakesNothing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		v := s.viewer(t, nil)
		v.probe(s.longPoll, s.viewerHello(t, nil))
		v.hangUp()
		s.connect = s.longPoll
		v = v.back(s.viewerHello(t, nil))
		wantResumed(t, v, "")
		if len(s.hub.prospects) != 0 {
			t.Errorf("%d prospects are left", len(s.hub.prospects))
		}
		s.device(t, camera)
		if got := body[*protocol.Presence](t, v.await(protocol.TypePresence)); got.Status != protocol.StatusOnline {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAProspectOfALinkThatEndsIsSentAway(t *testing.T) {
	bothWays(t, func(t *testing.T, s *stage, to func(*testing.T) wire) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		probe := v.probe(to, s.viewerHello(t, nil))
		v.send(protocol.Envelope{Type: protocol.TypeBye})
		s.until(t, "the viewer has left", func() bool { return s.hub.Counts().Viewers == 0 })
		b := encode(t, protocol.Envelope{Type: protocol.TypeAck})
		_ = probe.wire.write(b)
		for {
			if _, err := probe.wire.read(); err != nil {
				var closed *closedError
				if !errors.As(err, &closed) || closed.code != protocol.CloseGoingAway {
					t.Errorf("got %v, want a close with %s", err, protocol.CloseGoingAway)
				}
				break
			}
		}
		again := v.back(s.viewerHello(t, nil))
		wantResumed(t, again, protocol.ResumeNew)
		connect(again, d, 1)
	})
}
