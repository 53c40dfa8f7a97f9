package signal

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestALinkThatIsAbusedIsClosedWithATimeToComeBack(t *testing.T) {
	unheard := protocol.Envelope{Type: "unheard_of", ID: 1}
	for name, tt := range map[string]struct {
		message func(n int) protocol.Envelope
		most    int // that are let through at once
	}{
		"pongs":         {func(int) protocol.Envelope { return protocol.Envelope{Type: protocol.TypePong} }, chatter.Burst},
		"figures":       {func(int) protocol.Envelope { return protocol.Must(protocol.TypeStats, sessionID(1), &protocol.Stats{}) }, chatter.Burst},
		"unknown types": {func(int) protocol.Envelope { return unheard }, faults.Burst},
		"syncs of sessions that never were": {func(n int) protocol.Envelope {
			e := protocol.Must(protocol.TypeSync, sessionID(n), &protocol.Sync{Owner: owner})
			e.Seq = uint64(n)
			return e
		}, faults.Burst},
		"candidates of a session that is over": {func(n int) protocol.Envelope {
			e := protocol.Must(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Candidate: "candidate"})
			e.Seq = uint64(n)
			return e
		}, chatter.Burst},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, s *stage) {
				w, other := s.connect(t), s.viewer(t, nil)
				hello := s.viewerHello(t, nil)
				hello.Version = protocol.Version
				greeting := protocol.Must(protocol.TypeHello, "", &hello)
				var why *protocol.Error // the last that answers no request
				var end error
				read := make(chan struct{})
				s.pumps.Go(func() {
					defer close(read)
					for {
						var b []byte
						if b, end = w.read(); end != nil {
							return
						}
						if e, body, _ := protocol.Decode(b); e.Type == protocol.TypeError && e.Re == 0 {
							why, _ = body.(*protocol.Error)
						}
					}
				})
				send := func(from, to int) error {
					for n := from; n < to; n++ {
						e := greeting
						if n > 0 {
							e = tt.message(n)
						}
						b, err := e.Encode()
						if err != nil {
							t.Fatal(err)
						}
						if err := w.write(b); err != nil {
							return err
						}
					}
					return nil
				}
				if err := send(0, tt.most+1); err != nil {
					t.Fatalf("within the burst: %v", err)
				}
				time.Sleep(time.Millisecond)
				select {
				case <-read:
					t.Fatalf("within the burst: %v", end)
				default:
				}
				_ = send(tt.most+1, 2*tt.most) // it may be closed before the last
				<-read
				var closed *closedError
				if !errors.As(end, &closed) || closed.code != protocol.CloseRate {
					t.Errorf("the socket ended with %v, want 4013", end)
				}
				if why == nil || why.Code != protocol.CodeRateLimited || why.RetryMS == 0 {
					t.Errorf("got %+v before the close, want rate_limited with retry_ms", why)
				}
				other.settled()
			})
		})
	}
}

func TestASessionOverItsShareEndsAndTheDevicesLinkLives(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, flood, calm := s.device(t, camera), s.viewer(t, nil), s.viewer(t, nil)
		connect(flood, d, 1)
		connect(calm, d, 2)
		d.hangUp() // it acknowledges nothing now
		for n := range 100 {
			flood.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: fmt.Sprint("candidate ", n)})
		}
		calm.post(protocol.TypeCandidate, sessionID(2), &protocol.Candidate{Revision: 1, Candidate: "candidate"})
		if got := body[*protocol.Closed](t, flood.await(protocol.TypeClosed)).Reason; got != protocol.ReasonQuota {
			t.Errorf("the session over its share: got %s, want %s", got, protocol.ReasonQuota)
		}
		back := d.back(s.deviceHello(t, camera))
		if !back.welcome.Resumed {
			t.Fatalf("the device's link: got %+v", back.welcome)
		}
		if got := body[*protocol.Closed](t, back.await(protocol.TypeClosed)).Reason; got != protocol.ReasonQuota {
			t.Errorf("the device: got %s", got)
		}
		calm.post(protocol.TypeCandidate, sessionID(2), &protocol.Candidate{Revision: 1, Candidate: "another"})
		for back.await(protocol.TypeCandidate).Session != sessionID(2) {
		}
		if got := s.row(sessionID(2)).Ended; !got.IsZero() {
			t.Error("the calm session has ended")
		}
	})
}
